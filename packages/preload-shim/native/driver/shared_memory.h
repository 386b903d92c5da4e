// Managed memory, and host memory that is mapped into the device: the same memory at the same address in this
// process and in the executor.

#ifndef VGPU_DRIVER_SHARED_MEMORY_H
#define VGPU_DRIVER_SHARED_MEMORY_H

#include <stdbool.h>

#include "cuda_abi.h"

// Memory at the same address on both sides; cuMemFree_v2 gives it back.
CUresult vgpu_shared_memory_allocate(CUdeviceptr* address, size_t bytes, bool managed);

// Whether all the bytes lie in one piece of managed memory.
bool vgpu_is_managed(CUdeviceptr address, size_t bytes);

// Gives back all of it, whose device is gone. While no other thread makes calls.
void vgpu_shared_memory_unmap(void);

// In a forked child: see process.h. The child does not inherit the memory.
void vgpu_shared_memory_forget(void);

#endif
