// Arrays of the real backend: the driver's, of which no part outside is ever asked for.
#include <vector>

#include "real_backend_fixture.h"

using namespace vgpu::executor;
using namespace vgpu::executor::test;

namespace {

struct Arrays : RealFixture {
  explicit Arrays() : RealFixture({.memory_limit = 4096}) {}
  CUresult create(std::uint64_t width, std::uint64_t height, std::uint64_t depth) {
    vgpu_array array{};
    array.width = width;
    array.height = height;
    array.depth = depth;
    array.format = CU_AD_FORMAT_FLOAT;
    array.channels = 2;
    return result(
        [&] { return backend->vgpuArrayCreate(context, handle, std::as_bytes(std::span(&array, 1))); });
  }
  Handle handle = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Arrays, "arrays and copies of them reach the driver, and count as memory") {
  REQUIRE_MESSAGE(create(4, 3, 2) == CUDA_SUCCESS, message);
  CHECK(calls().find("cuArray3DCreate_v2 width=4 height=3 depth=2 format=32 channels=2 flags=0") !=
        std::string::npos);
  CHECK(backend->memory_in_use() == 4 * 3 * 2 * 8);
  CHECK(create(100, 100, 0) == CUDA_ERROR_OUT_OF_MEMORY);
  std::vector<std::byte> rows(32);
  REQUIRE(backend->vgpuCopyRowsToArray(context, handle, 8, 1, 1, rows, 16, 2, 0) == CUDA_SUCCESS);
  CHECK(calls().find("cuMemcpy3DAsync_v2 from=1 x=0 y=0 z=0 to=3 x=8 y=1 z=1 width=16 height=2 depth=1") !=
        std::string::npos);
  REQUIRE(backend->vgpuCopyRowsFromArray(context, rows, handle, 8, 1, 1, 16, 2, 0) == CUDA_SUCCESS);
  CHECK(calls().find("from=3 x=8 y=1 z=1 to=1 x=0") != std::string::npos);
  const std::uint64_t memory = allocate(32);
  REQUIRE(backend->vgpuCopyDeviceToArray(context, handle, 0, 0, 1, memory, 16, 16, 2, 0) == CUDA_SUCCESS);
  REQUIRE(backend->vgpuCopyArrayToDevice(context, memory, 16, handle, 0, 0, 1, 16, 2, 0) == CUDA_SUCCESS);
  REQUIRE(backend->vgpuCopyArrayToArray(context, handle, 0, 0, 0, handle, 0, 0, 1, 16, 2, 0) == CUDA_SUCCESS);
  REQUIRE(backend->cuArrayDestroy(context, handle) == CUDA_SUCCESS);
  CHECK(result([&] { return backend->cuArrayDestroy(context, handle); }) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(backend->memory_in_use() == 32);
}

TEST_CASE_FIXTURE(Arrays,
                  "what does not lie in an array or in the client's memory never reaches the driver") {
  REQUIRE(create(4, 3, 2) == CUDA_SUCCESS);
  const std::vector<std::byte> rows(64);
  const std::uint64_t memory = allocate(32);
  calls();
  const auto refused = [&](auto call) { return result(call) == CUDA_ERROR_INVALID_VALUE; };
  CHECK(refused([&] { return backend->vgpuCopyRowsToArray(context, handle, 8, 0, 0, rows, 32, 2, 0); }));
  CHECK(refused([&] { return backend->vgpuCopyRowsToArray(context, handle, 0, 0, 2, rows, 32, 2, 0); }));
  CHECK(refused([&] { return backend->vgpuCopyRowsToArray(context, handle, 0, 0, 0, rows, 32, 1, 0); }));
  CHECK(refused(
      [&] { return backend->vgpuCopyDeviceToArray(context, handle, 0, 0, 0, memory, 32, 32, 2, 0); }));
  CHECK(refused([&] {
    return backend->vgpuCopyArrayToDevice(context, reinterpret_cast<std::uint64_t>(rows.data()), 32, handle,
                                          0, 0, 0, 32, 1, 0);
  }));
  CHECK(refused([&] {
    return backend->vgpuCopyArrayToArray(context, handle, 0, 0, 0, handle, 0, ~0ULL, 0, 32, 2, 0);
  }));
  CHECK(count(calls(), "cuMemcpy3D") == 0);
}

TEST_CASE_FIXTURE(Arrays, "a texture is over the driver's array") {
  REQUIRE(create(4, 3, 0) == CUDA_SUCCESS);
  vgpu_texture texture{};
  texture.resource = CU_RESOURCE_TYPE_ARRAY;
  texture.array = handle;
  Handle made = 0;
  calls();
  REQUIRE(backend->vgpuTexObjectCreate(context, made, std::as_bytes(std::span(&texture, 1))) == CUDA_SUCCESS);
  CHECK(calls().find("cuTexObjectCreate type=0") != std::string::npos);
  texture.array = 5;
  CHECK(result([&] {
          return backend->vgpuTexObjectCreate(context, made, std::as_bytes(std::span(&texture, 1)));
        }) == CUDA_ERROR_INVALID_HANDLE);
}
