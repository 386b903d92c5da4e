// Questions about memory pools.

#ifndef VGPU_DRIVER_MEMORY_POOL_H
#define VGPU_DRIVER_MEMORY_POOL_H

#include <stddef.h>

#include "cuda_abi.h"

// Whether there is such a pool.
CUresult vgpu_pool_check(CUmemoryPool pool);
// Whether it changes nothing to describe access to a pool's memory so.
CUresult vgpu_pool_access_check(const CUmemAccessDesc* descriptions, size_t count);

#endif
