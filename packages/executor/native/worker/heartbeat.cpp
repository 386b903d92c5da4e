#include "worker/heartbeat.h"

#include <utility>

namespace vgpu::executor {

Heartbeat::Heartbeat(std::function<void()> beat, std::chrono::milliseconds interval)
    : beat_(std::move(beat)), interval_(interval), thread_([this] { run(); }) {}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Heartbeat::begin_request() {
  transitions_.fetch_add(1);
  // The other thread sets asleep_ and then looks at transitions_, both in one total order: one of us sees the
  // other. Taking the mark away makes one notification of many.
  if (!asleep_.load() || !asleep_.exchange(false)) return;
  // It holds the mutex from setting asleep_ until it waits, so the notification cannot come too early.
  const std::lock_guard lock(mutex_);
  changed_.notify_one();
}

void Heartbeat::end_request(bool answered) {
  unanswered_.store(!answered);
  transitions_.fetch_add(1);
}

void Heartbeat::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    asleep_.store(true);
    changed_.wait(lock, [this] { return stop_ || !asleep_.load() || busy() || unanswered_.load(); });
    asleep_.store(false);
    if (changed_.wait_for(lock, interval_, [this] { return stop_; })) return;
    // Deferred requests in a row leave no single one to be caught at work, and the client waits behind them
    // all.
    if (unanswered_.exchange(false) || busy()) {
      lock.unlock();
      beat_();
      lock.lock();
    }
  }
}

}  // namespace vgpu::executor
