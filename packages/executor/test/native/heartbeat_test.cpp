#include "worker/heartbeat.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

using vgpu::executor::Heartbeat;
using namespace std::chrono_literals;

namespace {

struct Beats {
  std::atomic<int> count{0};
  Heartbeat heartbeat{[this] { ++count; }, 20ms};
};

/// Machines under test are slow and busy: what must happen may take its time.
bool eventually(const auto& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

}  // namespace

TEST_CASE("no beat without work") {
  Beats beats;
  std::this_thread::sleep_for(80ms);
  CHECK(beats.count == 0);
}

TEST_CASE("a long request beats until it ends") {
  Beats beats;
  beats.heartbeat.begin_request();
  CHECK(eventually([&] { return beats.count >= 3; }));
  beats.heartbeat.end_request(true);
  std::this_thread::sleep_for(40ms);
  const int count = beats.count;
  std::this_thread::sleep_for(80ms);
  CHECK(beats.count == count);
}

TEST_CASE("short requests that are answered need no beat") {
  Beats beats;
  for (int i = 0; i < 100; ++i) {
    beats.heartbeat.begin_request();
    beats.heartbeat.end_request(true);
    std::this_thread::sleep_for(1ms);
  }
  CHECK(beats.count == 0);
}

TEST_CASE("deferred requests in a row beat although none is long") {
  Beats beats;
  CHECK(eventually([&] {
    beats.heartbeat.begin_request();
    beats.heartbeat.end_request(false);
    return beats.count >= 3;
  }));
}

TEST_CASE("it wakes up again after a pause") {
  Beats beats;
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    const int before = beats.count;
    beats.heartbeat.begin_request();
    CHECK(eventually([&] { return beats.count > before; }));
    beats.heartbeat.end_request(true);
    std::this_thread::sleep_for(50ms);
  }
}
