// cuInit and the versions.
#include "guest_api.h"
#include "transport/session.h"

CUresult cuInit(unsigned int Flags) {
  return Flags == 0 ? vgpu_session_initialise() : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDriverGetVersion(int* driverVersion) {
  if (driverVersion == NULL) return CUDA_ERROR_INVALID_VALUE;
  // Allowed before cuInit: programs ask for the version to decide whether to initialise at all.
  CUresult result = vgpu_session_check();
  if (result == CUDA_ERROR_NOT_INITIALIZED) result = vgpu_session_initialise();
  if (result != CUDA_SUCCESS) return result;
  *driverVersion = vgpu_session_snapshot()->welcome.driver_version;
  return CUDA_SUCCESS;
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode* mode) {
  if (mode == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS) *mode = CU_MODULE_LAZY_LOADING;
  return result;
}
