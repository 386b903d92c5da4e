// Threads that run the blocks of a launch.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vgpu::software {

class WorkerPool {
 public:
  /// `threads` includes the caller of run(), so 1 starts none.
  explicit WorkerPool(unsigned threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] unsigned threads() const { return static_cast<unsigned>(threads_.size()) + 1; }

  /// Calls task(0) … task(count - 1), each on another thread, and returns when all are done. `count` is at
  /// most threads(); the task must not throw. One call at a time.
  void run(unsigned count, const std::function<void(unsigned)>& task);

 private:
  void work(unsigned index);

  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  const std::function<void(unsigned)>* task_ = nullptr;
  unsigned count_ = 0;
  unsigned running_ = 0;
  std::uint64_t round_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace vgpu::software
