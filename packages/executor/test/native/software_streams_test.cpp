#include <set>

#include "software_backend_fixture.h"

using namespace vgpu::executor;
using vgpu::executor::test::SoftwareFixture;

namespace {

struct Streams : SoftwareFixture {
  Handle create_stream(Handle owner) {
    Handle stream = 0;
    REQUIRE(backend.cuStreamCreate(owner, stream, 0) == CUDA_SUCCESS);
    return stream;
  }
  Handle create_event(Handle owner, std::uint32_t flags = 0) {
    Handle event = 0;
    REQUIRE(backend.cuEventCreate(owner, event, flags) == CUDA_SUCCESS);
    return event;
  }
  CUresult elapsed(Handle start, Handle end) {
    return result([&] { return backend.cuEventElapsedTime(context, milliseconds, start, end); });
  }
  float milliseconds = -1;
};

}  // namespace

TEST_CASE_FIXTURE(Streams, "the default streams are there from the beginning") {
  std::set<std::uint64_t> ids;
  for (const Handle stream : {Handle{0}, Handle{1}, Handle{2}}) {
    CAPTURE(stream);
    std::uint32_t flags = 9;
    std::int32_t priority = 9;
    Handle owner = 0;
    std::uint64_t id = 0;
    CHECK(backend.cuStreamQuery(context, stream) == CUDA_SUCCESS);
    CHECK(backend.cuStreamSynchronize(context, stream) == CUDA_SUCCESS);
    CHECK(backend.cuStreamGetFlags(context, stream, flags) == CUDA_SUCCESS);
    CHECK(flags == 0);
    CHECK(backend.cuStreamGetPriority(context, stream, priority) == CUDA_SUCCESS);
    CHECK(priority == 0);
    CHECK(backend.cuStreamGetCtx(context, stream, owner) == CUDA_SUCCESS);
    CHECK(owner == context);
    CHECK(backend.cuStreamGetId(context, stream, id) == CUDA_SUCCESS);
    ids.insert(id);
    CHECK_MESSAGE(
        result([&] { return backend.cuStreamDestroy_v2(context, stream); }) == CUDA_ERROR_INVALID_HANDLE,
        "nobody created it");
  }
  CHECK_MESSAGE(ids.size() == 2, "0 and 1 are one stream");
  std::uint64_t id = 0;
  CHECK(backend.cuStreamGetId(create_context(), 0, id) == CUDA_SUCCESS);
  CHECK(ids.insert(id).second);
  CHECK(backend.cuStreamGetId(context, create_stream(context), id) == CUDA_SUCCESS);
  CHECK(ids.insert(id).second);
}

TEST_CASE_FIXTURE(Streams, "streams that programs create") {
  Handle stream = 0;
  CHECK(backend.cuStreamCreateWithPriority(context, stream, CU_STREAM_NON_BLOCKING, -5) == CUDA_SUCCESS);
  std::uint32_t flags = 0;
  std::int32_t priority = 9;
  CHECK(backend.cuStreamGetFlags(context, stream, flags) == CUDA_SUCCESS);
  CHECK(flags == CU_STREAM_NON_BLOCKING);
  CHECK(backend.cuStreamGetPriority(context, stream, priority) == CUDA_SUCCESS);
  CHECK_MESSAGE(priority == 0, "clamped into the device's range");
  for (const std::uint32_t wrong : {2U, 3U, ~0U}) {
    CAPTURE(wrong);
    Handle other = 0;
    CHECK(result([&] { return backend.cuStreamCreate(context, other, wrong); }) == CUDA_ERROR_INVALID_VALUE);
  }
}

TEST_CASE_FIXTURE(Streams, "a stream works from every context, and says which is its own") {
  const Handle other = create_context();
  const Handle stream = create_stream(other);
  Handle owner = 0;
  CHECK(backend.cuStreamGetCtx(context, stream, owner) == CUDA_SUCCESS);
  CHECK(owner == other);
  CHECK(backend.cuStreamSynchronize(context, stream) == CUDA_SUCCESS);
}

TEST_CASE_FIXTURE(Streams, "handles that are no stream") {
  const Handle destroyed = create_stream(context);
  CHECK(backend.cuStreamDestroy_v2(context, destroyed) == CUDA_SUCCESS);
  const Handle event = create_event(context);
  const Handle other = create_context();
  const Handle orphan = create_stream(other);
  CHECK(backend.vgpuContextDestroy(0, other) == CUDA_SUCCESS);
  for (const Handle wrong : {Handle{3}, destroyed, event, context, orphan, ~Handle{0}}) {
    CAPTURE(wrong);
    const auto invalid = CUDA_ERROR_INVALID_HANDLE;
    std::uint32_t u32 = 0;
    std::int32_t i32 = 0;
    std::uint64_t u64 = 0;
    CHECK(result([&] { return backend.cuStreamQuery(context, wrong); }) == invalid);
    CHECK(result([&] { return backend.cuStreamSynchronize(context, wrong); }) == invalid);
    CHECK(result([&] { return backend.cuStreamGetFlags(context, wrong, u32); }) == invalid);
    CHECK(result([&] { return backend.cuStreamGetPriority(context, wrong, i32); }) == invalid);
    CHECK(result([&] { return backend.cuStreamGetCtx(context, wrong, u64); }) == invalid);
    CHECK(result([&] { return backend.cuStreamGetId(context, wrong, u64); }) == invalid);
    CHECK(result([&] { return backend.vgpuStreamWaitEvent(context, wrong, event, 0); }) == invalid);
    CHECK(result([&] { return backend.cuStreamDestroy_v2(context, wrong); }) == invalid);
    CHECK(result([&] { return backend.vgpuEventRecord(context, event, wrong); }) == invalid);
    CHECK(result([&] { return backend.vgpuCopyToDevice(context, 0, {}, 0, wrong); }) == invalid);
    CHECK(result([&] { return backend.vgpuCopyFromDevice(context, {}, 0, 0, wrong); }) == invalid);
    CHECK(result([&] { return backend.vgpuFill(context, 0, 0, 0, 1, 0, 0, wrong); }) == invalid);
  }
}

