#include "process.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#include "cublas/handle.h"
#include "driver/function_layout.h"
#include "driver/function_name.h"
#include "driver/graph/capture.h"
#include "driver/graph/graph.h"
#include "driver/graph/memory.h"
#include "driver/host_memory.h"
#include "driver/library.h"
#include "driver/link.h"
#include "driver/shared_memory.h"
#include "nvml/nvml.h"
#include "output.h"
#include "runtime/modules.h"
#include "runtime/primary_context.h"
#include "transport/session.h"
#include "transport/system.h"

// Since Linux 4.14; older headers lack it.
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

// Whose the state is: in the lower half one of these, in the upper the process id where fork does not wipe
// the page.
enum { OWNED = 1, FORGETTING = 2 };

// In a page that the kernel empties in a forked child, so that looking costs no system call.
static _Atomic(_Atomic uint64_t*) owner;
// Kernels before 4.14 cannot do that; then the process id tells.
static _Atomic uint64_t owner_by_process_id;
static _Atomic uint32_t generation;

static void forget_parent(void) {
  vgpu_session_forget();
  vgpu_output_forget();
  vgpu_shared_memory_forget();
  vgpu_cublas_forget();
  vgpu_captures_forget();
  vgpu_graphs_forget();
  vgpu_graph_memory_forget();
  vgpu_function_layouts_forget();
  vgpu_function_names_forget();
  vgpu_libraries_forget();
  vgpu_links_forget();
  vgpu_host_memory_forget();
  vgpu_modules_forget_all();
  vgpu_primary_contexts_forget();
  vgpu_nvml_events_forget();
}

static _Atomic uint64_t* find_owner(void) {
  _Atomic uint64_t* found = atomic_load_explicit(&owner, memory_order_acquire);
  if (found != NULL) return found;
  enum { PAGE = 4096 };
  const int saved_errno = errno;
  _Atomic uint64_t* ours = &owner_by_process_id;
  void* page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) {
    if (vgpu_advise(page, PAGE, MADV_WIPEONFORK) == 0) {
      ours = page;
    } else {
      munmap(page, PAGE);
    }
  }
  // Another thread may have been first.
  const bool first = atomic_compare_exchange_strong(&owner, &found, ours);
  if (!first && ours != &owner_by_process_id) munmap(page, PAGE);
  errno = saved_errno;
  return first ? ours : found;
}

void vgpu_process_check(void) {
  _Atomic uint64_t* word = find_owner();
  const uint64_t process = word == &owner_by_process_id ? (uint64_t)vgpu_process_id() << 32 : 0;
  uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
  while (seen != (process | OWNED)) {
    if (seen == (process | FORGETTING)) {
      // Another thread of this process is at it, and soon done.
      vgpu_yield();
      seen = atomic_load(word);
    } else if (atomic_compare_exchange_weak(word, &seen, process | FORGETTING)) {
      const int saved_errno = errno;
      forget_parent();
      errno = saved_errno;
      atomic_fetch_add(&generation, 1);
      atomic_store_explicit(word, process | OWNED, memory_order_release);
      return;
    }
  }
}

void vgpu_process_restart(void) {
  vgpu_process_check();
  vgpu_session_end();
  _Atomic uint64_t* word = find_owner();
  const uint64_t process = word == &owner_by_process_id ? (uint64_t)vgpu_process_id() << 32 : 0;
  uint64_t seen = process | OWNED;
  // Another thread that is at it does the same.
  if (!atomic_compare_exchange_strong(word, &seen, process | FORGETTING)) return;
  vgpu_shared_memory_unmap();
  forget_parent();
  atomic_fetch_add(&generation, 1);
  atomic_store_explicit(word, process | OWNED, memory_order_release);
}

uint32_t vgpu_process_generation(void) {
  vgpu_process_check();
  return atomic_load_explicit(&generation, memory_order_relaxed);
}
