#include "worker/tenure.h"

#include <algorithm>
#include <utility>

namespace vgpu::executor {

Tenure::Tenure(const TenureLimits& limits, End end) : limits_(limits), end_(std::move(end)) {
  if (limits_.idle.count() != 0 || limits_.lifetime.count() != 0) thread_ = std::thread([this] { run(); });
}

Tenure::~Tenure() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Tenure::Clock::time_point Tenure::next_look() const {
  Clock::time_point next = Clock::time_point::max();
  if (limits_.lifetime.count() != 0) next = started_ + limits_.lifetime;
  if (limits_.idle.count() != 0) {
    const auto idle_since = busy_.load() ? Clock::now() : active_at_.load();
    next = std::min(next, idle_since + limits_.idle);
  }
  return next;
}

std::string Tenure::reason_to_end() const {
  const auto now = Clock::now();
  const auto seconds = [](std::chrono::seconds limit) { return std::to_string(limit.count()) + " s"; };
  if (limits_.lifetime.count() != 0 && now - started_ >= limits_.lifetime) {
    return "it was connected for " + seconds(limits_.lifetime) + " (--client-lifetime)";
  }
  if (limits_.idle.count() != 0 && !busy_.load() && now - active_at_.load() >= limits_.idle) {
    return "it asked for nothing for " + seconds(limits_.idle) + " (--idle-limit)";
  }
  return {};
}

void Tenure::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (const std::string reason = reason_to_end(); !reason.empty()) {
      lock.unlock();
      end_(reason);
      return;
    }
    changed_.wait_until(lock, next_look(), [this] { return stop_; });
  }
}

}  // namespace vgpu::executor
