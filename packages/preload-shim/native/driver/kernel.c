// Kernels of libraries: questions about them are questions about their functions.
#include "driver/context_stack.h"
#include "guest_api.h"

// The attributes are the same on every device; a device that does not exist is still a mistake.
static CUresult function_on(CUkernel kernel, CUdevice device, CUfunction* function) {
  int unused;
  const CUresult result = cuDeviceGetAttribute(&unused, CU_DEVICE_ATTRIBUTE_WARP_SIZE, device);
  return result == CUDA_SUCCESS ? cuKernelGetFunction(function, kernel) : result;
}

CUresult cuKernelGetAttribute(int* pi, CUfunction_attribute attrib, CUkernel kernel, CUdevice dev) {
  CUfunction function;
  if (pi == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = function_on(kernel, dev, &function);
  return result == CUDA_SUCCESS ? cuFuncGetAttribute(pi, attrib, function) : result;
}

CUresult cuKernelSetAttribute(CUfunction_attribute attrib, int val, CUkernel kernel, CUdevice dev) {
  CUfunction function;
  const CUresult result = function_on(kernel, dev, &function);
  return result == CUDA_SUCCESS ? cuFuncSetAttribute(function, attrib, val) : result;
}

CUresult cuKernelSetCacheConfig(CUkernel kernel, CUfunc_cache config, CUdevice dev) {
  CUfunction function;
  const CUresult result = function_on(kernel, dev, &function);
  return result == CUDA_SUCCESS ? cuFuncSetCacheConfig(function, config) : result;
}

CUresult cuKernelGetParamInfo(CUkernel kernel, size_t paramIndex, size_t* paramOffset, size_t* paramSize) {
  CUfunction function;
  const CUresult result = cuKernelGetFunction(&function, kernel);
  return result == CUDA_SUCCESS ? cuFuncGetParamInfo(function, paramIndex, paramOffset, paramSize) : result;
}

// A profiler that could be told does not exist here, and then the documentation has these do nothing.
CUresult cuProfilerStart(void) {
  CUdevice device;
  return cuCtxGetDevice(&device);
}

CUresult cuProfilerStop(void) {
  CUdevice device;
  return cuCtxGetDevice(&device);
}

// The executor decodes a kernel when it is first asked about.
CUresult cuFuncLoad(CUfunction function) {
  int threads = 0;
  return cuFuncGetAttribute(&threads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function);
}

// A function that is not loaded yet becomes so when it is asked about, as at its first launch.
CUresult cuFuncIsLoaded(CUfunctionLoadingState* state, CUfunction function) {
  if (state == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = cuFuncLoad(function);
  if (result == CUDA_SUCCESS) *state = CU_FUNCTION_LOADING_STATE_LOADED;
  return result;
}
