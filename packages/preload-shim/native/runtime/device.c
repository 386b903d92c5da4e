// Preferences of devices.
#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

cudaError_t cudaDeviceGetCacheConfig(enum cudaFuncCache* pCacheConfig) {
  CUfunc_cache config = CU_FUNC_CACHE_PREFER_NONE;
  if (pCacheConfig == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuCtxGetCacheConfig(&config);
  if (result == CUDA_SUCCESS) *pCacheConfig = (enum cudaFuncCache)config;
  return vgpu_runtime_from_driver(result);
}

struct cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, enum cudaChannelFormatKind f) {
  return (struct cudaChannelFormatDesc){.x = x, .y = y, .z = z, .w = w, .f = f};
}
