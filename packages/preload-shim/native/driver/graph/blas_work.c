#include "driver/graph/blas_work.h"

#include "driver/context_stack.h"
#include "guest_api.h"

static CUresult run(enum vgpu_blas_kind kind, const struct vgpu_blas_work* work, CUstream stream) {
  switch (kind) {
    case VGPU_BLAS_PRODUCT:
      return vgpuBlasMultiply(&work->product, sizeof(work->product), stream);
    case VGPU_BLAS_SOLVE:
      return vgpuBlasSolve(&work->solve, sizeof(work->solve), stream);
    case VGPU_BLAS_VECTOR:
      return vgpuBlasVector(&work->vector, sizeof(work->vector), stream);
    case VGPU_BLAS_NONE:
      break;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult vgpu_blas_run(enum vgpu_blas_kind kind, const struct vgpu_blas_work* work, CUstream stream) {
  if (vgpu_context_current() == work->context) return run(kind, work, stream);
  CUcontext popped;
  CUresult result = vgpu_context_push(work->context, work->device);
  if (result != CUDA_SUCCESS) return result;
  result = run(kind, work, stream);
  vgpu_context_pop(&popped);
  return result;
}
