#ifndef VGPU_RUNTIME_COPY_H
#define VGPU_RUNTIME_COPY_H

#include "cuda_abi.h"

// A copy whose direction is given: in the order of *stream, or when that is NULL finished on return. The
// error is not remembered as the last one.
cudaError_t vgpu_runtime_copy(void* destination, const void* source, size_t bytes, enum cudaMemcpyKind kind,
                              const cudaStream_t* stream);

// The driver API's description of a copy of a box. The error is not remembered as the last one.
cudaError_t vgpu_runtime_box(const struct cudaMemcpy3DParms* p, CUDA_MEMCPY3D* copy);

// Where the two sides of a copy of that direction lie.
CUmemorytype vgpu_runtime_source_type(enum cudaMemcpyKind kind);
CUmemorytype vgpu_runtime_destination_type(enum cudaMemcpyKind kind);

#endif
