// Arrays: what is believed of a description and of a copy, whose they are, and textures over them.
#include <numeric>
#include <vector>

#include "software_backend_fixture.h"

using namespace vgpu::executor;
using vgpu::executor::test::SoftwareFixture;

namespace {

struct Arrays : SoftwareFixture {
  static vgpu_array box(std::uint64_t width, std::uint64_t height, std::uint64_t depth) {
    vgpu_array array{};
    array.width = width;
    array.height = height;
    array.depth = depth;
    array.format = CU_AD_FORMAT_UNSIGNED_INT16;
    array.channels = 1;
    return array;
  }
  CUresult create(const vgpu_array& array) {
    return result(
        [&] { return backend.vgpuArrayCreate(context, handle, std::as_bytes(std::span(&array, 1))); });
  }
  CUresult destroy(Handle array) {
    return result([&] { return backend.cuArrayDestroy(context, array); });
  }
  CUresult write(std::uint64_t x, std::uint64_t y, std::uint64_t z, std::uint64_t width, std::uint64_t height,
                 std::span<const std::byte> rows) {
    return result(
        [&] { return backend.vgpuCopyRowsToArray(context, handle, x, y, z, rows, width, height, 0); });
  }
  Handle handle = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Arrays, "rows go into a slice of an array and out again, and from array to array") {
  REQUIRE_MESSAGE(create(box(5, 4, 3)) == CUDA_SUCCESS, message);
  const Handle first = handle;
  std::vector<std::uint16_t> numbers(12), got(12);
  std::iota(numbers.begin(), numbers.end(), std::uint16_t{1});
  const auto rows = std::as_bytes(std::span(numbers));
  REQUIRE_MESSAGE(write(2, 1, 2, 8, 3, rows) == CUDA_SUCCESS, message);
  REQUIRE(create(box(5, 4, 3)) == CUDA_SUCCESS);
  REQUIRE(backend.vgpuCopyArrayToArray(context, handle, 0, 0, 0, first, 2, 1, 2, 8, 3, 0) == CUDA_SUCCESS);
  const std::uint64_t memory = allocate(64);
  REQUIRE(backend.vgpuCopyArrayToDevice(context, memory, 16, handle, 0, 0, 0, 8, 3, 0) == CUDA_SUCCESS);
  REQUIRE(backend.vgpuCopyDeviceToArray(context, handle, 2, 1, 1, memory, 16, 8, 3, 0) == CUDA_SUCCESS);
  REQUIRE(backend.vgpuCopyRowsFromArray(context, std::as_writable_bytes(std::span(got)), handle, 2, 1, 1, 8,
                                        3, 0) == CUDA_SUCCESS);
  CHECK(got == numbers);
}

TEST_CASE_FIXTURE(Arrays, "a part that does not lie in the array is refused") {
  REQUIRE(create(box(5, 4, 3)) == CUDA_SUCCESS);
  const std::vector<std::byte> rows(1000);
  const auto refused = [&](std::uint64_t x, std::uint64_t y, std::uint64_t z, std::uint64_t width,
                           std::uint64_t height) {
    const std::uint64_t bytes = width * height;
    CHECK(write(x, y, z, width, height, std::span(rows).first(bytes < 1000 ? bytes : 1000)) ==
          CUDA_ERROR_INVALID_VALUE);
  };
  constexpr std::uint64_t kHuge = ~0ULL;
  refused(2, 0, 0, 10, 1);
  refused(0, 1, 0, 10, 4);
  refused(0, 0, 3, 10, 1);
  refused(1, 0, 0, 2, 1);  // half an element
  refused(0, 0, 0, 3, 1);
  refused(kHuge - 1, 0, 0, 4, 1);
  refused(0, kHuge, 0, 2, 2);
  refused(0, 0, kHuge, 2, 1);
  refused(0, 0, 0, kHuge - 1, 1);
  refused(0, 0, 0, 2, kHuge);
  // Fewer bytes than the part, and device memory that is too short.
  CHECK(write(0, 0, 0, 10, 4, std::span(rows).first(39)) == CUDA_ERROR_INVALID_VALUE);
  const std::uint64_t memory = allocate(30);
  CHECK(result([&] {
          return backend.vgpuCopyDeviceToArray(context, handle, 0, 0, 0, memory, 10, 10, 4, 0);
        }) == CUDA_ERROR_INVALID_VALUE);
  CHECK(result([&] {
          return backend.vgpuCopyArrayToDevice(context, memory, 10, handle, 0, 0, 0, 10, 4, 0);
        }) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Arrays, "an array that cannot be is refused, and one that is too large") {
  const auto refused = [&](const vgpu_array& array, CUresult expected = CUDA_ERROR_INVALID_VALUE) {
    CHECK_MESSAGE(create(array) == expected, message);
  };
  constexpr std::uint64_t kHuge = ~0ULL;
  refused(box(0, 4, 0));
  refused(box(0, 0, 0));
  refused(box(4, 0, 4));
  refused(box(131'073, 4, 0));
  refused(box(4, 65'537, 0));
  refused(box(16'385, 4, 4));
  refused(box(kHuge, kHuge, kHuge));
  refused(box(1ULL << 63, 0, 0));
  vgpu_array array = box(4, 4, 0);
  array.channels = 3;
  refused(array);
  array = box(4, 4, 0);
  array.format = 0;
  refused(array);
  array.format = CU_AD_FORMAT_NV12;
  refused(array, CUDA_ERROR_NOT_SUPPORTED);
  array = box(4, 4, 4);
  array.flags = CUDA_ARRAY3D_LAYERED;
  refused(array, CUDA_ERROR_NOT_SUPPORTED);
  array.flags = 1 << 20;
  refused(array);
  refused(box(16'384, 16'384, 16'384), CUDA_ERROR_OUT_OF_MEMORY);
  CHECK(backend.memory_in_use() == 0);
}

TEST_CASE_FIXTURE(Arrays, "arrays go with their context, and once") {
  const Handle other = create_context();
  const vgpu_array array = box(64, 64, 0);
  Handle its = 0;
  REQUIRE(backend.vgpuArrayCreate(other, its, std::as_bytes(std::span(&array, 1))) == CUDA_SUCCESS);
  REQUIRE(create(array) == CUDA_SUCCESS);
  CHECK(backend.memory_in_use() >= 2 * 64 * 64 * 2);
  REQUIRE(backend.vgpuContextDestroy(0, other) == CUDA_SUCCESS);
  CHECK(destroy(its) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(destroy(handle) == CUDA_SUCCESS);
  CHECK(destroy(handle) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(backend.memory_in_use() == 0);
}

TEST_CASE_FIXTURE(Arrays, "a texture is over an array that there is") {
  REQUIRE(create(box(5, 4, 3)) == CUDA_SUCCESS);
  vgpu_texture texture{};
  texture.resource = CU_RESOURCE_TYPE_ARRAY;
  texture.array = handle;
  Handle made = 0;
  const auto make = [&] {
    return result(
        [&] { return backend.vgpuTexObjectCreate(context, made, std::as_bytes(std::span(&texture, 1))); });
  };
  CHECK_MESSAGE(make() == CUDA_SUCCESS, message);
  texture.filter_mode = CU_TR_FILTER_MODE_LINEAR;
  CHECK_MESSAGE(make() == CUDA_SUCCESS, message);
  texture.flags = CU_TRSF_READ_AS_INTEGER;
  CHECK(make() == CUDA_ERROR_NOT_SUPPORTED);
  texture.flags = 1 << 9;
  CHECK(make() == CUDA_ERROR_INVALID_VALUE);
  texture.flags = 0;
  texture.array = handle + 16;
  CHECK(make() == CUDA_ERROR_INVALID_HANDLE);
}
