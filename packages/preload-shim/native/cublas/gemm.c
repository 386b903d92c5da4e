// The gemm family: the same product, alone, of a batch whose matrices lie at equal distances, and of a batch
// that an array of pointers names.
#include "cublas/multiply.h"
#include "guest_api.h"

struct operand {
  const void* first;  // or the array of pointers
  int type;
  int leading_dimension;
  long long int stride;
};

struct form {
  cublasOperation_t transa, transb;
  int m, n, k, batch_count;
  int compute;
  uint32_t flags;
};

static cublasStatus_t multiply(cublasHandle_t handle, const struct form* form, const void* alpha,
                               struct operand a, struct operand b, const void* beta, struct operand c) {
  const struct vgpu_cublas_product call = {
      .product = {.a = (uint64_t)(uintptr_t)a.first,
                  .b = (uint64_t)(uintptr_t)b.first,
                  .c = (uint64_t)(uintptr_t)c.first,
                  // Only a vector may lie backwards: here a negative value is wrong, and 0 is as wrong.
                  .lda = a.leading_dimension < 0 ? 0 : a.leading_dimension,
                  .ldb = b.leading_dimension < 0 ? 0 : b.leading_dimension,
                  .ldc = c.leading_dimension < 0 ? 0 : c.leading_dimension,
                  .stride_a = a.stride,
                  .stride_b = b.stride,
                  .stride_c = c.stride,
                  .m = (uint32_t)form->m,
                  .n = (uint32_t)form->n,
                  .k = (uint32_t)form->k,
                  .batch_count = (uint32_t)form->batch_count,
                  .type_a = a.type,
                  .type_b = b.type,
                  .type_c = c.type,
                  .compute = form->compute,
                  .operation_a = (int32_t)form->transa,
                  .operation_b = (int32_t)form->transb,
                  .flags = form->flags},
      .alpha = alpha,
      .beta = beta,
  };
  return vgpu_cublas_multiply(handle, &call);
}

#define FORM(batch, compute_type, form_flags)           \
  (&(const struct form){.transa = transa,               \
                        .transb = transb,               \
                        .m = m,                         \
                        .n = n,                         \
                        .k = k,                         \
                        .batch_count = (batch),         \
                        .compute = (int)(compute_type), \
                        .flags = (form_flags)})
#define OPERAND(...) ((struct operand){__VA_ARGS__})

#define GEMM(name, batched, strided, T, type, compute)                                                       \
  cublasStatus_t name(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,      \
                      int n, int k, const T* alpha, const T* A, int lda, const T* B, int ldb, const T* beta, \
                      T* C, int ldc) {                                                                       \
    return multiply(handle, FORM(1, compute, 0), alpha, OPERAND(A, type, lda, 0), OPERAND(B, type, ldb, 0),  \
                    beta, OPERAND(C, type, ldc, 0));                                                         \
  }                                                                                                          \
  cublasStatus_t batched(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,   \
                         int n, int k, const T* alpha, const T* const* Aarray, int lda,                      \
                         const T* const* Barray, int ldb, const T* beta, T* const* Carray, int ldc,          \
                         int batchCount) {                                                                   \
    return multiply(handle, FORM(batchCount, compute, VGPU_BLAS_POINTER_ARRAYS), alpha,                      \
                    OPERAND(Aarray, type, lda, 0), OPERAND(Barray, type, ldb, 0), beta,                      \
                    OPERAND(Carray, type, ldc, 0));                                                          \
  }                                                                                                          \
  cublasStatus_t strided(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,   \
                         int n, int k, const T* alpha, const T* A, int lda, long long int strideA,           \
                         const T* B, int ldb, long long int strideB, const T* beta, T* C, int ldc,           \
                         long long int strideC, int batchCount) {                                            \
    return multiply(handle, FORM(batchCount, compute, 0), alpha, OPERAND(A, type, lda, strideA),             \
                    OPERAND(B, type, ldb, strideB), beta, OPERAND(C, type, ldc, strideC));                   \
  }

GEMM(cublasSgemm_v2, cublasSgemmBatched, cublasSgemmStridedBatched, float, CUDA_R_32F, CUBLAS_COMPUTE_32F)
GEMM(cublasDgemm_v2, cublasDgemmBatched, cublasDgemmStridedBatched, double, CUDA_R_64F, CUBLAS_COMPUTE_64F)
GEMM(cublasHgemm, cublasHgemmBatched, cublasHgemmStridedBatched, __half, CUDA_R_16F, CUBLAS_COMPUTE_16F)

cublasStatus_t cublasSgemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                             int n, int k, const float* alpha, const void* A, cudaDataType Atype, int lda,
                             const void* B, cudaDataType Btype, int ldb, const float* beta, void* C,
                             cudaDataType Ctype, int ldc) {
  return multiply(handle, FORM(1, CUBLAS_COMPUTE_32F, 0), alpha, OPERAND(A, (int)Atype, lda, 0),
                  OPERAND(B, (int)Btype, ldb, 0), beta, OPERAND(C, (int)Ctype, ldc, 0));
}

// The algorithm is advice: every one gives the same result.
cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                            int n, int k, const void* alpha, const void* A, cudaDataType Atype, int lda,
                            const void* B, cudaDataType Btype, int ldb, const void* beta, void* C,
                            cudaDataType Ctype, int ldc, cublasComputeType_t computeType,
                            cublasGemmAlgo_t algo) {
  (void)algo;
  return multiply(handle, FORM(1, computeType, 0), alpha, OPERAND(A, (int)Atype, lda, 0),
                  OPERAND(B, (int)Btype, ldb, 0), beta, OPERAND(C, (int)Ctype, ldc, 0));
}

cublasStatus_t cublasGemmBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                                   int m, int n, int k, const void* alpha, const void* const* Aarray,
                                   cudaDataType Atype, int lda, const void* const* Barray, cudaDataType Btype,
                                   int ldb, const void* beta, void* const* Carray, cudaDataType Ctype,
                                   int ldc, int batchCount, cublasComputeType_t computeType,
                                   cublasGemmAlgo_t algo) {
  (void)algo;
  return multiply(handle, FORM(batchCount, computeType, VGPU_BLAS_POINTER_ARRAYS), alpha,
                  OPERAND(Aarray, (int)Atype, lda, 0), OPERAND(Barray, (int)Btype, ldb, 0), beta,
                  OPERAND(Carray, (int)Ctype, ldc, 0));
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa,
                                          cublasOperation_t transb, int m, int n, int k, const void* alpha,
                                          const void* A, cudaDataType Atype, int lda, long long int strideA,
                                          const void* B, cudaDataType Btype, int ldb, long long int strideB,
                                          const void* beta, void* C, cudaDataType Ctype, int ldc,
                                          long long int strideC, int batchCount,
                                          cublasComputeType_t computeType, cublasGemmAlgo_t algo) {
  (void)algo;
  return multiply(handle, FORM(batchCount, computeType, 0), alpha, OPERAND(A, (int)Atype, lda, strideA),
                  OPERAND(B, (int)Btype, ldb, strideB), beta, OPERAND(C, (int)Ctype, ldc, strideC));
}
