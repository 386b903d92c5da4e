// The recording driver is a cuBLAS too. Scalars of the host are recorded as numbers, those of the device by
// their addresses, which only the handle's mode tells apart.
#include "exported.h"

using namespace vgpu::executor::test;

namespace {

bool scalars_on_device = false;

cublasStatus_t note(const char* call, std::initializer_list<Argument> arguments) {
  return static_cast<cublasStatus_t>(record(call, arguments));
}

template <typename Number>
std::uint64_t scalar(const void* at) {
  return scalars_on_device ? number(at) : static_cast<std::uint64_t>(*static_cast<const Number*>(at));
}

std::uint64_t whole(auto value) {
  return static_cast<std::uint64_t>(value);
}

/// What a result is: on the host it is there at once.
template <typename Number>
void answer(Number* result) {
  if (!scalars_on_device) *result = 7;
}

}  // namespace

cublasStatus_t cublasCreate_v2(cublasHandle_t* made) {
  const cublasStatus_t status = note("cublasCreate_v2", {});
  if (status == CUBLAS_STATUS_SUCCESS) *made = handle<cublasHandle_t>(create());
  return status;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t given) {
  static_cast<void>(forget(number(given)));
  return note("cublasDestroy_v2", {});
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t, cudaStream_t stream) {
  return note("cublasSetStream_v2", {{"stream", number(stream)}});
}

cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t, cublasPointerMode_t mode) {
  scalars_on_device = mode == CUBLAS_POINTER_MODE_DEVICE;
  return note("cublasSetPointerMode_v2", {{"mode", whole(mode)}});
}

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t mode) {
  return note("cublasSetMathMode", {{"mode", whole(mode)}});
}

cublasStatus_t cublasGemmEx(cublasHandle_t, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void* alpha, const void* A, cudaDataType Atype, int lda,
                            const void* B, cudaDataType, int ldb, const void* beta, void* C,
                            cudaDataType Ctype, int ldc, cublasComputeType_t compute,
                            cublasGemmAlgo_t algorithm) {
  return note("cublasGemmEx", {{"ops", whole(transa * 10 + transb)},
                               {"m", whole(m)},
                               {"n", whole(n)},
                               {"k", whole(k)},
                               {"alpha", scalar<float>(alpha)},
                               {"A", number(A)},
                               {"Atype", whole(Atype)},
                               {"lda", whole(lda)},
                               {"B", number(B)},
                               {"ldb", whole(ldb)},
                               {"beta", scalar<float>(beta)},
                               {"C", number(C)},
                               {"Ctype", whole(Ctype)},
                               {"ldc", whole(ldc)},
                               {"compute", whole(compute)},
                               {"default", whole(algorithm == CUBLAS_GEMM_DEFAULT)}});
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
                                          const void*, const void*, cudaDataType, int, long long int strideA,
                                          const void*, cudaDataType, int, long long int strideB, const void*,
                                          void*, cudaDataType, int, long long int strideC, int batchCount,
                                          cublasComputeType_t, cublasGemmAlgo_t) {
  return note("cublasGemmStridedBatchedEx", {{"strideA", whole(strideA)},
                                             {"strideB", whole(strideB)},
                                             {"strideC", whole(strideC)},
                                             {"batch", whole(batchCount)}});
}

cublasStatus_t cublasGemmBatchedEx(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
                                   const void*, const void* const* A, cudaDataType, int, const void* const* B,
                                   cudaDataType, int, const void*, void* const* C, cudaDataType, int,
                                   int batchCount, cublasComputeType_t, cublasGemmAlgo_t) {
  return note("cublasGemmBatchedEx",
              {{"A", number(A)}, {"B", number(B)}, {"C", number(C)}, {"batch", whole(batchCount)}});
}

cublasStatus_t cublasSgemv_v2(cublasHandle_t, cublasOperation_t trans, int m, int n, const float* alpha,
                              const float* A, int lda, const float* x, int incx, const float* beta, float* y,
                              int incy) {
  return note("cublasSgemv_v2", {{"op", whole(trans)},
                                 {"m", whole(m)},
                                 {"n", whole(n)},
                                 {"alpha", scalar<float>(alpha)},
                                 {"A", number(A)},
                                 {"lda", whole(lda)},
                                 {"x", number(x)},
                                 {"incx", whole(-incx)},
                                 {"beta", scalar<float>(beta)},
                                 {"y", number(y)},
                                 {"incy", whole(incy)}});
}

cublasStatus_t cublasDger_v2(cublasHandle_t, int m, int n, const double* alpha, const double* x, int incx,
                             const double* y, int incy, double* A, int lda) {
  return note("cublasDger_v2", {{"m", whole(m)},
                                {"n", whole(n)},
                                {"alpha", scalar<double>(alpha)},
                                {"x", number(x)},
                                {"incx", whole(-incx)},
                                {"y", number(y)},
                                {"incy", whole(incy)},
                                {"A", number(A)},
                                {"lda", whole(lda)}});
}

cublasStatus_t cublasDtrsm_v2(cublasHandle_t, cublasSideMode_t side, cublasFillMode_t uplo,
                              cublasOperation_t trans, cublasDiagType_t diag, int m, int n,
                              const double* alpha, const double* A, int lda, double* B, int ldb) {
  return note("cublasDtrsm_v2", {{"side", whole(side)},
                                 {"fill", whole(uplo)},
                                 {"op", whole(trans)},
                                 {"diagonal", whole(diag)},
                                 {"m", whole(m)},
                                 {"n", whole(n)},
                                 {"alpha", scalar<double>(alpha)},
                                 {"A", number(A)},
                                 {"lda", whole(lda)},
                                 {"B", number(B)},
                                 {"ldb", whole(ldb)}});
}

cublasStatus_t cublasSaxpy_v2(cublasHandle_t, int n, const float* alpha, const float* x, int incx, float* y,
                              int incy) {
  return note("cublasSaxpy_v2", {{"n", whole(n)},
                                 {"alpha", scalar<float>(alpha)},
                                 {"x", number(x)},
                                 {"incx", whole(incx)},
                                 {"y", number(y)},
                                 {"incy", whole(incy)}});
}

cublasStatus_t cublasDdot_v2(cublasHandle_t, int n, const double* x, int, const double* y, int,
                             double* result) {
  answer(result);
  return note("cublasDdot_v2", {{"n", whole(n)}, {"x", number(x)}, {"y", number(y)}});
}

cublasStatus_t cublasIsamax_v2(cublasHandle_t, int n, const float* x, int, int* result) {
  answer(result);
  return note("cublasIsamax_v2",
              {{"n", whole(n)}, {"x", number(x)}, {"result", scalars_on_device ? number(result) : 0}});
}
