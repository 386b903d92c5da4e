#include "cublas/handle.h"

#include <stdlib.h>
#include <string.h>

#include "driver/graph/work.h"
#include "guest_api.h"
#include "pointer_map.h"
#include "runtime/primary_context.h"
#include "transport/lock.h"

static struct vgpu_lock lock;
static struct vgpu_pointer_map handles;  // to themselves

cublasStatus_t vgpu_cublas_status(CUresult result) {
  switch (result) {
    case CUDA_SUCCESS:
      return CUBLAS_STATUS_SUCCESS;
    case CUDA_ERROR_OUT_OF_MEMORY:
      return CUBLAS_STATUS_ALLOC_FAILED;
    case CUDA_ERROR_NOT_INITIALIZED:
    case CUDA_ERROR_NO_DEVICE:
    case CUDA_ERROR_INVALID_CONTEXT:
      return CUBLAS_STATUS_NOT_INITIALIZED;
    case CUDA_ERROR_NOT_SUPPORTED:
      return CUBLAS_STATUS_NOT_SUPPORTED;
    default:
      return CUBLAS_STATUS_EXECUTION_FAILED;
  }
}

cublasStatus_t vgpu_cublas_check(cublasHandle_t handle) {
  if (handle == NULL) return CUBLAS_STATUS_NOT_INITIALIZED;
  vgpu_lock(&lock);
  const bool known = vgpu_pointer_map_find(&handles, handle) != NULL;
  vgpu_unlock(&lock);
  return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

void vgpu_cublas_forget(void) {
  handles = (struct vgpu_pointer_map){0};  // the parent's; a few bytes are lost
  vgpu_lock_forget(&lock);
}

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  if (handle == NULL) return CUBLAS_STATUS_INVALID_VALUE;
  *handle = NULL;
  CUcontext context = NULL;
  CUdevice device = 0;
  // The original is built on the runtime API, and makes the primary context where there is none.
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuCtxGetCurrent(&context);
  if (result == CUDA_SUCCESS) result = cuCtxGetDevice(&device);
  if (result == CUDA_SUCCESS) result = vgpuBlasOpen();
  if (result != CUDA_SUCCESS) {
    const cublasStatus_t status = vgpu_cublas_status(result);
    return status == CUBLAS_STATUS_ALLOC_FAILED ? status : CUBLAS_STATUS_NOT_INITIALIZED;
  }
  cublasHandle_t made = calloc(1, sizeof(*made));
  if (made == NULL) return CUBLAS_STATUS_ALLOC_FAILED;
  made->context = context;
  made->device = device;
  vgpu_lock(&lock);
  const bool noted = vgpu_pointer_map_insert(&handles, made, made);
  vgpu_unlock(&lock);
  if (!noted) {
    free(made);
    return CUBLAS_STATUS_ALLOC_FAILED;
  }
  *handle = made;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  if (vgpu_cublas_check(handle) != CUBLAS_STATUS_SUCCESS) return CUBLAS_STATUS_NOT_INITIALIZED;
  vgpu_lock(&lock);
  vgpu_pointer_map_remove(&handles, handle);
  vgpu_unlock(&lock);
  free(handle);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t vgpu_cublas_submit(cublasHandle_t handle, enum vgpu_blas_kind kind,
                                  struct vgpu_blas_work* blas) {
  blas->context = handle->context;
  blas->device = handle->device;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_KERNEL, .blas_kind = kind, .blas = *blas};
  return vgpu_cublas_status(vgpu_submit(&work, handle->stream));
}

uint64_t vgpu_cublas_scalar(cublasHandle_t handle, const void* scalar, size_t bytes, uint32_t on_device,
                            uint32_t* flags) {
  uint64_t bits = 0;
  if (handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE) {
    *flags |= on_device;
    return (uint64_t)(uintptr_t)scalar;
  }
  memcpy(&bits, scalar, bytes);
  return bits;
}

// A function that keeps a setting, one that tells it; `valid` looks at `value`.
#define SETTING(set, get, type, field, valid)                \
  cublasStatus_t set(cublasHandle_t handle, type value) {    \
    const cublasStatus_t status = vgpu_cublas_check(handle); \
    if (status != CUBLAS_STATUS_SUCCESS) return status;      \
    if (!(valid)) return CUBLAS_STATUS_INVALID_VALUE;        \
    handle->field = value;                                   \
    return CUBLAS_STATUS_SUCCESS;                            \
  }                                                          \
  cublasStatus_t get(cublasHandle_t handle, type* value) {   \
    const cublasStatus_t status = vgpu_cublas_check(handle); \
    if (status != CUBLAS_STATUS_SUCCESS) return status;      \
    if (value == NULL) return CUBLAS_STATUS_INVALID_VALUE;   \
    *value = handle->field;                                  \
    return CUBLAS_STATUS_SUCCESS;                            \
  }

static bool is_math_mode(cublasMath_t mode) {
  const unsigned base = (unsigned)mode & ~(unsigned)CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
  return base <= CUBLAS_FP32_EMULATED_BF16X9_MATH || base == CUBLAS_FP64_EMULATED_FIXEDPOINT_MATH;
}

SETTING(cublasSetStream_v2, cublasGetStream_v2, cudaStream_t, stream, true)
SETTING(cublasSetPointerMode_v2, cublasGetPointerMode_v2, cublasPointerMode_t, pointer_mode,
        (unsigned)value <= CUBLAS_POINTER_MODE_DEVICE)
SETTING(cublasSetMathMode, cublasGetMathMode, cublasMath_t, math_mode, is_math_mode(value))
SETTING(cublasSetAtomicsMode, cublasGetAtomicsMode, cublasAtomicsMode_t, atomics_mode,
        (unsigned)value <= CUBLAS_ATOMICS_ALLOWED)
SETTING(cublasSetSmCountTarget, cublasGetSmCountTarget, int, multiprocessor_target, value >= 0)

// The executor has memory of its own to work in, so the program's is never used.
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t workspaceSizeInBytes) {
  enum { ALIGNMENT = 256 };
  const cublasStatus_t status = vgpu_cublas_check(handle);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  const bool lacking = workspace == NULL && workspaceSizeInBytes != 0;
  return lacking || (uintptr_t)workspace % ALIGNMENT != 0 ? CUBLAS_STATUS_INVALID_VALUE
                                                          : CUBLAS_STATUS_SUCCESS;
}
