// Copies and fills of boxes in pitched memory.
#include <stdbool.h>

#include "guest_api.h"
#include "log.h"
#include "runtime/copy.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

cudaError_t vgpu_runtime_box(const struct cudaMemcpy3DParms* p, CUDA_MEMCPY3D* copy) {
  if (p == NULL) return cudaErrorInvalidValue;
  if (p->srcArray != NULL || p->dstArray != NULL) {
    vgpu_log("copies from and to CUDA arrays are not implemented");
    return cudaErrorNotSupported;
  }
  if ((unsigned int)p->kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  const bool empty = p->extent.width == 0 || p->extent.height == 0 || p->extent.depth == 0;
  if (!empty && (p->srcPtr.ptr == NULL || p->dstPtr.ptr == NULL)) return cudaErrorInvalidValue;
  if (p->extent.width > p->srcPtr.pitch || p->extent.width > p->dstPtr.pitch)
    return cudaErrorInvalidPitchValue;
  *copy = (CUDA_MEMCPY3D){
      .srcXInBytes = p->srcPos.x,
      .srcY = p->srcPos.y,
      .srcZ = p->srcPos.z,
      .srcMemoryType = vgpu_runtime_source_type(p->kind),
      .srcHost = p->srcPtr.ptr,
      .srcDevice = (CUdeviceptr)(uintptr_t)p->srcPtr.ptr,
      .srcPitch = p->srcPtr.pitch,
      .srcHeight = p->srcPtr.ysize,
      .dstXInBytes = p->dstPos.x,
      .dstY = p->dstPos.y,
      .dstZ = p->dstPos.z,
      .dstMemoryType = vgpu_runtime_destination_type(p->kind),
      .dstHost = p->dstPtr.ptr,
      .dstDevice = (CUdeviceptr)(uintptr_t)p->dstPtr.ptr,
      .dstPitch = p->dstPtr.pitch,
      .dstHeight = p->dstPtr.ysize,
      .WidthInBytes = p->extent.width,
      .Height = p->extent.height,
      .Depth = p->extent.depth,
  };
  return cudaSuccess;
}

static cudaError_t copy_box(const struct cudaMemcpy3DParms* p, cudaStream_t stream) {
  CUDA_MEMCPY3D copy;
  const cudaError_t error = vgpu_runtime_box(p, &copy);
  if (error != cudaSuccess) return error;
  const CUresult entered = vgpu_runtime_enter();
  if (entered != CUDA_SUCCESS || p->extent.width == 0 || p->extent.height == 0 || p->extent.depth == 0)
    return vgpu_runtime_code(entered);
  return vgpu_runtime_code(cuMemcpy3DAsync_v2(&copy, stream));
}

cudaError_t cudaMemcpy3D(const struct cudaMemcpy3DParms* p) {
  return vgpu_runtime_result(copy_box(p, NULL));
}

cudaError_t cudaMemcpy3DAsync(const struct cudaMemcpy3DParms* p, cudaStream_t stream) {
  return vgpu_runtime_result(copy_box(p, stream));
}

static CUresult fill_box(const struct cudaPitchedPtr* to, int value, const struct cudaExtent* extent,
                         cudaStream_t stream) {
  size_t slice;
  const CUdeviceptr address = (CUdeviceptr)(uintptr_t)to->ptr;
  const unsigned char byte = (unsigned char)value;
  const CUresult entered = vgpu_runtime_enter();
  if (entered != CUDA_SUCCESS) return entered;
  if (extent->width == 0 || extent->height == 0 || extent->depth == 0) return CUDA_SUCCESS;
  if (extent->width > to->pitch || (extent->depth > 1 && extent->height > to->ysize) ||
      __builtin_mul_overflow(to->pitch, to->ysize, &slice)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  // Slices without a gap between them are one.
  if (extent->depth == 1 || extent->height == to->ysize) {
    size_t rows;
    if (__builtin_mul_overflow(extent->height, extent->depth, &rows)) return CUDA_ERROR_INVALID_VALUE;
    return cuMemsetD2D8Async(address, to->pitch, byte, extent->width, rows, stream);
  }
  // An allocation has no holes: when first and last slice are in it, all are.
  size_t last;
  if (__builtin_mul_overflow(slice, extent->depth - 1, &last)) return CUDA_ERROR_INVALID_VALUE;
  CUdeviceptr start;
  size_t bytes;
  CUresult result = cuMemGetAddressRange_v2(&start, &bytes, address);
  if (result == CUDA_ERROR_NOT_FOUND) result = CUDA_ERROR_INVALID_VALUE;
  if (result != CUDA_SUCCESS) return result;
  const size_t behind = bytes - (size_t)(address - start);
  if (last > behind || to->pitch * (extent->height - 1) + extent->width > behind - last)
    return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < extent->depth && result == CUDA_SUCCESS; ++i) {
    result = cuMemsetD2D8Async(address + i * slice, to->pitch, byte, extent->width, extent->height, stream);
  }
  return result;
}

cudaError_t cudaMemset3D(struct cudaPitchedPtr pitchedDevPtr, int value, struct cudaExtent extent) {
  return vgpu_runtime_from_driver(fill_box(&pitchedDevPtr, value, &extent, NULL));
}

cudaError_t cudaMemset3DAsync(struct cudaPitchedPtr pitchedDevPtr, int value, struct cudaExtent extent,
                              cudaStream_t stream) {
  return vgpu_runtime_from_driver(fill_box(&pitchedDevPtr, value, &extent, stream));
}
