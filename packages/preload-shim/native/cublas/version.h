// What the cuBLAS of CUDA 12 says of itself. Only generated code calls these, which gives them the names and
// the version node of the original.

#ifndef VGPU_CUBLAS_VERSION_H
#define VGPU_CUBLAS_VERSION_H

#include "cuda_abi.h"

cublasStatus_t vgpu_cuda12_cublas_get_version(cublasHandle_t handle, int* version);
cublasStatus_t vgpu_cuda12_cublas_get_property(libraryPropertyType type, int* value);
size_t vgpu_cuda12_cublas_get_cudart_version(void);

#endif
