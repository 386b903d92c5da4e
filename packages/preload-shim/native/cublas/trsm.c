// Systems of equations with a triangular matrix.
#include <stdbool.h>

#include "cublas/handle.h"
#include "guest_api.h"

struct form {
  cublasSideMode_t side;
  cublasFillMode_t uplo;
  cublasOperation_t trans;
  cublasDiagType_t diag;
  int m, n, batch_count;
  bool is_double;
  uint32_t flags;
};

static bool is_form(const struct form* form, int lda, int ldb) {
  const int order = form->side == CUBLAS_SIDE_LEFT ? form->m : form->n;
  return (unsigned)form->side <= CUBLAS_SIDE_RIGHT && (unsigned)form->uplo <= CUBLAS_FILL_MODE_UPPER &&
         (unsigned)form->trans <= CUBLAS_OP_C && (unsigned)form->diag <= CUBLAS_DIAG_UNIT && form->m >= 0 &&
         form->n >= 0 && form->batch_count >= 0 && lda >= 1 && lda >= order && ldb >= 1 && ldb >= form->m;
}

static cublasStatus_t solve(cublasHandle_t handle, const struct form* form, const void* alpha, const void* a,
                            int lda, const void* b, int ldb) {
  const cublasStatus_t status = vgpu_cublas_check(handle);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (!is_form(form, lda, ldb)) return CUBLAS_STATUS_INVALID_VALUE;
  if (form->m == 0 || form->n == 0 || form->batch_count == 0) return CUBLAS_STATUS_SUCCESS;
  if (alpha == NULL || a == NULL || b == NULL) return CUBLAS_STATUS_INVALID_VALUE;
  struct vgpu_blas_work work = {
      .solve = {.a = (uint64_t)(uintptr_t)a,
                .lda = lda,
                .b = (uint64_t)(uintptr_t)b,
                .ldb = ldb,
                .m = (uint32_t)form->m,
                .n = (uint32_t)form->n,
                .batch_count = (uint32_t)form->batch_count,
                .type = form->is_double ? CUDA_R_64F : CUDA_R_32F,
                .side = (int32_t)form->side,
                .fill = (int32_t)form->uplo,
                .operation = (int32_t)form->trans,
                .diagonal = (int32_t)form->diag,
                .math_mode = (uint32_t)handle->math_mode,
                .flags = form->flags},
  };
  work.solve.alpha = vgpu_cublas_scalar(handle, alpha, form->is_double ? sizeof(double) : sizeof(float),
                                        VGPU_BLAS_ALPHA_ON_DEVICE, &work.solve.flags);
  return vgpu_cublas_submit(handle, VGPU_BLAS_SOLVE, &work);
}

#define FORM(batch, of_double, form_flags)        \
  (&(const struct form){.side = side,             \
                        .uplo = uplo,             \
                        .trans = trans,           \
                        .diag = diag,             \
                        .m = m,                   \
                        .n = n,                   \
                        .batch_count = (batch),   \
                        .is_double = (of_double), \
                        .flags = (form_flags)})

#define TRSM(name, batched, T, of_double)                                                               \
  cublasStatus_t name(cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t uplo,              \
                      cublasOperation_t trans, cublasDiagType_t diag, int m, int n, const T* alpha,     \
                      const T* A, int lda, T* B, int ldb) {                                             \
    return solve(handle, FORM(1, of_double, 0), alpha, A, lda, B, ldb);                                 \
  }                                                                                                     \
  cublasStatus_t batched(cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t uplo,           \
                         cublasOperation_t trans, cublasDiagType_t diag, int m, int n, const T* alpha,  \
                         const T* const* A, int lda, T* const* B, int ldb, int batchCount) {            \
    return solve(handle, FORM(batchCount, of_double, VGPU_BLAS_POINTER_ARRAYS), alpha, A, lda, B, ldb); \
  }

TRSM(cublasStrsm_v2, cublasStrsmBatched, float, false)
TRSM(cublasDtrsm_v2, cublasDtrsmBatched, double, true)
