// Questions about devices, and limits.
#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

cudaError_t cudaDeviceGetAttribute(int* value, enum cudaDeviceAttr attr, int device) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGetAttribute(value, (CUdevice_attribute)attr, device);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceGetPCIBusId(char* pciBusId, int len, int device) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGetPCIBusId(pciBusId, len, device);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceGetByPCIBusId(int* device, const char* pciBusId) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGetByPCIBusId(device, pciBusId);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceCanAccessPeer(int* canAccessPeer, int device, int peerDevice) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceCanAccessPeer(canAccessPeer, device, peerDevice);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceSetLimit(enum cudaLimit limit, size_t value) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuCtxSetLimit((CUlimit)limit, value);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceGetLimit(size_t* pValue, enum cudaLimit limit) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuCtxGetLimit(pValue, (CUlimit)limit);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceGetCacheConfig(enum cudaFuncCache* pCacheConfig) {
  CUfunc_cache config = CU_FUNC_CACHE_PREFER_NONE;
  if (pCacheConfig == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuCtxGetCacheConfig(&config);
  if (result == CUDA_SUCCESS) *pCacheConfig = (enum cudaFuncCache)config;
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceSetCacheConfig(enum cudaFuncCache cacheConfig) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuCtxSetCacheConfig((CUfunc_cache)cacheConfig);
  return vgpu_runtime_from_driver(result);
}

struct cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, enum cudaChannelFormatKind f) {
  return (struct cudaChannelFormatDesc){.x = x, .y = y, .z = z, .w = w, .f = f};
}
