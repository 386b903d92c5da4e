// Stream-ordered allocation.
#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

static cudaError_t finish_allocation(CUresult result, CUdeviceptr address, void** pointer) {
  if (result == CUDA_SUCCESS) *pointer = (void*)(uintptr_t)address;
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMallocAsync(void** devPtr, size_t size, cudaStream_t hStream) {
  CUdeviceptr address = 0;
  if (devPtr == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS && size != 0) result = cuMemAllocAsync(&address, size, hStream);
  return finish_allocation(result, address, devPtr);
}

cudaError_t cudaMallocFromPoolAsync(void** ptr, size_t size, cudaMemPool_t memPool, cudaStream_t stream) {
  CUdeviceptr address = 0;
  if (ptr == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS && size != 0) result = cuMemAllocFromPoolAsync(&address, size, memPool, stream);
  return finish_allocation(result, address, ptr);
}

cudaError_t cudaFreeAsync(void* devPtr, cudaStream_t hStream) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS && devPtr != NULL)
    result = cuMemFreeAsync((CUdeviceptr)(uintptr_t)devPtr, hStream);
  return vgpu_runtime_from_driver(result);
}
