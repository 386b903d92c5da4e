#include "cublas/version.h"

#include "cublas/handle.h"
#include "guest_api.h"

struct version {
  int major, minor, patch;
  size_t runtime;
};

static const struct version own = {.major = 13, .runtime = 13000};
static const struct version of_cuda12 = {.major = 12, .minor = 9, .runtime = 12090};

static cublasStatus_t get_version(cublasHandle_t handle, int* result, const struct version* version) {
  enum { MAJOR = 10000, MINOR = 100 };
  const cublasStatus_t status = vgpu_cublas_check(handle);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (result == NULL) return CUBLAS_STATUS_INVALID_VALUE;
  *result = version->major * MAJOR + version->minor * MINOR + version->patch;
  return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t get_property(libraryPropertyType type, int* value, const struct version* version) {
  if (value == NULL) return CUBLAS_STATUS_INVALID_VALUE;
  switch (type) {
    case MAJOR_VERSION:
      *value = version->major;
      return CUBLAS_STATUS_SUCCESS;
    case MINOR_VERSION:
      *value = version->minor;
      return CUBLAS_STATUS_SUCCESS;
    case PATCH_LEVEL:
      *value = version->patch;
      return CUBLAS_STATUS_SUCCESS;
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int* version) {
  return get_version(handle, version, &own);
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int* value) {
  return get_property(type, value, &own);
}

size_t cublasGetCudartVersion(void) {
  return own.runtime;
}

cublasStatus_t vgpu_cuda12_cublas_get_version(cublasHandle_t handle, int* version) {
  return get_version(handle, version, &of_cuda12);
}

cublasStatus_t vgpu_cuda12_cublas_get_property(libraryPropertyType type, int* value) {
  return get_property(type, value, &of_cuda12);
}

size_t vgpu_cuda12_cublas_get_cudart_version(void) {
  return of_cuda12.runtime;
}

const char* cublasGetStatusName(cublasStatus_t status) {
  const char* name = vgpu_cublas_name((int)status);
  return name != NULL ? name : "unknown status";
}

const char* cublasGetStatusString(cublasStatus_t status) {
  const char* text = vgpu_cublas_text((int)status);
  return text != NULL ? text : "unknown status";
}
