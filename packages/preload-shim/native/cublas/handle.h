// What a cublasHandle_t stands for: a context and how to work in it. Like the original, not for several
// threads at once.

#ifndef VGPU_CUBLAS_HANDLE_H
#define VGPU_CUBLAS_HANDLE_H

#include "driver/graph/blas_work.h"

struct cublasContext {
  CUcontext context;  // current when the handle was made
  CUdevice device;
  CUstream stream;
  cublasPointerMode_t pointer_mode;
  cublasMath_t math_mode;
  cublasAtomicsMode_t atomics_mode;
  int multiprocessor_target;
};

cublasStatus_t vgpu_cublas_status(CUresult result);

// CUBLAS_STATUS_NOT_INITIALIZED for what is no handle, or no longer one.
cublasStatus_t vgpu_cublas_check(cublasHandle_t handle);

// Puts the operation into the handle's stream. Its context and device need not be set.
cublasStatus_t vgpu_cublas_submit(cublasHandle_t handle, enum vgpu_blas_kind kind,
                                  struct vgpu_blas_work* work);

// The bits of a scalar, or its address, by the handle's pointer mode; `on_device` is the flag for the latter.
uint64_t vgpu_cublas_scalar(cublasHandle_t handle, const void* scalar, size_t bytes, uint32_t on_device,
                            uint32_t* flags);

// In a forked child: see process.h.
void vgpu_cublas_forget(void);

#endif
