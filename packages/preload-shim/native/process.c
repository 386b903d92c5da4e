#include "process.h"

#include <stdatomic.h>

#include "driver/function_layout.h"
#include "driver/host_memory.h"
#include "runtime/modules.h"
#include "runtime/primary_context.h"
#include "transport/session.h"
#include "transport/system.h"

// The process that the state belongs to: 0 before the first call.
static _Atomic uint32_t owner;
// The process whose thread is just forgetting its parent's state.
static _Atomic uint32_t forgetting;
static _Atomic uint32_t generation = 1;

static void forget_parent(void) {
  vgpu_session_forget();
  vgpu_function_layouts_forget();
  vgpu_host_memory_forget();
  vgpu_modules_forget_all();
  vgpu_primary_contexts_forget();
}

void vgpu_process_check(void) {
  const uint32_t self = vgpu_process_id();
  uint32_t seen = atomic_load_explicit(&owner, memory_order_acquire);
  if (seen == self) return;
  if (seen == 0 && atomic_compare_exchange_strong(&owner, &seen, self)) return;
  if (seen == self) return;

  // Several threads of the child may come here at once; a value left by an ancestor does not count.
  uint32_t busy = atomic_load(&forgetting);
  while (busy != self && !atomic_compare_exchange_weak(&forgetting, &busy, self)) {
  }
  if (busy == self) {
    while ((seen = atomic_load(&owner)) != self) vgpu_futex_wait(&owner, seen);
    return;
  }
  forget_parent();
  atomic_fetch_add(&generation, 1);
  atomic_store_explicit(&owner, self, memory_order_release);
  vgpu_futex_wake(&owner, INT32_MAX);
}

uint32_t vgpu_process_generation(void) {
  vgpu_process_check();
  return atomic_load_explicit(&generation, memory_order_relaxed);
}
