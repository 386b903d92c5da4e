#include "worker_pool.h"

namespace vgpu::software {

WorkerPool::WorkerPool(unsigned threads) {
  for (unsigned index = 1; index < threads; ++index) threads_.emplace_back([this, index] { work(index); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  start_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::run(unsigned count, const std::function<void(unsigned)>& task) {
  if (count > 1) {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    count_ = count;
    running_ = count - 1;
    ++round_;
    start_.notify_all();
  }
  task(0);
  if (count > 1) {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return running_ == 0; });
  }
}

void WorkerPool::work(unsigned index) {
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    start_.wait(lock, [&] { return stopping_ || round_ != seen; });
    if (stopping_) return;
    seen = round_;
    if (index >= count_) continue;
    const auto* task = task_;
    lock.unlock();
    (*task)(index);
    lock.lock();
    if (--running_ == 0) done_.notify_one();
  }
}

}  // namespace vgpu::software
