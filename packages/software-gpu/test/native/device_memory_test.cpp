#include "vgpu/software_gpu/device_memory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace vgpu::software {
namespace {

constexpr std::size_t kMegabyte = 1 << 20;

bool is_zero(DeviceMemory& memory, DeviceAddress address, std::size_t bytes) {
  return std::ranges::all_of(memory.bytes(address, bytes),
                             [](std::byte byte) { return byte == std::byte{0}; });
}

void fill(DeviceMemory& memory, DeviceAddress address, std::size_t bytes) {
  std::ranges::fill(memory.bytes(address, bytes), std::byte{0xa5});
}

Status status_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.status();
  }
  return Status::success;
}

TEST_CASE("device memory: aligned, apart, and zero even after other use") {
  DeviceMemory memory(4 * kMegabyte);
  for (const std::size_t bytes : {1UL, 511UL, 512UL, 513UL, 4095UL, 4096UL, 4097UL, 100'000UL, 1'000'000UL}) {
    const DeviceAddress before = memory.allocate(700);
    const DeviceAddress address = memory.allocate(bytes);
    const DeviceAddress after = memory.allocate(700);
    fill(memory, before, 700);
    fill(memory, after, 700);
    CHECK(address % DeviceMemory::kAlignment == 0);
    CHECK(is_zero(memory, address, bytes));
    fill(memory, address, bytes);
    memory.free(address);
    const DeviceAddress again = memory.allocate(bytes);
    CHECK(again == address);
    CHECK(is_zero(memory, again, bytes));
    CHECK(memory.bytes(before, 700)[699] == std::byte{0xa5});
    CHECK(memory.bytes(after, 700)[0] == std::byte{0xa5});
    memory.free(before);
    memory.free(again);
    memory.free(after);
  }
  CHECK(memory.free_bytes() == memory.total_bytes());
}

TEST_CASE("device memory: gaps grow together again") {
  DeviceMemory memory(kMegabyte);
  std::vector<DeviceAddress> addresses;
  addresses.reserve(64);
  for (int i = 0; i < 64; ++i) addresses.push_back(memory.allocate(kMegabyte / 64));
  CHECK(memory.free_bytes() == 0);
  CHECK(status_of([&] { memory.allocate(1); }) == Status::out_of_memory);
  std::ranges::shuffle(addresses, std::mt19937(1));
  for (const DeviceAddress address : addresses) memory.free(address);
  const DeviceAddress all = memory.allocate(kMegabyte);
  memory.free(all);
}

TEST_CASE("device memory: wrong requests") {
  DeviceMemory memory(kMegabyte);
  const DeviceAddress address = memory.allocate(1000);
  CHECK(status_of([&] { memory.allocate(0); }) == Status::invalid_value);
  CHECK(status_of([&] { memory.allocate(~std::size_t{0}); }) == Status::out_of_memory);
  CHECK(status_of([&] { memory.allocate(2 * kMegabyte); }) == Status::out_of_memory);
  CHECK(status_of([&] { memory.free(address + 512); }) == Status::invalid_value);
  CHECK(status_of([&] { memory.bytes(address, 1001); }) == Status::invalid_value);
  CHECK(status_of([&] { memory.bytes(address + 1000, 1); }) == Status::invalid_value);
  CHECK(status_of([&] { memory.bytes(address + 1, ~std::size_t{0}); }) == Status::invalid_value);
  CHECK(memory.bytes(address + 999, 1).size() == 1);
  memory.free(address);
  CHECK(status_of([&] { memory.free(address); }) == Status::invalid_value);
  CHECK(status_of([&] { memory.bytes(address, 1); }) == Status::invalid_value);
}

TEST_CASE("device memory: the nearest allocation") {
  DeviceMemory memory(kMegabyte);
  CHECK(!memory.nearest(4096).has_value());
  const DeviceAddress first = memory.allocate(100);
  const DeviceAddress gap = memory.allocate(10'000);
  const DeviceAddress second = memory.allocate(100);
  memory.free(gap);
  CHECK(memory.nearest(0)->base == first);
  CHECK(memory.nearest(first + 50)->base == first);
  CHECK(memory.nearest(first + 101)->base == first);
  CHECK(memory.nearest(second - 1)->base == second);
  CHECK(memory.nearest(~DeviceAddress{0})->base == second);
  CHECK(!memory.find(first + 100).has_value());
  CHECK(memory.find(first + 99)->bytes == 100);
}

}  // namespace
}  // namespace vgpu::software
