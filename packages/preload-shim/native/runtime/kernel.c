// Kernels: launching, attributes, occupancy.
#include <stdbool.h>

#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/modules.h"
#include "runtime/primary_context.h"

// The driver API has one code for a bad grid or block and for bad arguments; the runtime API tells them
// apart.
static bool dimensions_fit(dim3 grid, dim3 block) {
  const struct {
    CUdevice_attribute limit;
    unsigned int value;
  } dimensions[] = {
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, grid.x},   {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, grid.y},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, grid.z},   {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, block.x},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, block.y}, {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, block.z},
  };
  CUdevice device;
  int limit = 0;
  if (cuCtxGetDevice(&device) != CUDA_SUCCESS) return true;
  for (size_t i = 0; i < sizeof(dimensions) / sizeof(dimensions[0]); ++i) {
    if (dimensions[i].value == 0) return false;
    if (cuDeviceGetAttribute(&limit, dimensions[i].limit, device) != CUDA_SUCCESS) return true;
    if (dimensions[i].value > (unsigned int)limit) return false;
  }
  if (cuDeviceGetAttribute(&limit, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, device) != CUDA_SUCCESS)
    return true;
  return (uint64_t)block.x * block.y * block.z <= (uint64_t)limit;
}

static cudaError_t launch_result(CUresult result, dim3 grid, dim3 block) {
  if (result == CUDA_ERROR_INVALID_VALUE && !dimensions_fit(grid, block))
    return cudaErrorInvalidConfiguration;
  return vgpu_runtime_code(result);
}

static cudaError_t launch(const void* entry, dim3 grid, dim3 block, void** arguments, size_t shared_bytes,
                          cudaStream_t stream) {
  CUfunction function = NULL;
  const cudaError_t error = vgpu_modules_function(entry, &function);
  if (error != cudaSuccess) return error;
  if (shared_bytes > UINT32_MAX) return cudaErrorInvalidValue;
  const CUresult result = cuLaunchKernel(function, grid.x, grid.y, grid.z, block.x, block.y, block.z,
                                         (unsigned int)shared_bytes, stream, arguments, NULL);
  return launch_result(result, grid, block);
}

cudaError_t cudaLaunchKernel(const void* func, dim3 gridDim, dim3 blockDim, void** args, size_t sharedMem,
                             cudaStream_t stream) {
  return vgpu_runtime_result(launch(func, gridDim, blockDim, args, sharedMem, stream));
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 gridDim, dim3 blockDim, void** args,
                               size_t sharedMem, cudaStream_t stream) {
  return vgpu_runtime_result(launch(kernel, gridDim, blockDim, args, sharedMem, stream));
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* func, void** args) {
  CUfunction function = NULL;
  if (config == NULL || config->dynamicSmemBytes > UINT32_MAX)
    return vgpu_runtime_result(cudaErrorInvalidValue);
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  // The attributes have the same numbers and layout in both APIs.
  const CUlaunchConfig driver_config = {
      .gridDimX = config->gridDim.x,
      .gridDimY = config->gridDim.y,
      .gridDimZ = config->gridDim.z,
      .blockDimX = config->blockDim.x,
      .blockDimY = config->blockDim.y,
      .blockDimZ = config->blockDim.z,
      .sharedMemBytes = (unsigned int)config->dynamicSmemBytes,
      .hStream = config->stream,
      .attrs = config->attrs,
      .numAttrs = config->numAttrs,
  };
  const CUresult result = cuLaunchKernelEx(&driver_config, function, args, NULL);
  return vgpu_runtime_result(launch_result(result, config->gridDim, config->blockDim));
}

