#include "compute/context.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "compute/error.h"

namespace vgpu::compute {

void Context::throwIfStopped() const {
  if (stop_ == nullptr) return;
  if (std::atomic_ref(*stop_).load(std::memory_order_relaxed) == 0) return;
  throw Error(ErrorKind::aborted, "the operation was aborted");
}

void Context::forEach(std::size_t count, const std::function<void(std::size_t)>& task) const {
  pool_.forEach(count, [&](std::size_t i) {
    throwIfStopped();
    task(i);
  });
}

void Context::forBlocks(std::size_t count, std::size_t block,
                        const std::function<void(std::size_t first, std::size_t last)>& task) const {
  forEach((count + block - 1) / block,
          [&](std::size_t i) { task(i * block, std::min(count, (i + 1) * block)); });
}

void Context::reserve(std::size_t count, std::size_t size) {
  const std::size_t left = memoryLimit_ - memoryUsed_;
  if (count > left / size) {
    throw Error(ErrorKind::memoryLimit,
                "the operation needs " + std::to_string(memoryUsed_ + count * size) +
                    " bytes of memory for itself, more than the limit of " + std::to_string(memoryLimit_),
                memoryUsed_ + count * size, memoryLimit_);
  }
  memoryUsed_ += count * size;
}

}  // namespace vgpu::compute
