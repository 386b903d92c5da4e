// The stack of current contexts that every thread has.

#ifndef VGPU_DRIVER_CONTEXT_STACK_H
#define VGPU_DRIVER_CONTEXT_STACK_H

#include "cuda_abi.h"

// NULL when the calling thread has none. A forked child starts with none.
CUcontext vgpu_context_current(void);
// The device of the current context; CUDA_ERROR_INVALID_CONTEXT without one.
CUresult vgpu_context_current_device(CUdevice* device);

// `context` must be known to belong to `device`. CUDA_ERROR_OUT_OF_MEMORY when the stack is full.
CUresult vgpu_context_push(CUcontext context, CUdevice device);
// CUDA_ERROR_INVALID_CONTEXT when the stack is empty.
CUresult vgpu_context_pop(CUcontext* context);

#endif
