// A session's memory on the device. What is given back stays for the next operation, up to the session's
// limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "gpu/device.h"

namespace vgpu::gpu {

struct PoolCounters {
  std::size_t usedBytes = 0;
  std::size_t cachedBytes = 0;
  std::size_t peakBytes = 0;
  /** What the driver did not take back. */
  std::size_t failedFrees = 0;
};

class Pool;

/** Memory on the device for as long as it lives. Not initialised. */
class Buffer {
 public:
  Buffer() = default;
  Buffer(Pool& pool, DevicePointer address, std::size_t bytes, std::uint64_t generation)
      : pool_(&pool), address_(address), bytes_(bytes), generation_(generation) {}
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  [[nodiscard]] DevicePointer address() const { return address_; }

 private:
  Pool* pool_ = nullptr;
  DevicePointer address_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t generation_ = 0;
};

/** On the device's thread only. */
class Pool {
 public:
  Pool(Device& device, std::size_t limit) : device_(device), limit_(limit) {}

  /** At least one byte.
   * @throws DriverError out of memory, also where the limit does not allow it */
  Buffer take(std::size_t bytes);
  /** Gives the driver what nobody uses. */
  void trim() noexcept;
  /** From now on counts the peak of another operation. */
  void beginOperation();
  [[nodiscard]] const PoolCounters& counters() const { return counters_; }

 private:
  friend class Buffer;
  void forgetIfReopened();
  void giveBack(DevicePointer address, std::size_t bytes, std::uint64_t generation) noexcept;

  Device& device_;
  std::size_t limit_;
  std::uint64_t generation_ = 0;
  std::multimap<std::size_t, DevicePointer> cached_;
  PoolCounters counters_;
};

}  // namespace vgpu::gpu
