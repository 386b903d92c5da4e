#include <numeric>

#include "software_backend_fixture.h"

using namespace vgpu::executor;
using vgpu::executor::test::SoftwareFixture;

namespace {

std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> content(bytes);
  for (std::size_t i = 0; i < bytes; ++i) content[i] = std::byte(i * 7 + i / 251);
  return content;
}

struct Memory : SoftwareFixture {
  CUresult write(std::uint64_t address, std::span<const std::byte> content) {
    return result([&] { return backend.vgpuCopyToDevice(context, address, content, content.size(), 0); });
  }
  std::vector<std::byte> read(std::uint64_t address, std::size_t bytes) {
    std::vector<std::byte> content(bytes);
    REQUIRE(result([&] { return backend.vgpuCopyFromDevice(context, content, address, bytes, 0); }) ==
            CUDA_SUCCESS);
    return content;
  }
  CUresult fill(std::uint64_t address, std::uint64_t pitch, std::uint32_t value, std::uint32_t element_bytes,
                std::uint64_t width, std::uint64_t height) {
    return result(
        [&] { return backend.vgpuFill(context, address, pitch, value, element_bytes, width, height, 0); });
  }
};

}  // namespace

TEST_CASE_FIXTURE(Memory, "what is allocated is missing from what is free") {
  std::uint64_t free_before = 0;
  std::uint64_t free_after = 0;
  std::uint64_t total = 0;
  CHECK(backend.cuMemGetInfo_v2(context, free_before, total) == CUDA_SUCCESS);
  CHECK(total == 64 << 20);
  CHECK(free_before == total);
  const std::uint64_t address = allocate(1 << 20);
  CHECK(backend.cuMemGetInfo_v2(context, free_after, total) == CUDA_SUCCESS);
  CHECK(free_after == free_before - (1 << 20));
  CHECK(backend.vgpuMemFree(context, address) == CUDA_SUCCESS);
  CHECK(backend.cuMemGetInfo_v2(context, free_after, total) == CUDA_SUCCESS);
  CHECK(free_after == free_before);
}

TEST_CASE_FIXTURE(Memory, "allocations that cannot be had") {
  std::uint64_t address = 0;
  CHECK(result([&] { return backend.cuMemAlloc_v2(context, address, 0); }) == CUDA_ERROR_INVALID_VALUE);
  for (const std::uint64_t bytes :
       {std::uint64_t{65} << 20, std::uint64_t{1} << 50, UINT64_MAX, UINT64_MAX - 511}) {
    CAPTURE(bytes);
    CHECK(result([&] { return backend.cuMemAlloc_v2(context, address, bytes); }) == CUDA_ERROR_OUT_OF_MEMORY);
  }
  CHECK_MESSAGE(allocate(64 << 20) != 0, "the failures above cost nothing");
}

