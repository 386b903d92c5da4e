// How long to look again and again before going to sleep: only while that mostly succeeds. C11 and C++.
//
// Waking a sleeping process takes far longer than a short answer. But spinning in vain takes the processor
// from whoever is waited for. So a wait spins for a few times what recent successful ones took, and where
// spinning fails again and again, as on a machine with other work to do, only every so often to find out
// whether it would not. (Karlin, Li, Manasse, Owicki: Empirical studies of competitive spinning for a
// shared-memory multiprocessor, SOSP 1991.)

#ifndef VGPU_ADAPTIVE_SPIN_H
#define VGPU_ADAPTIVE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

// Nanoseconds; the longest is about what a sleep costs.
#define VGPU_SPIN_LONGEST INT64_C(40000)
#define VGPU_SPIN_SHORTEST INT64_C(4000)
// So many more failures than successes, and there is only a trial in so many waits.
#define VGPU_SPIN_FAILURES 4u
#define VGPU_SPIN_TRIAL_EVERY 32u

struct vgpu_spin {
  bool allowed;       // with one processor the other end cannot move meanwhile
  int64_t usual;      // nanoseconds that successful spins took
  uint32_t failures;  // the score: up by a failure, down by a success
  uint32_t skipped;   // waits since the last trial
};

static inline struct vgpu_spin vgpu_spin_new(bool allowed) {
  const struct vgpu_spin spin = {allowed, VGPU_SPIN_SHORTEST, 0, 0};
  return spin;
}

// Nanoseconds that this wait may spin; 0 for not at all.
static inline int64_t vgpu_spin_budget(struct vgpu_spin* spin) {
  if (!spin->allowed) return 0;
  if (spin->failures >= VGPU_SPIN_FAILURES && ++spin->skipped < VGPU_SPIN_TRIAL_EVERY) return 0;
  spin->skipped = 0;
  const int64_t budget = VGPU_SPIN_SHORTEST + 4 * spin->usual;
  return budget < VGPU_SPIN_LONGEST ? budget : VGPU_SPIN_LONGEST;
}

// How a spin ended.
static inline void vgpu_spin_succeeded(struct vgpu_spin* spin, int64_t nanoseconds) {
  if (spin->failures > 0) --spin->failures;
  spin->usual += (nanoseconds - spin->usual) / 4;
}

static inline void vgpu_spin_failed(struct vgpu_spin* spin) {
  // It would have had to be longer: the next ones are, until they cost what a sleep does.
  if (spin->usual < VGPU_SPIN_LONGEST) spin->usual += spin->usual / 2;
  if (spin->failures < VGPU_SPIN_FAILURES) ++spin->failures;
}

// Lets the other thread of the core, or the power, have the moment.
static inline void vgpu_spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
