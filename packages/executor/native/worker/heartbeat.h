// Tells the client at regular intervals that its request is being worked on.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace vgpu::executor {

/// The working thread marks the beginning and end of each request, which costs an atomic addition; a thread
/// of the heartbeat's own beats while there is work and sleeps while there is none.
class Heartbeat {
 public:
  static constexpr std::chrono::milliseconds kInterval{500};

  /// `beat` is called by the heartbeat's thread, every `interval` in which there was unanswered work.
  explicit Heartbeat(std::function<void()> beat, std::chrono::milliseconds interval = kInterval);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void begin_request();
  /// `answered`: a response went to the client, which is as good as a beat.
  void end_request(bool answered);

 private:
  void run();
  bool busy() const { return (transitions_.load() & 1) != 0; }

  std::function<void()> beat_;
  std::chrono::milliseconds interval_;
  std::atomic<std::uint64_t> transitions_{0};  // odd while a request is in work
  std::atomic<bool> unanswered_{false};        // a deferred request has ended since the last response
  std::atomic<bool> asleep_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace vgpu::executor
