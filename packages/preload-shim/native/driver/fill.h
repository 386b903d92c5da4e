#ifndef VGPU_DRIVER_FILL_H
#define VGPU_DRIVER_FILL_H

#include "cuda_abi.h"

// Checks what can be checked here; at once, whatever captures there are.
CUresult vgpu_fill(const CUDA_MEMSET_NODE_PARAMS* fill, CUstream stream);

#endif
