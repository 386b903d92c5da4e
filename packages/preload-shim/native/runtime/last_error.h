// The error that cudaGetLastError reports: one per thread, and one for the whole process once its context is
// dead.

#ifndef VGPU_RUNTIME_LAST_ERROR_H
#define VGPU_RUNTIME_LAST_ERROR_H

#include "cuda_abi.h"

// What every runtime function returns through: an error becomes the thread's last error, success changes
// nothing.
cudaError_t vgpu_runtime_result(cudaError_t error);
cudaError_t vgpu_runtime_from_driver(CUresult result);

// The runtime API's code for a driver API code, without remembering it.
cudaError_t vgpu_runtime_code(CUresult result);

// The error that ended this process's context, or CUDA_SUCCESS.
CUresult vgpu_runtime_sticky_error(void);

#endif
