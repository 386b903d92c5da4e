#include "vgpu/software_gpu/device_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>

namespace vgpu::software {
namespace {

// Far from where Linux puts programs, libraries and heaps, and inside the range that the sanitizers leave to
// the application. Only a hint: a stable address makes runs comparable, but any address works.
constexpr std::uint64_t kArenaHint = 0x2000'0000'0000;

/// The distance of guarded allocations: more than a typical stray access is off by, and still little of the
/// addresses.
constexpr std::size_t kGuardBytes = std::size_t{64} << 10;

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

/// Gives whole pages back to the system, which then reads them as zero, and clears the rest by hand.
void clear(std::byte* begin, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::size_t head = std::min(round_up(address, page_bytes()) - address, bytes);
  const std::size_t pages = (bytes - head) / page_bytes() * page_bytes();
  if (pages != 0 && madvise(begin + head, pages, MADV_DONTNEED) != 0) {
    std::memset(begin + head, 0, pages);  // locked pages refuse the advice
  }
  std::memset(begin, 0, head);
  std::memset(begin + head + pages, 0, bytes - head - pages);
}

}  // namespace

DeviceMemory::DeviceMemory(std::size_t capacity_bytes) : capacity_(round_up(capacity_bytes, page_bytes())) {
  void* arena = mmap(reinterpret_cast<void*>(kArenaHint), capacity_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (arena == MAP_FAILED) {
    throw Error(Status::out_of_memory, std::string("cannot reserve ") + std::to_string(capacity_) +
                                           " bytes of address space: " + std::strerror(errno));
  }
  arena_ = static_cast<std::byte*>(arena);
  // Scattered accesses of kernels would spend their time on address translation with small pages. Only
  // advice: kernels without large pages refuse it, and nothing depends on it.
  static_cast<void>(madvise(arena_, capacity_, MADV_HUGEPAGE));
  gaps_.emplace(reinterpret_cast<DeviceAddress>(arena_), capacity_);
}

DeviceMemory::~DeviceMemory() {
  if (munmap(arena_, capacity_) != 0) std::perror("vgpu: munmap of device memory");
}

DeviceAddress DeviceMemory::allocate(std::size_t bytes) {
  if (bytes == 0) throw Error(Status::invalid_value, "allocation of 0 bytes");
  if (bytes > capacity_) {
    throw Error(Status::out_of_memory, "allocation of " + std::to_string(bytes) +
                                           " bytes exceeds the device's " + std::to_string(capacity_));
  }
  const std::size_t reserved = round_up(bytes, kAlignment);
  DeviceAddress base = 0;
  if (guarded_ && (base = take(reserved + kGuardBytes)) != 0) reserved_.emplace(base, reserved + kGuardBytes);
  while (base == 0 && !freed_.empty()) {
    add_gap(freed_.front().first, freed_.front().second);
    freed_.pop_front();
    base = take(reserved);
  }
  if (base == 0) base = take(reserved);
  if (base == 0) {
    throw Error(Status::out_of_memory, "no gap for " + std::to_string(bytes) + " bytes (" +
                                           std::to_string(free_bytes()) + " bytes free)");
  }
  allocations_.emplace(base, bytes);
  used_ += reserved;
  return base;
}

DeviceAddress DeviceMemory::take(std::size_t reserved) {
  const auto gap = std::ranges::find_if(gaps_, [&](const auto& entry) { return entry.second >= reserved; });
  if (gap == gaps_.end()) return 0;
  const auto [base, gap_bytes] = *gap;
  gaps_.erase(gap);
  if (gap_bytes > reserved) gaps_.emplace(base + reserved, gap_bytes - reserved);
  return base;
}

void DeviceMemory::free(DeviceAddress base) {
  const auto allocation = allocations_.find(base);
  if (allocation == allocations_.end()) {
    throw Error(Status::invalid_value, "free of an address that was not allocated");
  }
  // Memory is cleared when it is freed, not when it is handed out, so that every gap always reads as zero.
  clear(reinterpret_cast<std::byte*>(base), allocation->second);
  std::size_t reserved = round_up(allocation->second, kAlignment);
  allocations_.erase(allocation);
  used_ -= reserved;
  if (!guarded_) return add_gap(base, reserved);
  if (const auto guard = reserved_.find(base); guard != reserved_.end()) {
    reserved = guard->second;
    reserved_.erase(guard);
  }
  freed_.emplace_back(base, reserved);
}

void DeviceMemory::add_gap(DeviceAddress base, std::size_t reserved) {
  auto gap = gaps_.emplace(base, reserved).first;
  if (const auto next = std::next(gap); next != gaps_.end() && base + reserved == next->first) {
    gap->second += next->second;
    gaps_.erase(next);
  }
  if (gap != gaps_.begin()) {
    if (const auto previous = std::prev(gap); previous->first + previous->second == base) {
      previous->second += gap->second;
      gaps_.erase(gap);
    }
  }
}

std::optional<Allocation> DeviceMemory::find(DeviceAddress address) const {
  const auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return std::nullopt;
  const auto& [base, bytes] = *std::prev(after);
  if (address - base >= bytes) return std::nullopt;
  return Allocation{base, bytes};
}

std::optional<Allocation> DeviceMemory::nearest(DeviceAddress address) const {
  if (allocations_.empty()) return std::nullopt;
  const auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return Allocation{after->first, after->second};
  const auto before = std::prev(after);
  const DeviceAddress before_end = before->first + before->second;
  const std::uint64_t distance_before = address < before_end ? 0 : address - before_end;
  if (after != allocations_.end() && after->first - address < distance_before) {
    return Allocation{after->first, after->second};
  }
  return Allocation{before->first, before->second};
}

std::span<std::byte> DeviceMemory::bytes(DeviceAddress address, std::size_t bytes) {
  const auto allocation = find(address);
  if (!allocation || bytes > allocation->bytes - (address - allocation->base)) {
    throw Error(Status::invalid_value,
                "device range of " + std::to_string(bytes) + " bytes is not inside one allocation");
  }
  return {reinterpret_cast<std::byte*>(address), bytes};
}

}  // namespace vgpu::software
