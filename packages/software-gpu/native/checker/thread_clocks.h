// Which accesses of the threads of a block are ordered before others, by vector clocks:
// L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978;
// F. Mattern, "Virtual Time and Global States of Distributed Systems", 1989.
//
// A block is interpreted by one thread of the process, so one counter gives every access a time. A thread's
// clock says for each other thread up to which time it has seen its accesses. Written out that would be a
// square of numbers; but nearly all order comes from barriers of the whole block and from within a warp, so a
// clock is
//
//     one time up to which the thread has seen everybody          (barriers of the block)
//     32 times for the lanes of its own warp                      (bar.warp.sync, shfl.sync, …)
//     a time for every thread, only where something else ordered them (named barriers, atomics, mbarriers)
//
// as in Y. Eizenberg et al., "BARRACUDA: Binary-level Analysis of Runtime RAces in CUDA programs", PLDI 2017.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "execution/decoded_kernel.h"

namespace vgpu::software::checker {

using Time = std::uint32_t;

/// What a release left behind, for those who acquire it.
struct Clock {
  Time everybody = 0;
  std::vector<Time> threads;  // empty: none
};

/// Threads are numbered as the block counts them: thread n is lane n % 32 of warp n / 32.
class ThreadClocks {
 public:
  /// A new block of so many threads. What earlier blocks did is ordered before. Returns true when times begin
  /// anew, so that those kept elsewhere must be forgotten.
  bool start(std::uint32_t threads);

  [[nodiscard]] Time now() const { return now_; }
  /// Whether what `other` did at `time` comes before what `thread` does now.
  [[nodiscard]] bool has_seen(std::uint32_t thread, std::uint32_t other, Time time) const;

  /// All threads of the block have met.
  void meet_all();
  /// These threads, of the same warp, have met.
  void meet_lanes(std::uint32_t warp, std::uint32_t lanes);
  /// These threads have met, and with them those whose releases `clock` holds.
  void meet(const std::vector<std::uint32_t>& threads, Clock clock);
  void release(Clock& clock, std::uint32_t thread);
  void acquire(const Clock& clock, std::uint32_t thread);

  /// The clock of a place in memory that threads synchronise by.
  Clock& clock_at(std::uint64_t address) { return places_[address]; }

 private:
  struct Thread {
    Time everybody = 0;
    std::array<Time, kLanes> warp{};
    std::vector<Time> others;
  };

  Time now_ = 1;
  std::vector<Thread> threads_;
  std::unordered_map<std::uint64_t, Clock> places_;
};

}  // namespace vgpu::software::checker