TEST_CASE_FIXTURE(Streams, "an event measures the time between two records") {
  const Handle start = create_event(context);
  const Handle end = create_event(context);
  CHECK_MESSAGE(elapsed(start, end) == CUDA_ERROR_INVALID_HANDLE, "not recorded");
  CHECK(backend.vgpuEventRecord(context, start, 0) == CUDA_SUCCESS);
  CHECK(elapsed(start, end) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(backend.vgpuEventRecord(context, end, 0) == CUDA_SUCCESS);
  CHECK(elapsed(start, end) == CUDA_SUCCESS);
  CHECK(milliseconds >= 0);
  CHECK(milliseconds < 1000);
  CHECK(elapsed(end, start) == CUDA_SUCCESS);
  CHECK(milliseconds <= 0);
}

TEST_CASE_FIXTURE(Streams, "events without timing have no time") {
  const Handle timed = create_event(context);
  const Handle untimed = create_event(context, CU_EVENT_DISABLE_TIMING);
  CHECK(backend.vgpuEventRecord(context, timed, 0) == CUDA_SUCCESS);
  CHECK(backend.vgpuEventRecord(context, untimed, 0) == CUDA_SUCCESS);
  CHECK(elapsed(timed, untimed) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(elapsed(untimed, timed) == CUDA_ERROR_INVALID_HANDLE);
}

TEST_CASE_FIXTURE(Streams, "an event that was never recorded is complete") {
  const Handle event = create_event(context);
  CHECK(backend.cuEventQuery(context, event) == CUDA_SUCCESS);
  CHECK(backend.cuEventSynchronize(context, event) == CUDA_SUCCESS);
  CHECK(backend.vgpuStreamWaitEvent(context, 0, event, 0) == CUDA_SUCCESS);
  CHECK(result([&] { return backend.vgpuStreamWaitEvent(context, 0, event, 2); }) ==
        CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Streams, "event flags") {
  Handle event = 0;
  const auto create = [&](std::uint32_t flags) {
    return result([&] { return backend.cuEventCreate(context, event, flags); });
  };
  CHECK(create(CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING) == CUDA_SUCCESS);
  CHECK(create(8) == CUDA_ERROR_INVALID_VALUE);
  CHECK(create(~0U) == CUDA_ERROR_INVALID_VALUE);
  CHECK_MESSAGE(create(CU_EVENT_INTERPROCESS) == CUDA_ERROR_INVALID_VALUE, "it may not be timed");
  CHECK(create(CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING) == CUDA_ERROR_NOT_SUPPORTED);
}

TEST_CASE_FIXTURE(Streams, "event and stream must share a context to record, not to wait") {
  const Handle other = create_context();
  const Handle stream = create_stream(other);
  const Handle event = create_event(context);
  CHECK(result([&] { return backend.vgpuEventRecord(context, event, stream); }) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(result([&] { return backend.vgpuEventRecord(other, event, 0); }) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(backend.vgpuStreamWaitEvent(context, stream, event, 0) == CUDA_SUCCESS);
}

TEST_CASE_FIXTURE(Streams, "handles that are no event") {
  const Handle event = create_event(context);
  const Handle destroyed = create_event(context);
  CHECK(backend.cuEventDestroy_v2(context, destroyed) == CUDA_SUCCESS);
  for (const Handle wrong : {Handle{0}, destroyed, create_stream(context), context, ~Handle{0}}) {
    CAPTURE(wrong);
    const auto invalid = CUDA_ERROR_INVALID_HANDLE;
    CHECK(result([&] { return backend.vgpuEventRecord(context, wrong, 0); }) == invalid);
    CHECK(result([&] { return backend.cuEventQuery(context, wrong); }) == invalid);
    CHECK(result([&] { return backend.cuEventSynchronize(context, wrong); }) == invalid);
    CHECK(result([&] { return backend.cuEventDestroy_v2(context, wrong); }) == invalid);
    CHECK(result([&] { return backend.vgpuStreamWaitEvent(context, 0, wrong, 0); }) == invalid);
    CHECK(elapsed(event, wrong) == invalid);
    CHECK(elapsed(wrong, event) == invalid);
  }
}
