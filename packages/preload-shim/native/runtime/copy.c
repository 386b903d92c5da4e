// cudaMemcpy and its relatives.
#include "runtime/copy.h"

#include <stdbool.h>

#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

static CUdeviceptr device_address(const void* pointer) {
  return (CUdeviceptr)(uintptr_t)pointer;
}

static CUresult copy_and_wait(void* destination, const void* source, size_t bytes, enum cudaMemcpyKind kind) {
  switch (kind) {
    case cudaMemcpyHostToDevice:
      return cuMemcpyHtoD_v2(device_address(destination), source, bytes);
    case cudaMemcpyDeviceToHost:
      return cuMemcpyDtoH_v2(destination, device_address(source), bytes);
    case cudaMemcpyDeviceToDevice:
      return cuMemcpyDtoD_v2(device_address(destination), device_address(source), bytes);
    default:
      return cuMemcpy(device_address(destination), device_address(source), bytes);
  }
}

static CUresult copy_in_stream(void* destination, const void* source, size_t bytes, enum cudaMemcpyKind kind,
                               cudaStream_t stream) {
  switch (kind) {
    case cudaMemcpyHostToDevice:
      return cuMemcpyHtoDAsync_v2(device_address(destination), source, bytes, stream);
    case cudaMemcpyDeviceToHost:
      return cuMemcpyDtoHAsync_v2(destination, device_address(source), bytes, stream);
    case cudaMemcpyDeviceToDevice:
      return cuMemcpyDtoDAsync_v2(device_address(destination), device_address(source), bytes, stream);
    default:
      return cuMemcpyAsync(device_address(destination), device_address(source), bytes, stream);
  }
}

cudaError_t vgpu_runtime_copy(void* destination, const void* source, size_t bytes, enum cudaMemcpyKind kind,
                              const cudaStream_t* stream) {
  if ((unsigned int)kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  const CUresult entered = vgpu_runtime_enter();
  if (entered != CUDA_SUCCESS || bytes == 0) return vgpu_runtime_code(entered);
  if (destination == NULL || source == NULL) return cudaErrorInvalidValue;
  return vgpu_runtime_code(stream == NULL ? copy_and_wait(destination, source, bytes, kind)
                                          : copy_in_stream(destination, source, bytes, kind, *stream));
}

cudaError_t cudaMemcpy(void* dst, const void* src, size_t count, enum cudaMemcpyKind kind) {
  return vgpu_runtime_result(vgpu_runtime_copy(dst, src, count, kind, NULL));
}

cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t count, enum cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return vgpu_runtime_result(vgpu_runtime_copy(dst, src, count, kind, &stream));
}

CUmemorytype vgpu_runtime_source_type(enum cudaMemcpyKind kind) {
  if (kind == cudaMemcpyDefault) return CU_MEMORYTYPE_UNIFIED;
  const bool host = kind == cudaMemcpyHostToHost || kind == cudaMemcpyHostToDevice;
  return host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
}

CUmemorytype vgpu_runtime_destination_type(enum cudaMemcpyKind kind) {
  if (kind == cudaMemcpyDefault) return CU_MEMORYTYPE_UNIFIED;
  const bool host = kind == cudaMemcpyHostToHost || kind == cudaMemcpyDeviceToHost;
  return host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
}

static cudaError_t copy_rows(void* destination, size_t destination_pitch, const void* source,
                             size_t source_pitch, size_t width, size_t height, enum cudaMemcpyKind kind,
                             const cudaStream_t* stream) {
  if ((unsigned int)kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  if (width > destination_pitch || width > source_pitch) return cudaErrorInvalidPitchValue;
  const CUresult entered = vgpu_runtime_enter();
  if (entered != CUDA_SUCCESS || width == 0 || height == 0) return vgpu_runtime_code(entered);
  const CUDA_MEMCPY2D copy = {
      .srcMemoryType = vgpu_runtime_source_type(kind),
      .srcHost = source,
      .srcDevice = device_address(source),
      .srcPitch = source_pitch,
      .dstMemoryType = vgpu_runtime_destination_type(kind),
      .dstHost = destination,
      .dstDevice = device_address(destination),
      .dstPitch = destination_pitch,
      .WidthInBytes = width,
      .Height = height,
  };
  return vgpu_runtime_code(stream == NULL ? cuMemcpy2DUnaligned_v2(&copy)
                                          : cuMemcpy2DAsync_v2(&copy, *stream));
}

cudaError_t cudaMemcpy2D(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width,
                         size_t height, enum cudaMemcpyKind kind) {
  return vgpu_runtime_result(copy_rows(dst, dpitch, src, spitch, width, height, kind, NULL));
}

cudaError_t cudaMemcpy2DAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width,
                              size_t height, enum cudaMemcpyKind kind, cudaStream_t stream) {
  return vgpu_runtime_result(copy_rows(dst, dpitch, src, spitch, width, height, kind, &stream));
}
