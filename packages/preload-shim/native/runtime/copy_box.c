// Copies and fills of boxes in pitched memory.
#include <stdbool.h>

#include "guest_api.h"
#include "runtime/copy.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"
#include "runtime/texture.h"

// Where an array takes part, its elements are the unit of all three widths; memory beside it counts bytes.
static cudaError_t element_bytes(const struct cudaMemcpy3DParms* p, size_t* bytes) {
  size_t other = 0;
  *bytes = 1;
  if (p->srcArray == NULL && p->dstArray == NULL) return cudaSuccess;
  cudaError_t error = vgpu_runtime_element_bytes(p->srcArray != NULL ? p->srcArray : p->dstArray, bytes);
  if (error != cudaSuccess || p->srcArray == NULL || p->dstArray == NULL) return error;
  error = vgpu_runtime_element_bytes(p->dstArray, &other);
  return error == cudaSuccess && other != *bytes ? cudaErrorInvalidValue : error;
}

static bool lacks_memory(cudaArray_t array, const struct cudaPitchedPtr* memory) {
  return array == NULL && memory->ptr == NULL;
}

cudaError_t vgpu_runtime_box(const struct cudaMemcpy3DParms* p, CUDA_MEMCPY3D* copy) {
  size_t element;
  size_t width;
  size_t source_x;
  size_t destination_x;
  if (p == NULL) return cudaErrorInvalidValue;
  if ((unsigned int)p->kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  const bool empty = p->extent.width == 0 || p->extent.height == 0 || p->extent.depth == 0;
  if (!empty && (lacks_memory(p->srcArray, &p->srcPtr) || lacks_memory(p->dstArray, &p->dstPtr)))
    return cudaErrorInvalidValue;
  const cudaError_t error = element_bytes(p, &element);
  if (error != cudaSuccess) return error;
  if (__builtin_mul_overflow(p->extent.width, element, &width) ||
      __builtin_mul_overflow(p->srcPos.x, p->srcArray != NULL ? element : 1, &source_x) ||
      __builtin_mul_overflow(p->dstPos.x, p->dstArray != NULL ? element : 1, &destination_x)) {
    return cudaErrorInvalidValue;
  }
  if ((p->srcArray == NULL && width > p->srcPtr.pitch) || (p->dstArray == NULL && width > p->dstPtr.pitch))
    return cudaErrorInvalidPitchValue;
  *copy = (CUDA_MEMCPY3D){
      .srcXInBytes = source_x,
      .srcY = p->srcPos.y,
      .srcZ = p->srcPos.z,
      .srcMemoryType = p->srcArray != NULL ? CU_MEMORYTYPE_ARRAY : vgpu_runtime_source_type(p->kind),
      .srcHost = p->srcPtr.ptr,
      .srcDevice = (CUdeviceptr)(uintptr_t)p->srcPtr.ptr,
      .srcArray = (CUarray)(void*)p->srcArray,
      .srcPitch = p->srcPtr.pitch,
      .srcHeight = p->srcPtr.ysize,
      .dstXInBytes = destination_x,
      .dstY = p->dstPos.y,
      .dstZ = p->dstPos.z,
      .dstMemoryType = p->dstArray != NULL ? CU_MEMORYTYPE_ARRAY : vgpu_runtime_destination_type(p->kind),
      .dstHost = p->dstPtr.ptr,
      .dstDevice = (CUdeviceptr)(uintptr_t)p->dstPtr.ptr,
      .dstArray = (CUarray)(void*)p->dstArray,
      .dstPitch = p->dstPtr.pitch,
      .dstHeight = p->dstPtr.ysize,
      .WidthInBytes = width,
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
