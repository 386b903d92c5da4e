// Stream-ordered allocation and its pools: the driver API's under other names.
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

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* memPool, int device) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGetDefaultMemPool(memPool, device);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* memPool, int device) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGetMemPool(memPool, device);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t memPool) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceSetMemPool(device, memPool);
  return vgpu_runtime_from_driver(result);
}

// The two APIs' structures and enumerations are the same by other names; protocol's table says so, and its
// test compares both with the headers.
_Static_assert(sizeof(struct cudaMemPoolProps) == sizeof(CUmemPoolProps), "one layout");
_Static_assert(sizeof(struct cudaMemAccessDesc) == sizeof(CUmemAccessDesc), "one layout");
_Static_assert(sizeof(struct cudaMemLocation) == sizeof(CUmemLocation), "one layout");

cudaError_t cudaMemPoolCreate(cudaMemPool_t* memPool, const struct cudaMemPoolProps* poolProps) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuMemPoolCreate(memPool, (const CUmemPoolProps*)poolProps);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t memPool) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuMemPoolDestroy(memPool);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t memPool, size_t minBytesToKeep) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuMemPoolTrimTo(memPool, minBytesToKeep);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t memPool, enum cudaMemPoolAttr attr, void* value) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuMemPoolSetAttribute(memPool, (CUmemPool_attribute)attr, value);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t memPool, enum cudaMemPoolAttr attr, void* value) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuMemPoolGetAttribute(memPool, (CUmemPool_attribute)attr, value);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemPoolSetAccess(cudaMemPool_t memPool, const struct cudaMemAccessDesc* descList,
                                 size_t count) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuMemPoolSetAccess(memPool, (const CUmemAccessDesc*)descList, count);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemPoolGetAccess(enum cudaMemAccessFlags* flags, cudaMemPool_t memPool,
                                 struct cudaMemLocation* location) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS)
    result = cuMemPoolGetAccess((CUmemAccess_flags*)flags, memPool, (CUmemLocation*)location);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemGetDefaultMemPool(cudaMemPool_t* memPool, struct cudaMemLocation* location,
                                     enum cudaMemAllocationType type) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS)
    result = cuMemGetDefaultMemPool(memPool, (CUmemLocation*)location, (CUmemAllocationType)type);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemGetMemPool(cudaMemPool_t* memPool, struct cudaMemLocation* location,
                              enum cudaMemAllocationType type) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS)
    result = cuMemGetMemPool(memPool, (CUmemLocation*)location, (CUmemAllocationType)type);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemSetMemPool(struct cudaMemLocation* location, enum cudaMemAllocationType type,
                              cudaMemPool_t memPool) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS)
    result = cuMemSetMemPool((CUmemLocation*)location, (CUmemAllocationType)type, memPool);
  return vgpu_runtime_from_driver(result);
}
