// Device variables, named by their host shadows.
#include "guest_api.h"
#include "runtime/copy.h"
#include "runtime/last_error.h"
#include "runtime/modules.h"

cudaError_t cudaGetSymbolAddress(void** devPtr, const void* symbol) {
  CUdeviceptr address = 0;
  size_t bytes = 0;
  if (devPtr == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const cudaError_t error = vgpu_modules_variable(symbol, &address, &bytes);
  if (error == cudaSuccess) *devPtr = (void*)(uintptr_t)address;
  return vgpu_runtime_result(error);
}

cudaError_t cudaGetSymbolSize(size_t* size, const void* symbol) {
  CUdeviceptr address = 0;
  if (size == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  return vgpu_runtime_result(vgpu_modules_variable(symbol, &address, size));
}

// The part of the variable that a copy touches.
static cudaError_t locate(const void* symbol, size_t offset, size_t count, void** part) {
  CUdeviceptr address = 0;
  size_t bytes = 0;
  const cudaError_t error = vgpu_modules_variable(symbol, &address, &bytes);
  if (error != cudaSuccess) return error;
  if (offset > bytes || count > bytes - offset) return cudaErrorInvalidValue;
  *part = (void*)(uintptr_t)(address + offset);
  return cudaSuccess;
}

static cudaError_t copy_to(const void* symbol, const void* source, size_t count, size_t offset,
                           enum cudaMemcpyKind kind, const cudaStream_t* stream) {
  void* part = NULL;
  if (kind != cudaMemcpyHostToDevice && kind != cudaMemcpyDeviceToDevice && kind != cudaMemcpyDefault) {
    return vgpu_runtime_result(cudaErrorInvalidMemcpyDirection);
  }
  cudaError_t error = locate(symbol, offset, count, &part);
  if (error == cudaSuccess) error = vgpu_runtime_copy(part, source, count, kind, stream);
  return vgpu_runtime_result(error);
}

static cudaError_t copy_from(void* destination, const void* symbol, size_t count, size_t offset,
                             enum cudaMemcpyKind kind, const cudaStream_t* stream) {
  void* part = NULL;
  if (kind != cudaMemcpyDeviceToHost && kind != cudaMemcpyDeviceToDevice && kind != cudaMemcpyDefault) {
    return vgpu_runtime_result(cudaErrorInvalidMemcpyDirection);
  }
  cudaError_t error = locate(symbol, offset, count, &part);
  if (error == cudaSuccess) error = vgpu_runtime_copy(destination, part, count, kind, stream);
  return vgpu_runtime_result(error);
}

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* src, size_t count, size_t offset,
                               enum cudaMemcpyKind kind) {
  return copy_to(symbol, src, count, offset, kind, NULL);
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* src, size_t count, size_t offset,
                                    enum cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_to(symbol, src, count, offset, kind, &stream);
}

cudaError_t cudaMemcpyFromSymbol(void* dst, const void* symbol, size_t count, size_t offset,
                                 enum cudaMemcpyKind kind) {
  return copy_from(dst, symbol, count, offset, kind, NULL);
}

cudaError_t cudaMemcpyFromSymbolAsync(void* dst, const void* symbol, size_t count, size_t offset,
                                      enum cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_from(dst, symbol, count, offset, kind, &stream);
}
