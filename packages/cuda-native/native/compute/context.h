// What an operation runs with: threads, a limit for its memory, and whether somebody still wants its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "compute/memory.h"
#include "compute/thread_pool.h"

namespace vgpu::compute {

/** For one operation. */
class Context {
 public:
  /** `stop`, which may be null, becomes other than 0 when the result is not wanted any more. */
  Context(ThreadPool& pool, std::size_t memoryLimit, std::int32_t* stop)
      : pool_(pool), memoryLimit_(memoryLimit), stop_(stop) {}

  [[nodiscard]] ThreadPool& pool() const { return pool_; }
  /** The most memory that the operation has had, in bytes. */
  [[nodiscard]] std::size_t memoryUsed() const { return memoryUsed_; }

  /** @throws Error aborted */
  void throwIfStopped() const;

  /** Calls task(0) … task(count - 1) on all threads.
   * @throws Error aborted, between two tasks */
  void forEach(std::size_t count, const std::function<void(std::size_t)>& task) const;

  /** Calls task(first, last) for parts of 0 … count, each of `block` elements but for the last one. */
  void forBlocks(std::size_t count, std::size_t block,
                 const std::function<void(std::size_t first, std::size_t last)>& task) const;

  /** Whether the limit leaves so much for allocate(). */
  [[nodiscard]] bool hasRoomFor(std::size_t bytes) const { return bytes <= memoryLimit_ - memoryUsed_; }

  /** Memory without values in it; it counts until the operation ends. Not for several threads at once.
   * @throws Error memoryLimit; std::bad_alloc */
  template <typename T>
  Memory<T> allocate(std::size_t count) {
    reserve(count, sizeof(T));
    return makeMemory<T>(count);
  }

 private:
  void reserve(std::size_t count, std::size_t size);

  ThreadPool& pool_;
  std::size_t memoryLimit_;
  std::size_t memoryUsed_ = 0;
  std::int32_t* stop_;
};

}  // namespace vgpu::compute
