#include <cstring>
#include <numeric>

#include "real_backend_fixture.h"

using namespace vgpu::executor;
using namespace vgpu::executor::test;

namespace {

constexpr std::size_t kPiece = Staging::kBufferBytes;

std::vector<std::byte> pattern(std::size_t bytes, unsigned seed = 1) {
  std::vector<std::byte> content(bytes);
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<std::byte>((i * 2654435761U + seed) >> 13);
  return content;
}

std::span<const std::byte> bytes_at(std::uint64_t address, std::size_t bytes) {
  return {reinterpret_cast<const std::byte*>(address), bytes};
}

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::equal(a, b);
}

}  // namespace

TEST_CASE("a copy to the device returns before the device has copied, and its source may change then") {
  RealFixture real;
  auto& backend = *real.backend;
  const std::uint64_t memory = real.allocate(3 * kPiece);
  auto content = pattern(3 * kPiece);
  const auto expected = content;
  REQUIRE(backend.vgpuCopyToDevice(real.context, memory, content, content.size(), 0) == CUDA_SUCCESS);
  const std::string lines = RealFixture::calls();
  CHECK_MESSAGE(RealFixture::count(lines, "cuMemcpyHtoDAsync_v2 bytes=1048576") == 3, lines);
  CHECK_MESSAGE(RealFixture::count(lines, "cuEventSynchronize") == 0, lines);
  CHECK_FALSE(equal(bytes_at(memory, 3 * kPiece), expected));
  std::ranges::fill(content, std::byte{0});
  REQUIRE(backend.cuCtxSynchronize(real.context) == CUDA_SUCCESS);
  CHECK(equal(bytes_at(memory, 3 * kPiece), expected));
}

TEST_CASE("a buffer is used again only when the device is done with it") {
  RealFixture real;
  auto& backend = *real.backend;
  constexpr std::size_t kBytes = 11 * kPiece + 5;
  const std::uint64_t memory = real.allocate(kBytes);
  const auto content = pattern(kBytes);
  REQUIRE(backend.vgpuCopyToDevice(real.context, memory, content, kBytes, 0) == CUDA_SUCCESS);
  const std::string lines = RealFixture::calls();
  CHECK_MESSAGE(RealFixture::count(lines, "cuMemHostAlloc") == Staging::kBuffers, lines);
  CHECK_MESSAGE(RealFixture::count(lines, "cuEventSynchronize") == 12 - Staging::kBuffers, lines);
  REQUIRE(backend.cuCtxSynchronize(real.context) == CUDA_SUCCESS);
  CHECK(equal(bytes_at(memory, kBytes), content));
}

TEST_CASE("a copy from the device is complete when it returns, in any size") {
  RealFixture real;
  auto& backend = *real.backend;
  for (const std::size_t bytes : {std::size_t{1}, kPiece, kPiece + 1, 9 * kPiece + 7}) {
    CAPTURE(bytes);
    const std::uint64_t memory = real.allocate(bytes);
    const auto content = pattern(bytes, static_cast<unsigned>(bytes));
    std::vector<std::byte> back(bytes);
    REQUIRE(backend.vgpuCopyToDevice(real.context, memory, content, bytes, 0) == CUDA_SUCCESS);
    REQUIRE(backend.vgpuCopyFromDevice(real.context, back, memory, bytes, 0) == CUDA_SUCCESS);
    CHECK(equal(back, content));
  }
}

TEST_CASE("rows go packed through the buffers, several at once or one in parts") {
  RealFixture real;
  auto& backend = *real.backend;
  struct Form {
    std::size_t pitch, width, height;
  };
  for (const Form& form :
       {Form{512, 300, 7}, Form{1024, 1000, 5000}, Form{2 * kPiece, kPiece + 3, 3}, Form{64, 64, 1}}) {
    CAPTURE(form.width);
    const auto [pitch, width, height] = form;
    const std::uint64_t memory = real.allocate(pitch * height);
    const auto rows = pattern(width * height);
    std::vector<std::byte> back(rows.size());
    REQUIRE(backend.vgpuCopyRowsToDevice(real.context, memory, pitch, rows, width, height, 0) ==
            CUDA_SUCCESS);
    REQUIRE(backend.vgpuCopyRowsFromDevice(real.context, back, memory, pitch, width, height, 0) ==
            CUDA_SUCCESS);
    CHECK(equal(back, rows));
    CHECK(equal(bytes_at(memory + (height - 1) * pitch, width), std::span(rows).last(width)));
    if (height > 1) CHECK_MESSAGE(bytes_at(memory + width, 1)[0] == std::byte{0}, "the gap is untouched");
  }
}

TEST_CASE("a copy follows its stream") {
  RealFixture real;
  auto& backend = *real.backend;
  const std::uint64_t memory = real.allocate(64);
  Handle stream = 0;
  REQUIRE(backend.cuStreamCreate(real.context, stream, 0) == CUDA_SUCCESS);
  std::vector<std::byte> bytes(64);
  for (const Handle queue : {stream, Handle{0}, Handle{1}, Handle{2}}) {
    RealFixture::calls();
    REQUIRE(backend.vgpuCopyToDevice(real.context, memory, bytes, 64, queue) == CUDA_SUCCESS);
    const std::string expected = queue <= 2 ? std::to_string(queue) : "257";  // the driver's number
    const std::string lines = RealFixture::calls();
    CHECK_MESSAGE(lines.find("cuMemcpyHtoDAsync_v2 bytes=64 stream=" + expected + "\n") != std::string::npos,
                  lines);
  }
}

