// A mutex without libpthread, whose symbols moved between glibc versions.

#ifndef VGPU_TRANSPORT_LOCK_H
#define VGPU_TRANSPORT_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct vgpu_lock {
  _Atomic uint32_t state;  // 0 free, 1 held, 2 held and somebody may be waiting
};

// First makes sure that the state it protects is this process's own (see process.h).
void vgpu_lock(struct vgpu_lock* lock);
void vgpu_unlock(struct vgpu_lock* lock);
// Only where all state is forgotten (see process.h): a forked child has no thread that holds it.
bool vgpu_lock_is_held(const struct vgpu_lock* lock);
void vgpu_lock_forget(struct vgpu_lock* lock);

#endif
