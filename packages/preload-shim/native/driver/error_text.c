// Results in words.
#include <stddef.h>

#include "guest_api.h"

// False also for codes that only the runtime API has.
static bool driver_text(CUresult error, struct vgpu_error_text* text) {
  return vgpu_error_text_of((int)error, text) && text->driver_name != NULL;
}

CUresult cuGetErrorString(CUresult error, const char** pStr) {
  struct vgpu_error_text text;
  if (pStr == NULL) return CUDA_ERROR_INVALID_VALUE;
  const bool known = driver_text(error, &text);
  *pStr = known ? text.message : NULL;
  return known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorName(CUresult error, const char** pStr) {
  struct vgpu_error_text text;
  if (pStr == NULL) return CUDA_ERROR_INVALID_VALUE;
  const bool known = driver_text(error, &text);
  *pStr = known ? text.driver_name : NULL;
  return known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
