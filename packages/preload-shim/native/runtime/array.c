// Arrays of the runtime API. An array is the driver's by another name.
#include <stdbool.h>

#include "guest_api.h"
#include "runtime/copy.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"
#include "runtime/texture.h"

static CUarray driver_array(const struct cudaArray* array) {
  return (CUarray)(uintptr_t)array;
}

static cudaError_t allocate(cudaArray_t* array, const struct cudaChannelFormatDesc* desc,
                            struct cudaExtent extent, unsigned int flags) {
  CUDA_ARRAY3D_DESCRIPTOR descriptor = {
      .Width = extent.width, .Height = extent.height, .Depth = extent.depth, .Flags = flags};
  CUarray made = NULL;
  if (array == NULL || desc == NULL) return cudaErrorInvalidValue;
  const CUresult entered = vgpu_runtime_enter();
  if (entered != CUDA_SUCCESS) return vgpu_runtime_code(entered);
  const cudaError_t error = vgpu_runtime_format(desc, &descriptor.Format, &descriptor.NumChannels);
  if (error != cudaSuccess) return error;
  const CUresult result = cuArray3DCreate_v2(&made, &descriptor);
  if (result == CUDA_SUCCESS) *array = (cudaArray_t)(void*)made;
  return vgpu_runtime_code(result);
}

cudaError_t cudaMallocArray(cudaArray_t* array, const struct cudaChannelFormatDesc* desc, size_t width,
                            size_t height, unsigned int flags) {
  const struct cudaExtent extent = {.width = width, .height = height, .depth = 0};
  return vgpu_runtime_result(allocate(array, desc, extent, flags));
}

cudaError_t cudaMalloc3DArray(cudaArray_t* array, const struct cudaChannelFormatDesc* desc,
                              struct cudaExtent extent, unsigned int flags) {
  return vgpu_runtime_result(allocate(array, desc, extent, flags));
}

cudaError_t cudaFreeArray(cudaArray_t array) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS && array != NULL) result = cuArrayDestroy(driver_array(array));
  return vgpu_runtime_from_driver(result);
}

static CUresult describe(CUDA_ARRAY3D_DESCRIPTOR* descriptor, const struct cudaArray* array) {
  const CUresult result = vgpu_runtime_enter();
  return result == CUDA_SUCCESS ? cuArray3DGetDescriptor_v2(descriptor, driver_array(array)) : result;
}

cudaError_t cudaArrayGetInfo(struct cudaChannelFormatDesc* desc, struct cudaExtent* extent,
                             unsigned int* flags, cudaArray_t array) {
  CUDA_ARRAY3D_DESCRIPTOR descriptor;
  const CUresult result = describe(&descriptor, array);
  if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  if (desc != NULL) *desc = vgpu_runtime_channels(descriptor.Format, descriptor.NumChannels);
  if (extent != NULL) {
    *extent = (struct cudaExtent){
        .width = descriptor.Width, .height = descriptor.Height, .depth = descriptor.Depth};
  }
  if (flags != NULL) *flags = descriptor.Flags;
  return cudaSuccess;
}

