#include "gpu/pool.h"

#include <algorithm>
#include <utility>

namespace vgpu::gpu {
namespace {

/** The driver's own alignment; a finer one would only give more sizes. */
constexpr std::size_t kGranularity = 256;
/** A block that is kept serves what needs half of it at least. */
constexpr std::size_t kWaste = 2;

}  // namespace

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      address_(other.address_),
      bytes_(other.bytes_),
      generation_(other.generation_) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
  std::swap(generation_, other.generation_);
  return *this;
}

Buffer::~Buffer() {
  if (pool_ != nullptr) pool_->giveBack(address_, bytes_, generation_);
}

void Pool::forgetIfReopened() {
  if (generation_ == device_.generation()) return;
  generation_ = device_.generation();
  cached_.clear();
  counters_.usedBytes = 0;
  counters_.cachedBytes = 0;
}

Buffer Pool::take(std::size_t bytes) {
  forgetIfReopened();
  const std::size_t rounded =
      std::max<std::size_t>(1, (bytes + kGranularity - 1) / kGranularity) * kGranularity;
  const auto kept = cached_.lower_bound(rounded);
  if (kept != cached_.end() && kept->first / kWaste <= rounded) {
    const auto [size, address] = *kept;
    cached_.erase(kept);
    counters_.cachedBytes -= size;
    counters_.usedBytes += size;
    counters_.peakBytes = std::max(counters_.peakBytes, counters_.usedBytes);
    return {*this, address, size, generation_};
  }
  if (counters_.usedBytes + counters_.cachedBytes + rounded > limit_) trim();
  if (rounded > limit_ || counters_.usedBytes > limit_ - rounded) {
    throw DriverError(kOutOfMemory, "memoryLimit",
                      std::to_string(counters_.usedBytes + rounded) + " bytes on the GPU, memoryLimit is " +
                          std::to_string(limit_));
  }
  DevicePointer address = 0;
  device_.driver().check(device_.driver().cuMemAlloc_v2(&address, rounded), "cuMemAlloc");
  counters_.usedBytes += rounded;
  counters_.peakBytes = std::max(counters_.peakBytes, counters_.usedBytes);
  return {*this, address, rounded, generation_};
}

void Pool::giveBack(DevicePointer address, std::size_t bytes, std::uint64_t generation) noexcept {
  forgetIfReopened();
  // It was lost with the device's last life.
  if (generation != generation_) return;
  counters_.usedBytes -= bytes;
  try {
    cached_.emplace(bytes, address);
    counters_.cachedBytes += bytes;
  } catch (const std::bad_alloc&) {
    if (device_.driver().cuMemFree_v2(address) != 0) ++counters_.failedFrees;
  }
}

void Pool::trim() noexcept {
  forgetIfReopened();
  for (const auto& [bytes, address] : cached_) {
    if (device_.driver().cuMemFree_v2(address) != 0) ++counters_.failedFrees;
  }
  cached_.clear();
  counters_.cachedBytes = 0;
}

void Pool::beginOperation() {
  forgetIfReopened();
  counters_.peakBytes = counters_.usedBytes;
}

}  // namespace vgpu::gpu