cudaError_t cudaLaunchKernelExC_ptsz(const cudaLaunchConfig_t* config, const void* func, void** args) {
  if (config == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  cudaLaunchConfig_t own = *config;
  // cudaStreamPerThread
  if (own.stream == NULL) own.stream = (cudaStream_t)2;
  return cudaLaunchKernelExC(&own, func, args);
}

cudaError_t cudaLaunchCooperativeKernel(const void* func, dim3 gridDim, dim3 blockDim, void** args,
                                        size_t sharedMem, cudaStream_t stream) {
  CUfunction function = NULL;
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  if (sharedMem > UINT32_MAX) return vgpu_runtime_result(cudaErrorInvalidValue);
  const CUresult result =
      cuLaunchCooperativeKernel(function, gridDim.x, gridDim.y, gridDim.z, blockDim.x, blockDim.y, blockDim.z,
                                (unsigned int)sharedMem, stream, args);
  return vgpu_runtime_result(launch_result(result, gridDim, blockDim));
}

// The generated code asks once per launch site and keeps what it gets, also after a failure: hence no device
// is needed for this, and what is wrong comes with the launch.
static cudaError_t find_kernel(cudaKernel_t* kernel, const void* entry) {
  if (kernel == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  *kernel = (cudaKernel_t)vgpu_modules_kernel(entry);
  return vgpu_runtime_result(*kernel == NULL ? cudaErrorInvalidDeviceFunction : cudaSuccess);
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* entry) {
  return find_kernel(kernel, entry);
}

cudaError_t cudaGetKernel(cudaKernel_t* kernelPtr, const void* entryFuncAddr) {
  return find_kernel(kernelPtr, entryFuncAddr);
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t* functionPtr, const void* symbolPtr) {
  if (functionPtr == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  return vgpu_runtime_result(vgpu_modules_function(symbolPtr, functionPtr));
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes* attr, const void* func) {
  CUfunction function = NULL;
  if (attr == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  struct cudaFuncAttributes found = {.sharedSizeBytes = 0};
  int shared = 0;
  int constant = 0;
  int local = 0;
  const struct {
    CUfunction_attribute attribute;
    int* value;
  } fields[] = {
      {CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, &shared},
      {CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES, &constant},
      {CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, &local},
      {CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &found.maxThreadsPerBlock},
      {CU_FUNC_ATTRIBUTE_NUM_REGS, &found.numRegs},
      {CU_FUNC_ATTRIBUTE_PTX_VERSION, &found.ptxVersion},
      {CU_FUNC_ATTRIBUTE_BINARY_VERSION, &found.binaryVersion},
      {CU_FUNC_ATTRIBUTE_CACHE_MODE_CA, &found.cacheModeCA},
      {CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, &found.maxDynamicSharedSizeBytes},
      {CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, &found.preferredShmemCarveout},
      {CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET, &found.clusterDimMustBeSet},
      {CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, &found.requiredClusterWidth},
      {CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT, &found.requiredClusterHeight},
      {CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH, &found.requiredClusterDepth},
      {CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE, &found.clusterSchedulingPolicyPreference},
      {CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, &found.nonPortableClusterSizeAllowed},
  };
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i) {
    const CUresult result = cuFuncGetAttribute(fields[i].value, fields[i].attribute, function);
    if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  }
  found.sharedSizeBytes = (size_t)shared;
  found.constSizeBytes = (size_t)constant;
  found.localSizeBytes = (size_t)local;
  *attr = found;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* func, enum cudaFuncAttribute attr, int value) {
  CUfunction function = NULL;
  if (attr < cudaFuncAttributeMaxDynamicSharedMemorySize || attr >= cudaFuncAttributeMax) {
    return vgpu_runtime_result(cudaErrorInvalidValue);
  }
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  return vgpu_runtime_from_driver(cuFuncSetAttribute(function, (CUfunction_attribute)attr, value));
}

cudaError_t cudaFuncGetName(const char** name, const void* func) {
  CUfunction function = NULL;
  if (name == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  return vgpu_runtime_from_driver(cuFuncGetName(name, function));
}

cudaError_t cudaFuncGetParamInfo(const void* func, size_t paramIndex, size_t* paramOffset,
                                 size_t* paramSize) {
  CUfunction function = NULL;
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  return vgpu_runtime_from_driver(cuFuncGetParamInfo(function, paramIndex, paramOffset, paramSize));
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t* dynamicSmemSize, const void* func,
                                                      int numBlocks, int blockSize) {
  CUfunction function = NULL;
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  return vgpu_runtime_from_driver(
      cuOccupancyAvailableDynamicSMemPerBlock(dynamicSmemSize, function, numBlocks, blockSize));
}

cudaError_t cudaFuncSetCacheConfig(const void* func, enum cudaFuncCache cacheConfig) {
  CUfunction function = NULL;
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  return vgpu_runtime_from_driver(cuFuncSetCacheConfig(function, (CUfunc_cache)cacheConfig));
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* numBlocks, const void* func,
                                                                   int blockSize, size_t dynamicSMemSize,
                                                                   unsigned int flags) {
  CUfunction function = NULL;
  const cudaError_t error = vgpu_modules_function(func, &function);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  return vgpu_runtime_from_driver(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
      numBlocks, function, blockSize, dynamicSMemSize, flags));
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* numBlocks, const void* func, int blockSize,
                                                          size_t dynamicSMemSize) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(numBlocks, func, blockSize, dynamicSMemSize,
                                                                0);
}
