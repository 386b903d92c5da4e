// The driver API's functions, found through the runtime API.
#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

enum { RUNTIME_VERSION = 13000 };

static cudaError_t find(const char* symbol, void** function, unsigned int version, unsigned long long flags,
                        enum cudaDriverEntryPointQueryResult* status) {
  CUdriverProcAddressQueryResult found = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  if (symbol == NULL || function == NULL || version > INT32_MAX)
    return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuGetProcAddress_v2(symbol, function, (int)version, flags, &found);
  if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  if (status != NULL) {
    *status = (enum cudaDriverEntryPointQueryResult)found;
    return cudaSuccess;
  }
  // A caller who does not ask for the status would call a null pointer.
  return vgpu_runtime_result(found == CU_GET_PROC_ADDRESS_SUCCESS ? cudaSuccess : cudaErrorSymbolNotFound);
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** funcPtr, unsigned int cudaVersion,
                                             unsigned long long flags,
                                             enum cudaDriverEntryPointQueryResult* driverStatus) {
  return find(symbol, funcPtr, cudaVersion, flags, driverStatus);
}

cudaError_t cudaGetDriverEntryPointByVersion_ptsz(const char* symbol, void** funcPtr,
                                                  unsigned int cudaVersion, unsigned long long flags,
                                                  enum cudaDriverEntryPointQueryResult* driverStatus) {
  // The caller's own choice comes first.
  if (flags == CU_GET_PROC_ADDRESS_DEFAULT) flags = CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
  return find(symbol, funcPtr, cudaVersion, flags, driverStatus);
}

cudaError_t cudaGetDriverEntryPoint_ptsz(const char* symbol, void** funcPtr, unsigned long long flags,
                                         enum cudaDriverEntryPointQueryResult* driverStatus) {
  return cudaGetDriverEntryPointByVersion_ptsz(symbol, funcPtr, RUNTIME_VERSION, flags, driverStatus);
}

cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** funcPtr, unsigned long long flags,
                                    enum cudaDriverEntryPointQueryResult* driverStatus) {
  return find(symbol, funcPtr, RUNTIME_VERSION, flags, driverStatus);
}
