// Waiting awake for a moment: see adaptive_spin.h, which the guest has as well.
#pragma once

#include <sched.h>

#include <chrono>
#include <cstdint>

#include "adaptive_spin.h"

namespace vgpu::executor {

/// Not on a machine with one processor, where the other end could not move meanwhile. One with more
/// processors than the mask has bits counts as one with several.
inline vgpu_spin make_spin() {
  cpu_set_t mask;
  const bool alone = sched_getaffinity(0, sizeof(mask), &mask) == 0 && CPU_COUNT(&mask) == 1;
  return vgpu_spin_new(!alone);
}

/// Asks `came` again and again for as long as that pays; true as soon as it says so. `looks` are between two
/// looks at the clock, which may take longer than `came`.
template <typename Came>
bool spin(vgpu_spin& state, int looks, Came came) {
  const auto nanoseconds = [] {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  };
  const std::int64_t budget = vgpu_spin_budget(&state);
  if (budget == 0) return false;
  const std::int64_t deadline = nanoseconds() + budget;
  bool came_in_time = false;
  do {
    for (int i = 0; i < looks && !came_in_time; ++i) {
      vgpu_spin_pause();
      came_in_time = came();
    }
  } while (!came_in_time && nanoseconds() < deadline);
  vgpu_spin_ended(&state, came_in_time);
  return came_in_time;
}

}  // namespace vgpu::executor
