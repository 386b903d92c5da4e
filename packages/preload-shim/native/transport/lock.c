#include "transport/lock.h"

#include <limits.h>
#include <stdatomic.h>

#include "process.h"
#include "transport/system.h"

void vgpu_lock(struct vgpu_lock* lock) {
  vgpu_process_check();
  uint32_t seen = 0;
  if (atomic_compare_exchange_strong(&lock->state, &seen, 1)) return;
  // Whoever waits leaves 2 behind, so that the holder knows to wake; one wake too many does no harm.
  while (atomic_exchange(&lock->state, 2) != 0) vgpu_futex_wait(&lock->state, 2);
}

void vgpu_unlock(struct vgpu_lock* lock) {
  if (atomic_exchange(&lock->state, 0) == 2) vgpu_futex_wake(&lock->state, 1);
}

bool vgpu_lock_is_held(const struct vgpu_lock* lock) {
  return atomic_load(&lock->state) != 0;
}

void vgpu_lock_forget(struct vgpu_lock* lock) {
  // Unlike a forked child, a process that begins anew may have threads that wait.
  if (atomic_exchange(&lock->state, 0) == 2) vgpu_futex_wake(&lock->state, INT_MAX);
}
