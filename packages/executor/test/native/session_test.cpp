#include "worker/session.h"

#include <doctest/doctest.h>

#include <array>

#include "software_backend_fixture.h"
#include "support.h"

using namespace vgpu::executor;
using test::CapturedLog;
using test::Request;
using Reply = Session::Reply;

namespace {

/// Answers what the test says, and counts.
class ScriptedBackend final : public Backend {
 public:
  [[nodiscard]] std::string name() const override { return "scripted"; }
  [[nodiscard]] std::int32_t driver_version() const override { return 0; }
  [[nodiscard]] std::string driver_release() const override { return ""; }
  [[nodiscard]] std::vector<vgpu_device> devices() override { return {}; }
  [[nodiscard]] std::uint64_t memory_in_use() const override { return memory; }

  CUresult cuCtxSynchronize(std::uint64_t context) override {
    last_context = context;
    return answer();
  }
  CUresult cuMemAlloc_v2(std::uint64_t, std::uint64_t& address, std::uint64_t) override {
    address = 0x1234;
    return answer();
  }
  CUresult vgpuLaunchKernel(std::uint64_t, std::uint64_t, std::uint32_t, std::uint32_t, std::uint32_t,
                            std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::uint64_t,
                            std::span<const std::byte>) override {
    return answer();
  }

  [[nodiscard]] bool has_output() override { return prints; }
  CUresult vgpuOutputPending(std::uint64_t, std::uint64_t& bytes, std::int32_t&) override {
    bytes = 5;
    return CUDA_SUCCESS;
  }

  CUresult next = CUDA_SUCCESS;
  bool prints = false;
  bool throws = false;
  std::uint64_t memory = 0;
  int calls = 0;
  std::uint64_t last_context = 0;

 private:
  CUresult answer() {
    ++calls;
    if (throws) throw CallError(next, "because of the test");
    return next;
  }
};

struct Fixture {
  CapturedLog captured;
  Log log{captured.descriptor()};
  ScriptedBackend backend;
  Session session{backend, log};

