#include "compute/thread_pool.h"

#include <algorithm>

namespace vgpu::compute {

ThreadPool& ThreadPool::shared() {
  static ThreadPool pool(std::max(1U, std::thread::hardware_concurrency()));
  return pool;
}

ThreadPool::ThreadPool(unsigned threads) {
  workers_.reserve(threads - 1);
  for (unsigned i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::forEach(std::size_t count, const std::function<void(std::size_t)>& task) {
  if (count < 2 || workers_.empty()) {
    for (std::size_t i = 0; i < count; ++i) task(i);
    return;
  }
  Job job{.count = count, .task = task};
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(&job);
  }
  wake_.notify_all();
  work(job);
  std::unique_lock lock(mutex_);
  jobs_.remove(&job);
  left_.wait(lock, [&] { return job.active == 0; });
  if (job.failure) std::rethrow_exception(job.failure);
}

void ThreadPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (ending_) return;
    Job& job = *jobs_.front();
    ++job.active;
    lock.unlock();
    work(job);
    lock.lock();
    // All of its tasks have begun: nothing to come for.
    jobs_.remove(&job);
    if (--job.active == 0) left_.notify_all();
  }
}

void ThreadPool::work(Job& job) {
  for (std::size_t i = job.next++; i < job.count; i = job.next++) {
    try {
      job.task(i);
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!job.failure) job.failure = std::current_exception();
      job.next = job.count;
    }
  }
}

}  // namespace vgpu::compute
