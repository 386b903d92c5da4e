// The checks that all functions of the gemm family have in common.
#include "cublas/multiply.h"

#include <stdbool.h>

#include "guest_api.h"

// The types that go together (cuBLAS documentation, "cublasGemmEx()"); complex numbers are not implemented.
struct combination {
  cublasComputeType_t compute;
  cudaDataType ab, c;
};

static const struct combination combinations[] = {
    {CUBLAS_COMPUTE_16F, CUDA_R_16F, CUDA_R_16F},   {CUBLAS_COMPUTE_32I, CUDA_R_8I, CUDA_R_32I},
    {CUBLAS_COMPUTE_32F, CUDA_R_16BF, CUDA_R_16BF}, {CUBLAS_COMPUTE_32F, CUDA_R_16F, CUDA_R_16F},
    {CUBLAS_COMPUTE_32F, CUDA_R_8I, CUDA_R_32F},    {CUBLAS_COMPUTE_32F, CUDA_R_16BF, CUDA_R_32F},
    {CUBLAS_COMPUTE_32F, CUDA_R_16F, CUDA_R_32F},   {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F},
    {CUBLAS_COMPUTE_64F, CUDA_R_64F, CUDA_R_64F},
};

// "Pedantic" promises what is done anyway; "fast" allows less precision and does not demand it.
static bool plain_compute_type(int given, cudaDataType ab, cublasComputeType_t* plain) {
  switch (given) {
    case CUBLAS_COMPUTE_16F:
    case CUBLAS_COMPUTE_16F_PEDANTIC:
      *plain = CUBLAS_COMPUTE_16F;
      return true;
    case CUBLAS_COMPUTE_32I:
    case CUBLAS_COMPUTE_32I_PEDANTIC:
      *plain = CUBLAS_COMPUTE_32I;
      return true;
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      *plain = CUBLAS_COMPUTE_32F;
      return true;
    case CUBLAS_COMPUTE_32F_FAST_16F:
    case CUBLAS_COMPUTE_32F_FAST_16BF:
    case CUBLAS_COMPUTE_32F_FAST_TF32:
    case CUBLAS_COMPUTE_32F_EMULATED_16BFX9:
      *plain = CUBLAS_COMPUTE_32F;
      return ab == CUDA_R_32F;
    case CUBLAS_COMPUTE_64F:
    case CUBLAS_COMPUTE_64F_PEDANTIC:
    case CUBLAS_COMPUTE_64F_EMULATED_FIXEDPOINT:
      *plain = CUBLAS_COMPUTE_64F;
      return true;
    default:
      return false;
  }
}

static bool types_go_together(const struct vgpu_blas_product* product) {
  cublasComputeType_t compute;
  if (product->type_a != product->type_b ||
      !plain_compute_type(product->compute, (cudaDataType)product->type_a, &compute)) {
    return false;
  }
  for (size_t i = 0; i < sizeof(combinations) / sizeof(combinations[0]); ++i) {
    const struct combination* one = &combinations[i];
    if (one->compute == compute && (int)one->ab == product->type_a && (int)one->c == product->type_c)
      return true;
  }
  return false;
}

static size_t scalar_bytes(const struct vgpu_blas_product* product) {
  switch (product->compute) {
    case CUBLAS_COMPUTE_16F:
    case CUBLAS_COMPUTE_16F_PEDANTIC:
      return sizeof(uint16_t);
    case CUBLAS_COMPUTE_64F:
    case CUBLAS_COMPUTE_64F_PEDANTIC:
    case CUBLAS_COMPUTE_64F_EMULATED_FIXEDPOINT:
      return sizeof(double);
    default:
      return sizeof(float);  // or int, which has as many
  }
}

static bool is_operation(int32_t operation) {
  return operation == CUBLAS_OP_N || operation == CUBLAS_OP_T || operation == CUBLAS_OP_C;
}

// A leading dimension that is negative comes from a vector that lies backwards.
static bool holds(int64_t leading_dimension, uint32_t rows) {
  return leading_dimension < 0 || leading_dimension >= (int64_t)(rows == 0 ? 1 : rows);
}

static bool is_shape(const struct vgpu_blas_product* p) {
  if ((int32_t)p->m < 0 || (int32_t)p->n < 0 || (int32_t)p->k < 0 || (int32_t)p->batch_count < 0)
    return false;
  if (!is_operation(p->operation_a) || !is_operation(p->operation_b)) return false;
  const uint32_t rows_a = p->operation_a == CUBLAS_OP_N ? p->m : p->k;
  const uint32_t rows_b = p->operation_b == CUBLAS_OP_N ? p->k : p->n;
  return holds(p->lda, rows_a) && holds(p->ldb, rows_b) && holds(p->ldc, p->m);
}

cublasStatus_t vgpu_cublas_multiply(cublasHandle_t handle, const struct vgpu_cublas_product* call) {
  const struct vgpu_blas_product* given = &call->product;
  const cublasStatus_t status = vgpu_cublas_check(handle);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (!is_shape(given)) return CUBLAS_STATUS_INVALID_VALUE;
  if (!types_go_together(given)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (given->m == 0 || given->n == 0 || given->batch_count == 0) return CUBLAS_STATUS_SUCCESS;
  if (call->alpha == NULL || call->beta == NULL || given->c == 0) return CUBLAS_STATUS_INVALID_VALUE;
  struct vgpu_blas_work work = {.product = *given};
  const size_t bytes = scalar_bytes(given);
  uint32_t flags = given->flags;
  work.product.alpha = vgpu_cublas_scalar(handle, call->alpha, bytes, VGPU_BLAS_ALPHA_ON_DEVICE, &flags);
  work.product.beta = vgpu_cublas_scalar(handle, call->beta, bytes, VGPU_BLAS_BETA_ON_DEVICE, &flags);
  work.product.flags = flags;
  work.product.math_mode = (uint32_t)handle->math_mode;
  return vgpu_cublas_submit(handle, VGPU_BLAS_PRODUCT, &work);
}
