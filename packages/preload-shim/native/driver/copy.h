// Copies, split into pieces that fit a frame.

#ifndef VGPU_DRIVER_COPY_H
#define VGPU_DRIVER_COPY_H

#include "cuda_abi.h"

CUresult vgpu_copy_to_device(CUdeviceptr destination, const void* source, size_t bytes, CUstream stream);
CUresult vgpu_copy_from_device(void* destination, CUdeviceptr source, size_t bytes, CUstream stream);

// Any copy, at once, whatever captures there are; and those of rectangles and of boxes.
CUresult vgpu_copy(const CUDA_MEMCPY3D* copy, CUstream stream);
CUresult vgpu_copy_rows(const CUDA_MEMCPY2D* copy, CUstream stream);
CUresult vgpu_copy_box(const CUDA_MEMCPY3D* copy, CUstream stream);
// Either side, or both, is an array.
CUresult vgpu_copy_array(const CUDA_MEMCPY3D* copy, CUstream stream);

#endif
