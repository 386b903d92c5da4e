// Best fit over gaps that are kept by size and by address. What is known about the heap lies outside it, so
// that kernels that write past their memory damage only data.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "vgpu/software_gpu/device_runtime.h"

namespace vgpu::software {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) & ~(multiple - 1);
}

}  // namespace

DeviceHeap::~DeviceHeap() {
  if (is_reserved()) memory_.free(base_);
}

void DeviceHeap::reserve(std::uint64_t bytes) {
  if (is_reserved()) return;
  const std::uint64_t whole = std::max(round_up(bytes, kAlignment), kAlignment);
  base_ = memory_.allocate(whole);
  if (bytes != 0) add_gap(base_, whole);
}

void DeviceHeap::add_gap(DeviceAddress base, std::uint64_t bytes) {
  if (bytes == 0) return;
  gaps_.emplace(base, bytes);
  gaps_by_size_.emplace(bytes, base);
}

void DeviceHeap::remove_gap(DeviceAddress base, std::uint64_t bytes) {
  gaps_.erase(base);
  gaps_by_size_.erase({bytes, base});
}

DeviceAddress DeviceHeap::allocate(std::uint64_t bytes, std::uint64_t alignment) {
  const std::lock_guard lock(mutex_);
  if (bytes == 0 || gaps_by_size_.empty() || bytes > gaps_by_size_.rbegin()->first) return 0;
  const std::uint64_t wanted = round_up(bytes, kAlignment);
  for (auto gap = gaps_by_size_.lower_bound({wanted, 0}); gap != gaps_by_size_.end(); ++gap) {
    const auto [gap_bytes, gap_base] = *gap;
    const DeviceAddress address = round_up(gap_base, std::max(alignment, kAlignment));
    const std::uint64_t before = address - gap_base;
    if (before > gap_bytes - wanted) continue;
    remove_gap(gap_base, gap_bytes);
    add_gap(gap_base, before);
    add_gap(address + wanted, gap_bytes - before - wanted);
    allocated_.emplace(address, wanted);
    // What a program does with memory that it has not written must not depend on earlier launches.
    std::memset(reinterpret_cast<void*>(address), 0, wanted);
    return address;
  }
  return 0;
}

bool DeviceHeap::free(DeviceAddress address) {
  const std::lock_guard lock(mutex_);
  const auto found = allocated_.find(address);
  if (found == allocated_.end()) return false;
  DeviceAddress base = address;
  std::uint64_t bytes = found->second;
  allocated_.erase(found);
  if (const auto next = gaps_.find(base + bytes); next != gaps_.end()) {
    const std::uint64_t next_bytes = next->second;
    remove_gap(base + bytes, next_bytes);
    bytes += next_bytes;
  }
  if (const auto after = gaps_.lower_bound(base); after != gaps_.begin()) {
    const auto [previous, previous_bytes] = *std::prev(after);
    if (previous + previous_bytes == base) {
      remove_gap(previous, previous_bytes);
      base = previous;
      bytes += previous_bytes;
    }
  }
  add_gap(base, bytes);
  return true;
}

}  // namespace vgpu::software
