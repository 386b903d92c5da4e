#include "compute/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using vgpu::compute::ThreadPool;

TEST_CASE("each task runs once") {
  for (const unsigned threads : {1U, 2U, 5U}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const std::size_t count : {0, 1, 2, 3, 1000}) {
      std::vector<std::atomic<int>> runs(count);
      pool.forEach(count, [&](std::size_t i) { ++runs[i]; });
      for (const auto& run : runs) CHECK(run == 1);
    }
  }
}

TEST_CASE("an exception stops the rest, and the pool goes on") {
  ThreadPool pool(4);
  for (int round = 0; round < 50; ++round) {
    std::atomic<std::size_t> ran{0};
    // All from the third on throw: a thread begins at most one of them, however slow the others are.
    const auto task = [&](std::size_t i) {
      ++ran;
      if (i >= 3) throw std::runtime_error("third or later");
    };
    CHECK_THROWS_WITH(pool.forEach(100'000, task), "third or later");
    CHECK(ran <= 3 + pool.threads());
  }
  std::atomic<std::size_t> ran{0};
  pool.forEach(100, [&](std::size_t) { ++ran; });
  CHECK(ran == 100);
}

TEST_CASE("several callers share the threads, and tasks may call again") {
  ThreadPool pool(3);
  std::atomic<std::size_t> ran{0};
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        pool.forEach(20, [&](std::size_t) { pool.forEach(5, [&](std::size_t) { ++ran; }); });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(ran == 4 * 50 * 20 * 5);
}

}  // namespace
