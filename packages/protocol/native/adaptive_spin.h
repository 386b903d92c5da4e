// How long to look again and again before going to sleep: as long as waking a sleeper takes, because one end
// that slept makes the other wait for that long, and both shall come back to being awake from there. That is
// at most twice the cost of the best choice (Karlin, Li, Manasse, Owicki: Empirical studies of competitive
// spinning for a shared-memory multiprocessor, SOSP 1991). But spinning in vain takes the processor from
// whoever is waited for: where it failed some times in a row, as on a machine with other work to do, only
// every so often one wait tries again.

#ifndef VGPU_ADAPTIVE_SPIN_H
#define VGPU_ADAPTIVE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

// About what it takes until a process that is woken runs, on a virtual machine whose processor had nothing to
// do.
#define VGPU_SPIN_NANOSECONDS INT64_C(60000)
#define VGPU_SPIN_FAILURES 4u
#define VGPU_SPIN_TRIAL_EVERY 32u

struct vgpu_spin {
  bool allowed;       // with one processor the other end cannot move meanwhile
  uint32_t failures;  // in a row
  uint32_t skipped;   // waits since the last trial
};

static inline struct vgpu_spin vgpu_spin_new(bool allowed) {
  const struct vgpu_spin spin = {allowed, 0, 0};
  return spin;
}

// Nanoseconds that this wait may spin; 0 for not at all.
static inline int64_t vgpu_spin_budget(struct vgpu_spin* spin) {
  if (!spin->allowed) return 0;
  if (spin->failures >= VGPU_SPIN_FAILURES && ++spin->skipped < VGPU_SPIN_TRIAL_EVERY) return 0;
  spin->skipped = 0;
  return VGPU_SPIN_NANOSECONDS;
}

// How a spin ended.
static inline void vgpu_spin_ended(struct vgpu_spin* spin, bool succeeded) {
  if (succeeded) {
    spin->failures = 0;
  } else if (spin->failures < VGPU_SPIN_FAILURES) {
    ++spin->failures;
  }
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
