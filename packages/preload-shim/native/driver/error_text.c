#include "driver/error_text.h"

const struct vgpu_error_text* vgpu_error_text_of(int code) {
  size_t low = 0;
  size_t high = vgpu_error_text_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (vgpu_error_texts[middle].code < code) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < vgpu_error_text_count && vgpu_error_texts[low].code == code ? &vgpu_error_texts[low] : NULL;
}

// NULL also for codes that only the runtime API has.
static const struct vgpu_error_text* driver_text(CUresult error) {
  const struct vgpu_error_text* text = vgpu_error_text_of((int)error);
  return text != NULL && text->driver_name != NULL ? text : NULL;
}

CUresult cuGetErrorString(CUresult error, const char** pStr) {
  if (pStr == NULL) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_error_text* text = driver_text(error);
  *pStr = text == NULL ? NULL : text->message;
  return text == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char** pStr) {
  if (pStr == NULL) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_error_text* text = driver_text(error);
  *pStr = text == NULL ? NULL : text->driver_name;
  return text == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
