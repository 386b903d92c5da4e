// How long a client may stay: in all, and without asking for anything.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace vgpu::executor {

/// 0 for no limit.
struct TenureLimits {
  std::chrono::seconds idle{0};      // without a request
  std::chrono::seconds lifetime{0};  // in all
};

class Tenure {
 public:
  using End = std::function<void(const std::string& reason)>;

  /// `end` is called once, by a thread of the tenure's own, when a limit is reached. Without limits there is
  /// no such thread.
  Tenure(const TenureLimits& limits, End end);
  ~Tenure();
  Tenure(const Tenure&) = delete;
  Tenure& operator=(const Tenure&) = delete;

  void begin_request() { busy_.store(true, std::memory_order_relaxed); }
  void end_request() {
    if (limits_.idle.count() != 0) active_at_.store(Clock::now(), std::memory_order_relaxed);
    busy_.store(false, std::memory_order_relaxed);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  /// When to look again.
  [[nodiscard]] Clock::time_point next_look() const;
  /// Empty while the client may stay.
  [[nodiscard]] std::string reason_to_end() const;

  TenureLimits limits_;
  End end_;
  Clock::time_point started_ = Clock::now();
  std::atomic<Clock::time_point> active_at_{started_};
  std::atomic<bool> busy_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace vgpu::executor