cudaError_t cudaGetChannelDesc(struct cudaChannelFormatDesc* desc, const struct cudaArray* array) {
  CUDA_ARRAY3D_DESCRIPTOR descriptor;
  if (desc == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const CUresult result = describe(&descriptor, array);
  if (result == CUDA_SUCCESS) *desc = vgpu_runtime_channels(descriptor.Format, descriptor.NumChannels);
  return vgpu_runtime_from_driver(result);
}

cudaError_t vgpu_runtime_element_bytes(const struct cudaArray* array, size_t* bytes) {
  CUDA_ARRAY3D_DESCRIPTOR descriptor;
  const CUresult result = describe(&descriptor, array);
  if (result != CUDA_SUCCESS) return vgpu_runtime_code(result);
  const struct cudaChannelFormatDesc channels = vgpu_runtime_channels(descriptor.Format, 1);
  *bytes = (size_t)channels.x / 8 * descriptor.NumChannels;
  return cudaSuccess;
}

// --- Copies of rectangles

static cudaError_t copy(CUDA_MEMCPY3D description, size_t width, size_t height, enum cudaMemcpyKind kind,
                        cudaStream_t stream) {
  if ((unsigned int)kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  const CUresult entered = vgpu_runtime_enter();
  if (entered != CUDA_SUCCESS || width == 0 || height == 0) return vgpu_runtime_code(entered);
  description.WidthInBytes = width;
  description.Height = height;
  description.Depth = 1;
  return vgpu_runtime_code(cuMemcpy3DAsync_v2(&description, stream));
}

static cudaError_t copy_in(cudaArray_t to, size_t x, size_t y, const void* from, size_t pitch, size_t width,
                           size_t height, enum cudaMemcpyKind kind, cudaStream_t stream) {
  if (width > pitch) return cudaErrorInvalidPitchValue;
  const CUDA_MEMCPY3D description = {
      .srcMemoryType = vgpu_runtime_source_type(kind),
      .srcHost = from,
      .srcDevice = (CUdeviceptr)(uintptr_t)from,
      .srcPitch = pitch,
      .dstMemoryType = CU_MEMORYTYPE_ARRAY,
      .dstArray = driver_array(to),
      .dstXInBytes = x,
      .dstY = y,
  };
  return copy(description, width, height, kind, stream);
}

static cudaError_t copy_out(void* to, size_t pitch, const struct cudaArray* from, size_t x, size_t y,
                            size_t width, size_t height, enum cudaMemcpyKind kind, cudaStream_t stream) {
  if (width > pitch) return cudaErrorInvalidPitchValue;
  const CUDA_MEMCPY3D description = {
      .srcMemoryType = CU_MEMORYTYPE_ARRAY,
      .srcArray = driver_array(from),
      .srcXInBytes = x,
      .srcY = y,
      .dstMemoryType = vgpu_runtime_destination_type(kind),
      .dstHost = to,
      .dstDevice = (CUdeviceptr)(uintptr_t)to,
      .dstPitch = pitch,
  };
  return copy(description, width, height, kind, stream);
}

cudaError_t cudaMemcpy2DToArray(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src,
                                size_t spitch, size_t width, size_t height, enum cudaMemcpyKind kind) {
  return vgpu_runtime_result(copy_in(dst, wOffset, hOffset, src, spitch, width, height, kind, NULL));
}

cudaError_t cudaMemcpy2DToArrayAsync(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src,
                                     size_t spitch, size_t width, size_t height, enum cudaMemcpyKind kind,
                                     cudaStream_t stream) {
  return vgpu_runtime_result(copy_in(dst, wOffset, hOffset, src, spitch, width, height, kind, stream));
}

cudaError_t cudaMemcpy2DFromArray(void* dst, size_t dpitch, const struct cudaArray* src, size_t wOffset,
                                  size_t hOffset, size_t width, size_t height, enum cudaMemcpyKind kind) {
  return vgpu_runtime_result(copy_out(dst, dpitch, src, wOffset, hOffset, width, height, kind, NULL));
}

cudaError_t cudaMemcpy2DFromArrayAsync(void* dst, size_t dpitch, const struct cudaArray* src, size_t wOffset,
                                       size_t hOffset, size_t width, size_t height, enum cudaMemcpyKind kind,
                                       cudaStream_t stream) {
  return vgpu_runtime_result(copy_out(dst, dpitch, src, wOffset, hOffset, width, height, kind, stream));
}

cudaError_t cudaMemcpy2DArrayToArray(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst,
                                     const struct cudaArray* src, size_t wOffsetSrc, size_t hOffsetSrc,
                                     size_t width, size_t height, enum cudaMemcpyKind kind) {
  const CUDA_MEMCPY3D description = {
      .srcMemoryType = CU_MEMORYTYPE_ARRAY,
      .srcArray = driver_array(src),
      .srcXInBytes = wOffsetSrc,
      .srcY = hOffsetSrc,
      .dstMemoryType = CU_MEMORYTYPE_ARRAY,
      .dstArray = driver_array(dst),
      .dstXInBytes = wOffsetDst,
      .dstY = hOffsetDst,
  };
  return vgpu_runtime_result(copy(description, width, height, kind, NULL));
}

// --- Copies of bytes that go on in the next row

// The rest of a row, whole rows, the beginning of a row: `part` copies `height` rows of `width` bytes that
// lie `done` bytes behind the first.
struct pieces {
  cudaArray_t to;
  const struct cudaArray* from;
  char* memory;
  enum cudaMemcpyKind kind;
  cudaStream_t stream;
};

static cudaError_t copy_piece(const struct pieces* pieces, size_t x, size_t y, size_t done, size_t width,
                              size_t height) {
  char* memory = pieces->memory + done;
  return pieces->to != NULL
             ? copy_in(pieces->to, x, y, memory, width, width, height, pieces->kind, pieces->stream)
             : copy_out(memory, width, pieces->from, x, y, width, height, pieces->kind, pieces->stream);
}

static cudaError_t copy_bytes(const struct pieces* pieces, size_t x, size_t y, size_t count) {
  CUDA_ARRAY3D_DESCRIPTOR array;
  size_t element = 0;
  const struct cudaArray* named = pieces->to != NULL ? pieces->to : pieces->from;
  cudaError_t error = vgpu_runtime_element_bytes(named, &element);
  if (error != cudaSuccess) return error;
  if ((unsigned int)pieces->kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  const CUresult result = describe(&array, named);
  if (result != CUDA_SUCCESS) return vgpu_runtime_code(result);
  const size_t row = array.Width * element;
  const size_t rows = array.Height == 0 ? 1 : array.Height;
  if (row == 0 || x > row || y >= rows || count > (rows - y) * row - x) return cudaErrorInvalidValue;
  size_t done = 0;
  if (x != 0) {
    done = count < row - x ? count : row - x;
    error = copy_piece(pieces, x, y++, 0, done, 1);
  }
  const size_t whole = (count - done) / row;
  if (error == cudaSuccess && whole != 0) error = copy_piece(pieces, 0, y, done, row, whole);
  done += whole * row;
  if (error == cudaSuccess && done != count) error = copy_piece(pieces, 0, y + whole, done, count - done, 1);
  return error;
}

cudaError_t cudaMemcpyToArrayAsync(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src,
                                   size_t count, enum cudaMemcpyKind kind, cudaStream_t stream) {
  if (dst == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const struct pieces pieces = {.to = dst, .memory = (char*)(uintptr_t)src, .kind = kind, .stream = stream};
  return vgpu_runtime_result(copy_bytes(&pieces, wOffset, hOffset, count));
}

cudaError_t cudaMemcpyToArray(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src, size_t count,
                              enum cudaMemcpyKind kind) {
  return cudaMemcpyToArrayAsync(dst, wOffset, hOffset, src, count, kind, NULL);
}

cudaError_t cudaMemcpyFromArrayAsync(void* dst, const struct cudaArray* src, size_t wOffset, size_t hOffset,
                                     size_t count, enum cudaMemcpyKind kind, cudaStream_t stream) {
  const struct pieces pieces = {.from = src, .memory = dst, .kind = kind, .stream = stream};
  return vgpu_runtime_result(copy_bytes(&pieces, wOffset, hOffset, count));
}

cudaError_t cudaMemcpyFromArray(void* dst, const struct cudaArray* src, size_t wOffset, size_t hOffset,
                                size_t count, enum cudaMemcpyKind kind) {
  return cudaMemcpyFromArrayAsync(dst, src, wOffset, hOffset, count, kind, NULL);
}
