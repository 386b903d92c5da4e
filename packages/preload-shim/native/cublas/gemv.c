// Matrix times vector, as a product: y' = alpha x' op(A)' + beta y'. Vectors become matrices of one row,
// whose leading dimension is the vector's increment.
#include <stdbool.h>
#include <string.h>

#include "cublas/multiply.h"
#include "guest_api.h"

struct vector {
  const void* first;  // or the array of pointers
  int increment;
  long long int stride;
};

struct matrix {
  const void* first;
  int leading_dimension;
  long long int stride;
};

struct form {
  cublasOperation_t trans;
  int m, n, batch_count;
  bool is_double;
  uint32_t flags;
};

static cublasStatus_t multiply(cublasHandle_t handle, const struct form* form, const void* alpha,
                               struct matrix a, struct vector x, const void* beta, struct vector y) {
  const cublasStatus_t status = vgpu_cublas_check(handle);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if ((unsigned)form->trans > CUBLAS_OP_C || form->m < 0 || form->n < 0 || x.increment == 0 ||
      y.increment == 0 || a.leading_dimension < 1 || a.leading_dimension < form->m) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (form->m == 0 || form->n == 0) return CUBLAS_STATUS_SUCCESS;
  const bool plain = form->trans == CUBLAS_OP_N;
  const int type = form->is_double ? CUDA_R_64F : CUDA_R_32F;
  const struct vgpu_cublas_product call = {
      .product = {.a = (uint64_t)(uintptr_t)x.first,
                  .lda = x.increment,
                  .stride_a = x.stride,
                  .b = (uint64_t)(uintptr_t)a.first,
                  .ldb = a.leading_dimension,
                  .stride_b = a.stride,
                  .c = (uint64_t)(uintptr_t)y.first,
                  .ldc = y.increment,
                  .stride_c = y.stride,
                  .m = 1,
                  .n = (uint32_t)(plain ? form->m : form->n),
                  .k = (uint32_t)(plain ? form->n : form->m),
                  .batch_count = (uint32_t)form->batch_count,
                  .type_a = type,
                  .type_b = type,
                  .type_c = type,
                  .compute = form->is_double ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F,
                  .operation_a = CUBLAS_OP_N,
                  .operation_b = plain ? CUBLAS_OP_T : CUBLAS_OP_N,
                  .flags = form->flags},
      .alpha = alpha,
      .beta = beta,
  };
  return vgpu_cublas_multiply(handle, &call);
}

#define FORM(batch, of_double, form_flags)        \
  (&(const struct form){.trans = trans,           \
                        .m = m,                   \
                        .n = n,                   \
                        .batch_count = (batch),   \
                        .is_double = (of_double), \
                        .flags = (form_flags)})
#define MATRIX(...) ((struct matrix){__VA_ARGS__})
#define VECTOR(...) ((struct vector){__VA_ARGS__})

#define GEMV(name, batched, strided, T, of_double)                                                         \
  cublasStatus_t name(cublasHandle_t handle, cublasOperation_t trans, int m, int n, const T* alpha,        \
                      const T* A, int lda, const T* x, int incx, const T* beta, T* y, int incy) {          \
    return multiply(handle, FORM(1, of_double, 0), alpha, MATRIX(A, lda, 0), VECTOR(x, incx, 0), beta,     \
                    VECTOR(y, incy, 0));                                                                   \
  }                                                                                                        \
  cublasStatus_t batched(cublasHandle_t handle, cublasOperation_t trans, int m, int n, const T* alpha,     \
                         const T* const* Aarray, int lda, const T* const* xarray, int incx, const T* beta, \
                         T* const* yarray, int incy, int batchCount) {                                     \
    return multiply(handle, FORM(batchCount, of_double, VGPU_BLAS_POINTER_ARRAYS), alpha,                  \
                    MATRIX(Aarray, lda, 0), VECTOR(xarray, incx, 0), beta, VECTOR(yarray, incy, 0));       \
  }                                                                                                        \
  cublasStatus_t strided(cublasHandle_t handle, cublasOperation_t trans, int m, int n, const T* alpha,     \
                         const T* A, int lda, long long int strideA, const T* x, int incx,                 \
                         long long int stridex, const T* beta, T* y, int incy, long long int stridey,      \
                         int batchCount) {                                                                 \
    return multiply(handle, FORM(batchCount, of_double, 0), alpha, MATRIX(A, lda, strideA),                \
                    VECTOR(x, incx, stridex), beta, VECTOR(y, incy, stridey));                             \
  }

GEMV(cublasSgemv_v2, cublasSgemvBatched, cublasSgemvStridedBatched, float, false)
GEMV(cublasDgemv_v2, cublasDgemvBatched, cublasDgemvStridedBatched, double, true)

// A = alpha x y' + A: a product whose inner dimension is 1.
static cublasStatus_t add_product(cublasHandle_t handle, bool is_double, int m, int n, const void* alpha,
                                  struct vector x, struct vector y, struct matrix a) {
  const cublasStatus_t status = vgpu_cublas_check(handle);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (m < 0 || n < 0 || x.increment == 0 || y.increment == 0 || a.leading_dimension < 1 ||
      a.leading_dimension < m || alpha == NULL) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  const int type = is_double ? CUDA_R_64F : CUDA_R_32F;
  const size_t bytes = is_double ? sizeof(double) : sizeof(float);
  const float one = 1;
  const double one_double = 1;
  struct vgpu_blas_work work = {
      .product = {.a = (uint64_t)(uintptr_t)x.first,
                  .lda = x.increment,
                  .b = (uint64_t)(uintptr_t)y.first,
                  .ldb = y.increment,
                  .c = (uint64_t)(uintptr_t)a.first,
                  .ldc = a.leading_dimension,
                  .m = (uint32_t)m,
                  .n = (uint32_t)n,
                  .k = 1,
                  .batch_count = 1,
                  .type_a = type,
                  .type_b = type,
                  .type_c = type,
                  .compute = is_double ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F,
                  .operation_a = CUBLAS_OP_T,
                  .operation_b = CUBLAS_OP_N,
                  .math_mode = (uint32_t)handle->math_mode},
  };
  memcpy(&work.product.beta, is_double ? (const void*)&one_double : &one, bytes);
  work.product.alpha =
      vgpu_cublas_scalar(handle, alpha, bytes, VGPU_BLAS_ALPHA_ON_DEVICE, &work.product.flags);
  return vgpu_cublas_submit(handle, VGPU_BLAS_PRODUCT, &work);
}

cublasStatus_t cublasSger_v2(cublasHandle_t handle, int m, int n, const float* alpha, const float* x,
                             int incx, const float* y, int incy, float* A, int lda) {
  return add_product(handle, false, m, n, alpha, VECTOR(x, incx, 0), VECTOR(y, incy, 0), MATRIX(A, lda, 0));
}

cublasStatus_t cublasDger_v2(cublasHandle_t handle, int m, int n, const double* alpha, const double* x,
                             int incx, const double* y, int incy, double* A, int lda) {
  return add_product(handle, true, m, n, alpha, VECTOR(x, incx, 0), VECTOR(y, incy, 0), MATRIX(A, lda, 0));
}
