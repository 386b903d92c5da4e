// How long to look again and again before going to sleep: only while that mostly succeeds. C11 and C++.
//
// Waking a sleeping process takes far longer than a short answer. But spinning in vain takes the processor
// from whoever is waited for. So the usual wait is learnt, and where it is longer than a sleep costs, nobody
// spins but for a trial now and then. (Karlin, Li, Manasse, Owicki: Empirical studies of competitive
// spinning, SOSP 1991.)

#ifndef VGPU_ADAPTIVE_SPIN_H
#define VGPU_ADAPTIVE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct vgpu_spin {
  bool allowed;    // with one processor the other end cannot move meanwhile
  uint32_t waits;  // since the last trial
  int64_t usual;   // nanoseconds that recent waits took
};

// Nanoseconds; the longest is about what a sleep costs.
#define VGPU_SPIN_LONGEST INT64_C(40000)
#define VGPU_SPIN_SHORTEST INT64_C(4000)
#define VGPU_SPIN_TRIAL_EVERY 32u

static inline struct vgpu_spin vgpu_spin_new(bool allowed) {
  const struct vgpu_spin spin = {allowed, 0, 0};
  return spin;
}

// Nanoseconds that this wait may spin; 0 for not at all.
static inline int64_t vgpu_spin_budget(struct vgpu_spin* spin) {
  if (!spin->allowed) return 0;
  if (spin->usual > VGPU_SPIN_LONGEST) {
    if (++spin->waits < VGPU_SPIN_TRIAL_EVERY) return 0;
    spin->waits = 0;
    return VGPU_SPIN_LONGEST;
  }
  const int64_t budget = 4 * spin->usual;
  if (budget < VGPU_SPIN_SHORTEST) return VGPU_SPIN_SHORTEST;
  return budget < VGPU_SPIN_LONGEST ? budget : VGPU_SPIN_LONGEST;
}

// What the wait took, the sleep included.
static inline void vgpu_spin_learn(struct vgpu_spin* spin, int64_t nanoseconds, bool slept) {
  // A sleep's length is mostly that of waking up: it says that spinning failed, and little more.
  const int64_t most = 2 * VGPU_SPIN_LONGEST;
  const int64_t seen = nanoseconds < most ? nanoseconds : most;
  spin->usual += (seen - spin->usual) / (slept ? 8 : 2);
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