TEST_CASE("ranges that are not all device memory are refused before the first byte") {
  RealFixture real;
  auto& backend = *real.backend;
  const std::uint64_t memory = real.allocate(100);
  std::vector<std::byte> bytes(100);
  int own = 0;
  RealFixture::calls();
  const auto invalid = [&](auto call) { return real.result(call) == CUDA_ERROR_INVALID_VALUE; };
  CHECK(invalid([&] { return backend.vgpuCopyToDevice(real.context, memory + 1, bytes, 100, 0); }));
  CHECK(invalid([&] { return backend.vgpuCopyToDevice(real.context, memory, bytes, 101, 0); }));
  CHECK(invalid([&] { return backend.vgpuCopyToDevice(real.context, memory, bytes, 99, 0); }));
  CHECK(invalid([&] { return backend.vgpuCopyFromDevice(real.context, bytes, ~0ULL - 5, 100, 0); }));
  CHECK(invalid([&] { return backend.vgpuCopyFromDevice(real.context, bytes, memory + 90, 100, 0); }));
  CHECK(invalid([&] { return backend.vgpuFill(real.context, memory, 0, 7, 4, 26, 1, 0); }));
  CHECK(invalid([&] { return backend.vgpuFill(real.context, memory, 10, 7, 1, 20, 3, 0); }));
  CHECK(invalid([&] { return backend.vgpuFill(real.context, memory, 0, 7, 3, 1, 1, 0); }));
  CHECK(invalid([&] { return backend.vgpuFill(real.context, memory, 0, 7, 4, ~0ULL, 1, 0); }));
  CHECK(invalid([&] { return backend.vgpuCopyRowsToDevice(real.context, memory, 60, bytes, 50, 2, 0); }));
  // The worker's own memory is none of the client's business.
  const auto here = reinterpret_cast<std::uint64_t>(&own);
  CHECK(invalid([&] { return backend.vgpuCopyOnDevice(real.context, memory, here, sizeof(own), 0); }));
  CHECK(invalid([&] { return backend.vgpuCopyOnDevice(real.context, here, memory, sizeof(own), 0); }));
  CHECK(RealFixture::count(RealFixture::calls(), "Async") == 0);
}

TEST_CASE("a variable of a module and memory mapped piece by piece are device memory") {
  RealFixture real;
  auto& backend = *real.backend;
  std::uint64_t variable = 0, bytes = 0, mapped = 0;
  REQUIRE(backend.vgpuModuleGetGlobal(real.context, variable, bytes, mapped, real.load(), "v") ==
          CUDA_SUCCESS);
  CHECK(backend.vgpuRequireRange(real.context, variable, bytes) == CUDA_SUCCESS);
  CHECK(real.result([&] { return backend.vgpuRequireRange(real.context, variable, bytes + 1); }) ==
        CUDA_ERROR_INVALID_VALUE);
  Handle memory = 0;
  constexpr std::uint64_t kAddress = 0x3456'0000'0000;
  REQUIRE(backend.vgpuMemCreate(0, memory, 4096, 0) == CUDA_SUCCESS);
  REQUIRE(backend.cuMemMap(0, kAddress, 4096, 0, memory, 0) == CUDA_SUCCESS);
  REQUIRE(backend.cuMemMap(0, kAddress + 4096, 4096, 0, memory, 0) == CUDA_SUCCESS);
  CHECK(backend.vgpuRequireRange(real.context, kAddress + 1, 8191) == CUDA_SUCCESS);
  CHECK(real.result([&] { return backend.vgpuRequireRange(real.context, kAddress + 1, 8192); }) ==
        CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE("a fault that a copy meets is the copy's error") {
  RealFixture real;
  const std::uint64_t memory = real.allocate(64);
  std::vector<std::byte> bytes(64);
  recording().rule("cuEventSynchronize", "719");
  CHECK(real.result([&] { return real.backend->vgpuCopyFromDevice(real.context, bytes, memory, 64, 0); }) ==
        CUDA_ERROR_LAUNCH_FAILED);
  recording().rule("cuMemHostAlloc", "2");
  Handle other = 0;
  REQUIRE(real.backend->vgpuContextCreate(0, other, 0, 0) == CUDA_SUCCESS);
  CHECK(real.result([&] { return real.backend->vgpuCopyToDevice(other, memory, bytes, 64, 0); }) ==
        CUDA_ERROR_OUT_OF_MEMORY);
}

TEST_CASE("fills of words") {
  RealFixture real;
  const std::uint64_t memory = real.allocate(64);
  RealFixture::calls();
  REQUIRE(real.backend->vgpuFill(real.context, memory, 0, 0x01020304, 4, 16, 1, 0) == CUDA_SUCCESS);
  CHECK(RealFixture::calls() == "cuMemsetD32Async value=16909060 count=16 stream=0\n");
}
