// Host memory that the program allocated or registered through CUDA. It never leaves this process: copies
// read it.

#ifndef VGPU_DRIVER_HOST_MEMORY_H
#define VGPU_DRIVER_HOST_MEMORY_H

#include <stdbool.h>

#include "cuda_abi.h"

struct vgpu_host_range {
  uintptr_t start;
  size_t bytes;
  unsigned int flags;  // as given to cuMemHostAlloc or cuMemHostRegister
  bool registered;     // the program's own memory
  bool mapped;         // at the same address on the device
  CUcontext context;   // current when it was allocated
  CUdevice device;
};

// The range that contains the address; false when there is none.
bool vgpu_host_memory_find(const void* address, struct vgpu_host_range* range);

// In a forked child: see process.h. The memory itself is the child's copy, and stays known.
void vgpu_host_memory_forget(void);

#endif
