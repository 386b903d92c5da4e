#include "start/state.h"

#include <stdatomic.h>

#include "transport/system.h"

__attribute__((used)) static struct vgpu_state_record record = {.mark = VGPU_STATE_MARK,
                                                                .word = VGPU_STATE_UNSEEN};

// The highest bit: somebody sleeps, and wants to be woken when the state changes.
#define SLEEPER (UINT32_C(1) << 31)

enum { STATE_BITS = 0xff, REASON_SHIFT = 8 };

enum vgpu_state vgpu_state_now(void) {
  return (enum vgpu_state)(atomic_load_explicit(&record.word, memory_order_acquire) & STATE_BITS);
}

// Replaces the state in a word, and forgets who sleeps: they are woken.
static uint32_t with_state(uint32_t word, enum vgpu_state state) {
  return (word & ~(SLEEPER | (uint32_t)STATE_BITS)) | (uint32_t)state;
}

static void wake_sleepers(uint32_t before) {
  if ((before & SLEEPER) != 0) vgpu_futex_wake(&record.word, INT32_MAX);
}

bool vgpu_state_change(enum vgpu_state from, enum vgpu_state to) {
  uint32_t seen = atomic_load(&record.word);
  while ((seen & STATE_BITS) == (uint32_t)from) {
    if (atomic_compare_exchange_weak(&record.word, &seen, with_state(seen, to))) {
      wake_sleepers(seen);
      return true;
    }
  }
  return false;
}

void vgpu_state_set(enum vgpu_state state) {
  uint32_t seen = atomic_load(&record.word);
  while (!atomic_compare_exchange_weak(&record.word, &seen, with_state(seen, state))) {
  }
  wake_sleepers(seen);
}

void vgpu_state_set_reason(enum vgpu_reason reason) {
  atomic_fetch_or(&record.word, (uint32_t)reason << REASON_SHIFT);
}

bool vgpu_state_wait(enum vgpu_state state, int64_t deadline) {
  uint32_t seen = atomic_load(&record.word);
  while ((seen & STATE_BITS) == (uint32_t)state) {
    const int64_t now = vgpu_now();
    if (now >= deadline) return false;
    if (atomic_compare_exchange_weak(&record.word, &seen, seen | SLEEPER)) {
      vgpu_futex_wait_for(&record.word, seen | SLEEPER, deadline - now);
      seen = atomic_load(&record.word);
    }
  }
  return true;
}
