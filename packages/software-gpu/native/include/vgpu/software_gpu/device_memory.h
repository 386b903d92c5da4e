// The memory of the software GPU: one reserved address range, handed out as allocations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "vgpu/software_gpu/error.h"

namespace vgpu::software {

/// An address as the CUDA program sees it (CUdeviceptr). It is also the address in this process.
using DeviceAddress = std::uint64_t;

struct Allocation {
  DeviceAddress base;
  std::size_t bytes;
};

/// Not thread-safe: calls must be serialised with each other and with kernel launches, which read the
/// allocation map while they run.
class DeviceMemory {
 public:
  /// cuMemAlloc guarantees alignment for any type; cudaMalloc documents at least 256 bytes.
  static constexpr std::size_t kAlignment = 512;

  /// Reserves `capacity_bytes` of address space; pages are committed when they are first touched.
  /// Throws Error(out_of_memory) when the system refuses.
  explicit DeviceMemory(std::size_t capacity_bytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// From now on allocations keep their distance, and freed addresses are used again only when there are no
  /// others. Takes addresses only: the free bytes are counted as before.
  void guard() { guarded_ = true; }

  /// Throws Error(invalid_value) for 0 bytes, Error(out_of_memory) when no gap is large enough.
  /// New memory reads as zero.
  DeviceAddress allocate(std::size_t bytes);
  /// Throws Error(invalid_value) unless `base` is what allocate() returned and is still allocated.
  void free(DeviceAddress base);

  /// The allocation that contains `address`, if any.
  [[nodiscard]] std::optional<Allocation> find(DeviceAddress address) const;
  /// The allocation whose range is nearest to `address`, for messages.
  [[nodiscard]] std::optional<Allocation> nearest(DeviceAddress address) const;

  /// The bytes at [address, address + bytes), which must lie in one allocation; otherwise throws
  /// Error(invalid_value), as the driver API does for a bad device pointer in a copy.
  std::span<std::byte> bytes(DeviceAddress address, std::size_t bytes);

  /// Every address that allocate() gives lies in [base(), base() + total_bytes()).
  [[nodiscard]] DeviceAddress base() const { return reinterpret_cast<DeviceAddress>(arena_); }
  [[nodiscard]] std::size_t total_bytes() const { return capacity_; }
  [[nodiscard]] std::size_t free_bytes() const { return capacity_ - used_; }

 private:
  /// Of a gap; 0 when none is large enough.
  DeviceAddress take(std::size_t reserved);
  void add_gap(DeviceAddress base, std::size_t reserved);

  std::size_t capacity_;
  std::size_t used_ = 0;
  bool guarded_ = false;
  std::byte* arena_ = nullptr;
  std::map<DeviceAddress, std::size_t> allocations_;  // base → size asked for
  std::map<DeviceAddress, std::size_t> reserved_;     // base → size with the distance, where that is more
  std::deque<std::pair<DeviceAddress, std::size_t>> freed_;  // of guarded memory, not yet among the gaps
  std::map<DeviceAddress, std::size_t> gaps_;                // base → size, never adjacent
};

}  // namespace vgpu::software
