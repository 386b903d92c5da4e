#include "refuse.h"

#include <string.h>

#include "log.h"
#include "runtime/last_error.h"

int vgpu_refuse(const char* name) {
  vgpu_log("%s is not implemented", name);
  if (strncmp(name, "nvml", 4) == 0) return NVML_ERROR_NOT_SUPPORTED;
  if (strncmp(name, "cublas", 6) == 0) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (strncmp(name, "cuda", 4) == 0) return vgpu_runtime_result(cudaErrorNotSupported);
  return CUDA_ERROR_NOT_SUPPORTED;
}