  Reply handle(std::uint32_t call, const Request& request = {}, std::int32_t flags = 0) {
    const vgpu_frame frame{.payload_bytes = static_cast<std::uint32_t>(request.payload().size()),
                           .call = call,
                           .sequence = 77,
                           .status = flags,
                           .context = 0x99};
    return session.handle(frame, request.payload());
  }
  std::int32_t status(std::uint32_t call, const Request& request = {}) {
    REQUIRE(handle(call, request) == Reply::send);
    return session.response_header().status;
  }
  std::int32_t synchronize() { return status(VGPU_CALL_cuCtxSynchronize); }
  std::int32_t allocate() { return status(VGPU_CALL_cuMemAlloc_v2, Request().value<std::uint64_t>(16)); }
  void launch_deferred(CUresult result) {
    backend.next = result;
    Request request;
    request.value<std::uint64_t>(1);
    for (int i = 0; i < 7; ++i) request.value<std::uint32_t>(1);
    request.value<std::uint64_t>(0).bytes({});
    REQUIRE(handle(VGPU_CALL_vgpuLaunchKernel, request, VGPU_FRAME_DEFERRED) == Reply::none);
    backend.next = CUDA_SUCCESS;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a response repeats call and sequence and carries the results") {
  REQUIRE(handle(VGPU_CALL_cuMemAlloc_v2, Request().value<std::uint64_t>(16)) == Reply::send);
  CHECK(session.response_header().call == VGPU_CALL_cuMemAlloc_v2);
  CHECK(session.response_header().sequence == 77);
  CHECK(session.response_header().status == CUDA_SUCCESS);
  CHECK(session.response_header().context == 0);
  CHECK(session.response_header().payload_bytes == 8);
  CHECK(test::value_at<std::uint64_t>(session.response_payload()) == 0x1234);
}

TEST_CASE_FIXTURE(Fixture, "the backend gets the calling thread's context") {
  synchronize();
  CHECK(backend.last_context == 0x99);
}

TEST_CASE_FIXTURE(Fixture, "a failed call has no payload") {
  backend.next = CUDA_ERROR_OUT_OF_MEMORY;
  CHECK(allocate() == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK(session.response_payload().empty());
  CHECK(session.response_header().payload_bytes == 0);
}

TEST_CASE_FIXTURE(Fixture, "an exception becomes its result and a line in the log") {
  backend.next = CUDA_ERROR_INVALID_HANDLE;
  backend.throws = true;
  CHECK(allocate() == CUDA_ERROR_INVALID_HANDLE);
  CHECK(captured.text().find("cuMemAlloc_v2 gives 400: because of the test") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "an unknown call is refused, and the connection goes on") {
  CHECK(status(VGPU_CALL_COUNT) == CUDA_ERROR_NOT_SUPPORTED);
  CHECK(status(UINT32_MAX) == CUDA_ERROR_NOT_SUPPORTED);
  CHECK(status(VGPU_CALL_ALIVE) == CUDA_ERROR_NOT_SUPPORTED);
  CHECK(captured.text().find("call 4294967295 does not exist") != std::string::npos);
  CHECK(synchronize() == CUDA_SUCCESS);
}

TEST_CASE_FIXTURE(Fixture, "a malformed request never reaches the backend") {
  CHECK(status(VGPU_CALL_cuMemAlloc_v2, Request().value<std::uint32_t>(1)) == CUDA_ERROR_INVALID_VALUE);
  CHECK(status(VGPU_CALL_cuCtxSynchronize, Request().value<std::uint8_t>(1)) == CUDA_ERROR_INVALID_VALUE);
  CHECK(backend.calls == 0);
  const std::string text = captured.text();
  CHECK(text.find("cuMemAlloc_v2: malformed request: expected 8 bytes at offset 0, got 4") !=
        std::string::npos);
  CHECK(text.find("cuCtxSynchronize: malformed request: expected 0 bytes, got 1") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "flags that break the protocol close the connection") {
  CHECK(handle(VGPU_CALL_cuCtxSynchronize, {}, VGPU_FRAME_DEFERRED) == Reply::close);
  CHECK(handle(VGPU_CALL_cuCtxSynchronize, {}, 2) == Reply::close);
  CHECK(handle(VGPU_CALL_vgpuLaunchKernel, {}, -1) == Reply::close);
  CHECK(handle(12345, {}, VGPU_FRAME_DEFERRED) == Reply::close);
  CHECK(backend.calls == 0);
}

TEST_CASE_FIXTURE(Fixture, "the error of a deferred call surfaces at the next call that synchronises, once") {
  launch_deferred(CUDA_ERROR_INVALID_VALUE);
  launch_deferred(CUDA_ERROR_INVALID_HANDLE);
  CHECK_MESSAGE(allocate() == CUDA_SUCCESS, "this call does not synchronise");
  CHECK_MESSAGE(synchronize() == CUDA_ERROR_INVALID_VALUE, "the first error counts");
  CHECK(synchronize() == CUDA_SUCCESS);
}

TEST_CASE_FIXTURE(Fixture,
                  "a synchronising call that fails by itself says so, and the deferred error waits") {
  launch_deferred(CUDA_ERROR_INVALID_VALUE);
  backend.next = CUDA_ERROR_INVALID_CONTEXT;
  CHECK(synchronize() == CUDA_ERROR_INVALID_CONTEXT);
  backend.next = CUDA_SUCCESS;
  CHECK(synchronize() == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Fixture, "after a sticky error every call says so") {
  launch_deferred(CUDA_ERROR_ILLEGAL_ADDRESS);
  const int calls = backend.calls;
  CHECK(allocate() == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(synchronize() == CUDA_ERROR_ILLEGAL_ADDRESS);
  launch_deferred(CUDA_SUCCESS);
  CHECK(synchronize() == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(status(VGPU_CALL_cuDevicePrimaryCtxReset_v2, Request().value<std::int32_t>(0)) ==
        CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK_MESSAGE(backend.calls == calls, "nothing reaches a dead context");
}

TEST_CASE_FIXTURE(Fixture, "responses to calls that synchronise say that kernels have printed") {
  backend.prints = true;
  CHECK(allocate() == CUDA_SUCCESS);
  CHECK(session.response_header().context == 0);
  CHECK(synchronize() == CUDA_SUCCESS);
  CHECK(session.response_header().context == VGPU_RESPONSE_OUTPUT);
  CHECK(status(VGPU_CALL_vgpuOutputPending) == CUDA_SUCCESS);
  CHECK_MESSAGE(session.response_header().context == 0, "or the guest would never come to an end");
  backend.prints = false;
  CHECK(synchronize() == CUDA_SUCCESS);
  CHECK(session.response_header().context == 0);
}

TEST_CASE_FIXTURE(Fixture, "what a kernel printed before it failed can be fetched from a dead context") {
  launch_deferred(CUDA_ERROR_ASSERT);
  backend.prints = true;
  CHECK(synchronize() == CUDA_ERROR_ASSERT);
  CHECK(session.response_header().context == VGPU_RESPONSE_OUTPUT);
  CHECK(status(VGPU_CALL_vgpuOutputPending) == CUDA_SUCCESS);
  CHECK(test::value_at<std::uint64_t>(session.response_payload()) == 5);
}

TEST_CASE("which errors are sticky") {
  for (const int code : {214, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911}) {
    CAPTURE(code);
    CHECK(is_sticky(static_cast<CUresult>(code)));
  }
  for (const int code : {0, 1, 2, 100, 200, 201, 209, 218, 222, 400, 500, 600, 701, 709, 801, 999}) {
    CAPTURE(code);
    CHECK_FALSE(is_sticky(static_cast<CUresult>(code)));
  }
}

TEST_CASE("after its end a session asks no backend, whatever the call") {
  Fixture fixture;
  bool released = false;
  CHECK(fixture.session.end(std::chrono::seconds(1), [&] { released = true; }));
  CHECK(released);
  for (std::uint32_t call = 1; call < VGPU_CALL_COUNT; ++call) {
    CAPTURE(call);
    CHECK(fixture.handle(call) == Reply::send);
    CHECK(fixture.session.response_header().status == CUDA_ERROR_MPS_CLIENT_TERMINATED);
    CHECK(fixture.session.response_payload().empty());
  }
  CHECK(fixture.backend.calls == 0);
}

TEST_CASE_FIXTURE(test::SoftwareFixture,
                  "a fault for a kernel comes up however the program found the kernel") {
  CapturedLog captured;
  Log log(captured.descriptor());
  const std::vector<FaultRule> rules = parse_faults("700@launch:scal?");
  Session session(backend, log, {}, rules);
  std::array<Handle, 3> kernels{};
  REQUIRE(backend.vgpuModuleFunctions(context, std::as_writable_bytes(std::span(kernels)), load()) ==
          CUDA_SUCCESS);
  const auto launch = [&](Handle kernel) {
    Request request;
    request.value(kernel);
    for (const std::uint32_t dimension : {1U, 1U, 1U, 1U, 1U, 1U, 0U}) request.value(dimension);
    // No arguments: kernels that take some are refused before they run.
    request.value<std::uint64_t>(0).bytes({});
    const vgpu_frame frame{.payload_bytes = static_cast<std::uint32_t>(request.payload().size()),
                           .call = VGPU_CALL_vgpuLaunchKernel,
                           .sequence = 1,
                           .status = 0,
                           .context = context};
    CHECK(session.handle(frame, request.payload()) == Reply::send);
    return session.response_header().status;
  };
  const auto kernel_name = kernel_name_of(backend);
  for (const std::string_view name : {"poke", "scale"}) {
    const auto found =
        std::ranges::find_if(kernels, [&](Handle kernel) { return kernel_name(context, kernel) == name; });
    REQUIRE(found != kernels.end());
    CHECK(launch(*found) == (name == "scale" ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_ERROR_INVALID_VALUE));
  }
  CHECK(kernel_name(context, 12345).empty());
  CHECK(kernel_name(12345, kernels[0]).empty());
}