TEST_CASE_FIXTURE(Memory, "pitched allocations") {
  std::uint64_t address = 0;
  std::uint64_t pitch = 0;
  CHECK(backend.cuMemAllocPitch_v2(context, address, pitch, 1000, 10, 4) == CUDA_SUCCESS);
  CHECK(pitch == 1024);
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;
  CHECK(backend.cuMemGetAddressRange_v2(context, base, bytes, address + 1024UL * 9 + 999) == CUDA_SUCCESS);
  CHECK(base == address);
  CHECK(bytes == 10240);

  const auto allocate_pitch = [&](std::uint64_t width, std::uint64_t height, std::uint32_t element) {
    return result(
        [&] { return backend.cuMemAllocPitch_v2(context, address, pitch, width, height, element); });
  };
  CHECK(allocate_pitch(0, 10, 4) == CUDA_ERROR_INVALID_VALUE);
  CHECK(allocate_pitch(10, 0, 4) == CUDA_ERROR_INVALID_VALUE);
  for (const std::uint32_t element : {0U, 1U, 2U, 3U, 32U}) {
    CAPTURE(element);
    CHECK(allocate_pitch(10, 10, element) == CUDA_ERROR_INVALID_VALUE);
  }
  CHECK(allocate_pitch(UINT64_MAX, 1, 4) == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK(allocate_pitch(1 << 20, UINT64_MAX / 2, 4) == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK(allocate_pitch(1 << 20, std::uint64_t{1} << 44, 4) == CUDA_ERROR_OUT_OF_MEMORY);
}

TEST_CASE_FIXTURE(Memory, "only the beginning of an allocation can be freed, once") {
  const std::uint64_t address = allocate(1000);
  for (const std::uint64_t wrong :
       {std::uint64_t{0}, address + 1, address - 512, address + 4096, UINT64_MAX}) {
    CAPTURE(wrong);
    CHECK(result([&] { return backend.vgpuMemFree(context, wrong); }) == CUDA_ERROR_INVALID_VALUE);
  }
  CHECK(backend.vgpuMemFree(context, address) == CUDA_SUCCESS);
  CHECK(result([&] { return backend.vgpuMemFree(context, address); }) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Memory, "a module's variable is memory, but not to be freed") {
  const Handle module = load();
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::uint64_t mapped = 0;
  CHECK(backend.vgpuModuleGetGlobal(context, address, bytes, mapped, module, "counter") == CUDA_SUCCESS);
  CHECK(bytes == 4);
  CHECK(test::value_at<std::uint32_t>(read(address, 4)) == 5);
  CHECK(result([&] { return backend.vgpuMemFree(context, address); }) == CUDA_ERROR_INVALID_VALUE);
  Handle owner = 0;
  CHECK(backend.vgpuPointerContext(0, owner, address) == CUDA_SUCCESS);
  CHECK(owner == context);
}

TEST_CASE_FIXTURE(Memory, "what is known of an address") {
  const std::uint64_t address = allocate(1000);
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;
  CHECK(backend.cuMemGetAddressRange_v2(context, base, bytes, address + 999) == CUDA_SUCCESS);
  CHECK(base == address);
  CHECK(bytes == 1000);
  CHECK(result([&] { return backend.cuMemGetAddressRange_v2(context, base, bytes, address + 1000); }) ==
        CUDA_ERROR_NOT_FOUND);

  const Handle other = create_context();
  std::uint64_t elsewhere = 0;
  CHECK(backend.cuMemAlloc_v2(other, elsewhere, 1) == CUDA_SUCCESS);
  Handle owner = 0;
  CHECK(backend.vgpuPointerContext(0, owner, address + 5) == CUDA_SUCCESS);
  CHECK(owner == context);
  CHECK(backend.vgpuPointerContext(0, owner, elsewhere) == CUDA_SUCCESS);
  CHECK(owner == other);
  CHECK(result([&] { return backend.vgpuPointerContext(0, owner, 0x1000); }) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Memory, "copies there and back, in pieces and on the device") {
  const std::uint64_t first = allocate(3000);
  const std::uint64_t second = allocate(3000);
  const auto content = pattern(3000);
  CHECK(backend.vgpuCopyToDevice(context, first, std::span(content).first(2000), 3000, 0) == CUDA_SUCCESS);
  CHECK(backend.vgpuCopyToDevice(context, first + 2000, std::span(content).last(1000), 1000, 0) ==
        CUDA_SUCCESS);
  CHECK(read(first, 3000) == content);
  CHECK(backend.vgpuCopyOnDevice(context, second, first, 3000, 0) == CUDA_SUCCESS);
  CHECK(read(second, 3000) == content);
  CHECK(backend.vgpuCopyOnDevice(context, second + 1, second, 2999, 0) == CUDA_SUCCESS);
  CHECK_MESSAGE(read(second + 1, 2999) == std::vector(content.begin(), content.end() - 1), "overlapping");
}

TEST_CASE_FIXTURE(Memory, "a copy past the end of an allocation changes nothing") {
  const std::uint64_t address = allocate(1000);
  const auto content = pattern(1000);
  const auto zeros = std::vector<std::byte>(1000);
  const auto to_device = [&](std::uint64_t destination, std::size_t bytes, std::uint64_t total) {
    const auto piece = std::span(content).first(bytes);
    return result([&] { return backend.vgpuCopyToDevice(context, destination, piece, total, 0); });
  };
  CHECK(to_device(address + 1, 1000, 1000) == CUDA_ERROR_INVALID_VALUE);
  CHECK_MESSAGE(to_device(address, 10, 1001) == CUDA_ERROR_INVALID_VALUE, "the pieces to come would not fit");
  CHECK(to_device(address, 10, UINT64_MAX) == CUDA_ERROR_INVALID_VALUE);
  CHECK_MESSAGE(to_device(address, 10, 9) == CUDA_ERROR_INVALID_VALUE, "a piece is no more than the whole");
  for (const std::uint64_t wrong : {std::uint64_t{0}, address - 1, address + 1000, UINT64_MAX}) {
    CAPTURE(wrong);
    CHECK(to_device(wrong, 10, 10) == CUDA_ERROR_INVALID_VALUE);
  }
  CHECK(read(address, 1000) == zeros);

  std::vector<std::byte> target = content;
  const auto from_device = [&](std::uint64_t source, std::uint64_t total) {
    return result([&] { return backend.vgpuCopyFromDevice(context, target, source, total, 0); });
  };
  CHECK(from_device(address + 1, 1000) == CUDA_ERROR_INVALID_VALUE);
  CHECK(from_device(address, 1001) == CUDA_ERROR_INVALID_VALUE);
  CHECK(from_device(address, 999) == CUDA_ERROR_INVALID_VALUE);
  CHECK(from_device(0, 1000) == CUDA_ERROR_INVALID_VALUE);
  CHECK(target == content);

  const auto on_device = [&](std::uint64_t destination, std::uint64_t source, std::uint64_t bytes) {
    return result([&] { return backend.vgpuCopyOnDevice(context, destination, source, bytes, 0); });
  };
  CHECK(on_device(address, 0, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(on_device(0, address, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(on_device(address, address, 1001) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Memory, "freed memory is not there") {
  const std::uint64_t address = allocate(1000);
  CHECK(backend.vgpuMemFree(context, address) == CUDA_SUCCESS);
  CHECK(write(address, pattern(1)) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Memory, "nothing to copy is no mistake") {
  CHECK(backend.vgpuCopyToDevice(context, 0, {}, 0, 0) == CUDA_SUCCESS);
  CHECK(backend.vgpuCopyFromDevice(context, {}, 0, 0, 0) == CUDA_SUCCESS);
  CHECK(backend.vgpuCopyOnDevice(context, 0, 0, 0, 0) == CUDA_SUCCESS);
  CHECK(backend.vgpuCopyRowsToDevice(context, 0, 0, {}, 0, 5, 0) == CUDA_SUCCESS);
  CHECK(fill(0, 0, 0, 4, 0, 0) == CUDA_SUCCESS);
}

TEST_CASE_FIXTURE(Memory, "rows") {
  const std::uint64_t address = allocate(10UL * 32);
  const auto rows = pattern(10UL * 20);
  CHECK(backend.vgpuCopyRowsToDevice(context, address, 32, rows, 20, 10, 0) == CUDA_SUCCESS);
  std::vector<std::byte> back(rows.size());
  CHECK(backend.vgpuCopyRowsFromDevice(context, back, address, 32, 20, 10, 0) == CUDA_SUCCESS);
  CHECK(back == rows);
  CHECK_MESSAGE(read(address + 20, 12) == std::vector<std::byte>(12), "the gaps are untouched");
  CHECK(test::value_at<std::uint8_t>(read(address + 32, 1)) == static_cast<std::uint8_t>(rows[20]));

  const std::uint64_t packed = allocate(200);
  CHECK(backend.vgpuCopyRowsOnDevice(context, packed, 20, address, 32, 20, 10, 0) == CUDA_SUCCESS);
  CHECK(read(packed, 200) == rows);
}

TEST_CASE_FIXTURE(Memory, "rows that do not fit") {
  const std::uint64_t address = allocate(10UL * 32);
  const auto rows = pattern(200);
  const auto to_device = [&](std::uint64_t pitch, std::uint64_t width, std::uint64_t height) {
    return result(
        [&] { return backend.vgpuCopyRowsToDevice(context, address, pitch, rows, width, height, 0); });
  };
  CHECK_MESSAGE(to_device(32, 20, 10) == CUDA_SUCCESS, "the last row needs no gap");
  CHECK_MESSAGE(to_device(34, 20, 10) == CUDA_ERROR_INVALID_VALUE, "past the end");
  CHECK_MESSAGE(to_device(19, 20, 10) == CUDA_ERROR_INVALID_VALUE, "overlapping");
  CHECK_MESSAGE(to_device(32, 20, 9) == CUDA_ERROR_INVALID_VALUE, "fewer than were sent");
  CHECK(to_device(UINT64_MAX, 20, 10) == CUDA_ERROR_INVALID_VALUE);
  CHECK(to_device(std::uint64_t{1} << 63, 20, 3) == CUDA_ERROR_INVALID_VALUE);
  CHECK(to_device(UINT64_MAX, UINT64_MAX, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(to_device(8, 8, UINT64_MAX) == CUDA_ERROR_INVALID_VALUE);
  CHECK(to_device(1, 0, UINT64_MAX) == CUDA_SUCCESS);
}

TEST_CASE_FIXTURE(Memory, "fills of every element size") {
  const std::uint64_t address = allocate(64);
  CHECK(fill(address, 0, 0x1234abcd, 1, 64, 1) == CUDA_SUCCESS);
  CHECK(test::value_at<std::uint32_t>(read(address, 64), 60) == 0xcdcdcdcd);
  CHECK(fill(address, 0, 0x1234abcd, 2, 32, 1) == CUDA_SUCCESS);
  CHECK(test::value_at<std::uint32_t>(read(address, 64), 60) == 0xabcdabcd);
  CHECK(fill(address, 16, 0x1234abcd, 4, 2, 4) == CUDA_SUCCESS);
  CHECK(test::value_at<std::uint32_t>(read(address, 64), 48 + 4) == 0x1234abcd);
  CHECK(test::value_at<std::uint32_t>(read(address, 64), 48 + 8) == 0xabcdabcd);
  CHECK(fill(address, 16, 0, 4, 4, 4) == CUDA_SUCCESS);
  CHECK(read(address, 64) == std::vector<std::byte>(64));
}

TEST_CASE_FIXTURE(Memory, "fills that make no sense") {
  const std::uint64_t address = allocate(64);
  CHECK(fill(address, 0, 1, 3, 1, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(fill(address, 0, 1, 0, 1, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(fill(address, 0, 1, 8, 1, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(fill(address + 1, 0, 1, 4, 1, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(fill(address, 6, 1, 4, 1, 2) == CUDA_ERROR_INVALID_VALUE);
  CHECK(fill(address, 0, 1, 4, 17, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(fill(address, 0, 1, 4, UINT64_MAX / 2, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(fill(address, 4, 1, 4, 1, UINT64_MAX) == CUDA_ERROR_INVALID_VALUE);
  CHECK(fill(0, 0, 1, 1, 1, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(read(address, 64) == std::vector<std::byte>(64));
}
