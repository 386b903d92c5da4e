// BLAS level 1. Lengths and increments that leave nothing to do are no errors, as in BLAS.
#include <stdbool.h>
#include <string.h>

#include "cublas/handle.h"
#include "driver/context_stack.h"
#include "guest_api.h"

struct vector {
  const void* first;
  int increment;
};

struct operation {
  uint32_t kind;
  bool is_double;
  int count;
};

static struct vgpu_blas_vector describe(struct operation operation, struct vector x, struct vector y) {
  return (struct vgpu_blas_vector){
      .x = (uint64_t)(uintptr_t)x.first,
      .y = (uint64_t)(uintptr_t)y.first,
      .increment_x = x.increment,
      .increment_y = y.increment,
      .operation = operation.kind,
      .count = operation.count < 0 ? 0 : (uint32_t)operation.count,
      .type = operation.is_double ? CUDA_R_64F : CUDA_R_32F,
  };
}

static size_t element_bytes(struct operation operation) {
  return operation.is_double ? sizeof(double) : sizeof(float);
}

// Operations that change vectors. `alpha` is NULL where there is none.
static cublasStatus_t change(cublasHandle_t handle, struct operation operation, bool scaled,
                             const void* alpha, struct vector x, struct vector y) {
  const cublasStatus_t status = vgpu_cublas_check(handle);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (scaled && alpha == NULL) return CUBLAS_STATUS_INVALID_VALUE;
  if (operation.count <= 0) return CUBLAS_STATUS_SUCCESS;
  struct vgpu_blas_work work = {.vector = describe(operation, x, y)};
  if (scaled) {
    work.vector.alpha = vgpu_cublas_scalar(handle, alpha, element_bytes(operation), VGPU_BLAS_ALPHA_ON_DEVICE,
                                           &work.vector.flags);
  }
  return vgpu_cublas_submit(handle, VGPU_BLAS_VECTOR, &work);
}

static CUresult reduce_now(cublasHandle_t handle, const struct vgpu_blas_vector* vector, uint64_t* bits) {
  unsigned long long received = 0;
  CUcontext popped;
  const bool other = vgpu_context_current() != handle->context;
  CUresult result = other ? vgpu_context_push(handle->context, handle->device) : CUDA_SUCCESS;
  if (result != CUDA_SUCCESS) return result;
  result = vgpuBlasReduce(&received, vector, sizeof(*vector), handle->stream);
  if (other) vgpu_context_pop(&popped);
  *bits = received;
  return result;
}

// Operations that compute a number of `result_bytes`, for the host at once, for the device when its turn
// comes.
static cublasStatus_t reduce(cublasHandle_t handle, struct operation operation, struct vector x,
                             struct vector y, void* result, size_t result_bytes) {
  const cublasStatus_t status = vgpu_cublas_check(handle);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (result == NULL) return CUBLAS_STATUS_INVALID_VALUE;
  struct vgpu_blas_work work = {.vector = describe(operation, x, y)};
  if (handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE) {
    work.vector.result = (uint64_t)(uintptr_t)result;
    return vgpu_cublas_submit(handle, VGPU_BLAS_VECTOR, &work);
  }
  uint64_t bits = 0;
  const CUresult computed = reduce_now(handle, &work.vector, &bits);
  if (computed == CUDA_SUCCESS) memcpy(result, &bits, result_bytes);
  return vgpu_cublas_status(computed);
}

#define OPERATION(kind_) \
  ((struct operation){.kind = (kind_), .is_double = sizeof(*x) == sizeof(double), .count = n})
#define X ((struct vector){x, incx})
#define Y ((struct vector){y, incy})
#define NONE ((struct vector){0})

#define CHANGES(T, axpy, scal, copy, swap)                                                                  \
  cublasStatus_t axpy(cublasHandle_t handle, int n, const T* alpha, const T* x, int incx, T* y, int incy) { \
    return change(handle, OPERATION(VGPU_BLAS_AXPY), true, alpha, X, Y);                                    \
  }                                                                                                         \
  cublasStatus_t scal(cublasHandle_t handle, int n, const T* alpha, T* x, int incx) {                       \
    return change(handle, OPERATION(VGPU_BLAS_SCAL), true, alpha, X, NONE);                                 \
  }                                                                                                         \
  cublasStatus_t copy(cublasHandle_t handle, int n, const T* x, int incx, T* y, int incy) {                 \
    return change(handle, OPERATION(VGPU_BLAS_COPY), false, NULL, X, Y);                                    \
  }                                                                                                         \
  cublasStatus_t swap(cublasHandle_t handle, int n, T* x, int incx, T* y, int incy) {                       \
    return change(handle, OPERATION(VGPU_BLAS_SWAP), false, NULL, X, Y);                                    \
  }

#define REDUCTIONS(T, dot, nrm2, asum, amax, amin)                                                          \
  cublasStatus_t dot(cublasHandle_t handle, int n, const T* x, int incx, const T* y, int incy, T* result) { \
    return reduce(handle, OPERATION(VGPU_BLAS_DOT), X, Y, result, sizeof(*result));                         \
  }                                                                                                         \
  cublasStatus_t nrm2(cublasHandle_t handle, int n, const T* x, int incx, T* result) {                      \
    return reduce(handle, OPERATION(VGPU_BLAS_NRM2), X, NONE, result, sizeof(*result));                     \
  }                                                                                                         \
  cublasStatus_t asum(cublasHandle_t handle, int n, const T* x, int incx, T* result) {                      \
    return reduce(handle, OPERATION(VGPU_BLAS_ASUM), X, NONE, result, sizeof(*result));                     \
  }                                                                                                         \
  cublasStatus_t amax(cublasHandle_t handle, int n, const T* x, int incx, int* result) {                    \
    return reduce(handle, OPERATION(VGPU_BLAS_IAMAX), X, NONE, result, sizeof(*result));                    \
  }                                                                                                         \
  cublasStatus_t amin(cublasHandle_t handle, int n, const T* x, int incx, int* result) {                    \
    return reduce(handle, OPERATION(VGPU_BLAS_IAMIN), X, NONE, result, sizeof(*result));                    \
  }

CHANGES(float, cublasSaxpy_v2, cublasSscal_v2, cublasScopy_v2, cublasSswap_v2)
CHANGES(double, cublasDaxpy_v2, cublasDscal_v2, cublasDcopy_v2, cublasDswap_v2)
REDUCTIONS(float, cublasSdot_v2, cublasSnrm2_v2, cublasSasum_v2, cublasIsamax_v2, cublasIsamin_v2)
REDUCTIONS(double, cublasDdot_v2, cublasDnrm2_v2, cublasDasum_v2, cublasIdamax_v2, cublasIdamin_v2)
