// The threads that all operations of the process share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

namespace vgpu::compute {

/** For several callers at once: they share the threads. */
class ThreadPool {
 public:
  /** One thread for each processor, the caller of forEach() counted. Started when first asked for. */
  static ThreadPool& shared();

  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] unsigned threads() const { return static_cast<unsigned>(workers_.size()) + 1; }

  /** Calls task(0) … task(count - 1), in any order, some at the same time, and returns when all have
   * returned. The first exception stops what has not begun, and is thrown here. */
  void forEach(std::size_t count, const std::function<void(std::size_t)>& task);

 private:
  struct Job {
    std::size_t count;
    const std::function<void(std::size_t)>& task;
    std::atomic<std::size_t> next{0};
    std::size_t active = 0;  // workers inside; under mutex_
    std::exception_ptr failure = nullptr;
  };

  void serve();
  void work(Job& job);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable left_;
  std::list<Job*> jobs_;
  bool ending_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace vgpu::compute
