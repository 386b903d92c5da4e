// Libraries, on those of the driver API.
#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/modules.h"
#include "runtime/primary_context.h"

cudaError_t cudaLibraryGetKernel(cudaKernel_t* pKernel, cudaLibrary_t library, const char* name) {
  CUkernel kernel = NULL;
  if (pKernel == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuLibraryGetKernel(&kernel, library, name);
  if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  // From here on it can be launched like a function of the program.
  if (!vgpu_modules_add_library_kernel(kernel)) return vgpu_runtime_result(cudaErrorMemoryAllocation);
  *pKernel = kernel;
  return cudaSuccess;
}

cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t* kernels, unsigned int numKernels, cudaLibrary_t lib) {
  unsigned int count = 0;
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuLibraryEnumerateKernels(kernels, numKernels, lib);
  if (result == CUDA_SUCCESS) result = cuLibraryGetKernelCount(&count, lib);
  for (unsigned int i = 0; i < count && i < numKernels && result == CUDA_SUCCESS; ++i) {
    if (!vgpu_modules_add_library_kernel(kernels[i])) result = CUDA_ERROR_OUT_OF_MEMORY;
  }
  return vgpu_runtime_from_driver(result);
}

typedef CUresult get_variable(CUdeviceptr* address, size_t* bytes, CUlibrary library, const char* name);

static cudaError_t find(get_variable* get, void** pointer, size_t* bytes, CUlibrary library,
                        const char* name) {
  CUdeviceptr address = 0;
  if (pointer == NULL && bytes == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = get(&address, bytes, library, name);
  if (result == CUDA_SUCCESS && pointer != NULL) *pointer = (void*)(uintptr_t)address;
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaLibraryGetGlobal(void** dptr, size_t* bytes, cudaLibrary_t library, const char* name) {
  return find(cuLibraryGetGlobal, dptr, bytes, library, name);
}

cudaError_t cudaLibraryGetManaged(void** dptr, size_t* bytes, cudaLibrary_t library, const char* name) {
  return find(cuLibraryGetManaged, dptr, bytes, library, name);
}

cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel, enum cudaFuncAttribute attr, int value,
                                            int device) {
  if (attr < cudaFuncAttributeMaxDynamicSharedMemorySize || attr >= cudaFuncAttributeMax) {
    return vgpu_runtime_result(cudaErrorInvalidValue);
  }
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS)
    result = cuKernelSetAttribute((CUfunction_attribute)attr, value, kernel, device);
  return vgpu_runtime_from_driver(result);
}
