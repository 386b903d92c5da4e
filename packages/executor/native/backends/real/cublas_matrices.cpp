// Products and systems of equations. The guest describes gemv and ger as products whose vectors are matrices
// of one row; a vector may lie backwards, which a matrix may not, so here they become what they were.
#include <concepts>
#include <cstring>
#include <utility>

#include "backends/real/cublas_handle.h"

namespace vgpu::executor {
namespace {

bool has(std::uint32_t flags, std::uint32_t flag) {
  return (flags & flag) != 0;
}

/// Where cuBLAS finds the scalar: in the description itself, or at the address that it says.
const void* scalar(const std::uint64_t& bits_or_address, bool on_device) {
  return on_device ? reinterpret_cast<const void*>(bits_or_address) : &bits_or_address;
}

template <typename Number>
bool is_one(std::uint64_t bits) {
  Number value;
  std::memcpy(&value, &bits, sizeof(value));
  return value == 1;
}

/// Of one type, computed in that type: then it may be a product with vectors.
template <typename Number>
bool is_plain(const vgpu_blas_product& p) {
  constexpr bool kSingle = std::same_as<Number, float>;
  const std::int32_t type = kSingle ? CUDA_R_32F : CUDA_R_64F;
  const std::int32_t compute = kSingle ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_64F;
  return p.type_a == type && p.type_b == type && p.type_c == type && p.compute == compute;
}

/// y' = alpha x' op(B) + beta y'. cublas?gemv leaves y alone when k is 0, a product does not.
template <typename Number>
bool is_vector_product(const vgpu_blas_product& p) {
  return is_plain<Number>(p) && p.m == 1 && p.k != 0 && p.operation_a == CUBLAS_OP_N;
}

/// C = alpha x y' + C.
template <typename Number>
bool is_rank_one_update(const vgpu_blas_product& p) {
  return is_plain<Number>(p) && p.k == 1 && p.batch_count == 1 && p.operation_a == CUBLAS_OP_T &&
         p.operation_b == CUBLAS_OP_N && !has(p.flags, VGPU_BLAS_BETA_ON_DEVICE | VGPU_BLAS_POINTER_ARRAYS) &&
         is_one<Number>(p.beta);
}

int dimension(const char* what, std::int64_t value) {
  if (std::in_range<int>(value)) return static_cast<int>(value);
  throw CallError(CUDA_ERROR_INVALID_VALUE, std::string(what) + " of " + std::to_string(value));
}

template <typename Number>
const Number* const* pointers(std::uint64_t array) {
  return reinterpret_cast<const Number* const*>(array);
}
template <typename Number>
Number* const* changed_pointers(std::uint64_t array) {
  return reinterpret_cast<Number* const*>(array);
}

}  // namespace

void CublasHandle::multiply_matrices(const vgpu_blas_product& p, const void* alpha, const void* beta) {
  const auto operation_a = static_cast<cublasOperation_t>(p.operation_a);
  const auto operation_b = static_cast<cublasOperation_t>(p.operation_b);
  const auto type_a = static_cast<cudaDataType>(p.type_a);
  const auto type_b = static_cast<cudaDataType>(p.type_b);
  const auto type_c = static_cast<cudaDataType>(p.type_c);
  const auto compute = static_cast<cublasComputeType_t>(p.compute);
  const int m = dimension("m", p.m);
  const int n = dimension("n", p.n);
  const int k = dimension("k", p.k);
  const int lda = dimension("lda", p.lda);
  const int ldb = dimension("ldb", p.ldb);
  const int ldc = dimension("ldc", p.ldc);
  const int batch = dimension("a batch", p.batch_count);
  if (has(p.flags, VGPU_BLAS_POINTER_ARRAYS)) {
    return call(functions_.cublasGemmBatchedEx, operation_a, operation_b, m, n, k, alpha, pointers<void>(p.a),
                type_a, lda, pointers<void>(p.b), type_b, ldb, beta, changed_pointers<void>(p.c), type_c, ldc,
                batch, compute, CUBLAS_GEMM_DEFAULT);
  }
  const auto* a = reinterpret_cast<const void*>(p.a);
  const auto* b = reinterpret_cast<const void*>(p.b);
  auto* c = reinterpret_cast<void*>(p.c);
  if (batch == 1) {
    return call(functions_.cublasGemmEx, operation_a, operation_b, m, n, k, alpha, a, type_a, lda, b, type_b,
                ldb, beta, c, type_c, ldc, compute, CUBLAS_GEMM_DEFAULT);
  }
  call(functions_.cublasGemmStridedBatchedEx, operation_a, operation_b, m, n, k, alpha, a, type_a, lda,
       static_cast<long long>(p.stride_a), b, type_b, ldb, static_cast<long long>(p.stride_b), beta, c,
       type_c, ldc, static_cast<long long>(p.stride_c), batch, compute, CUBLAS_GEMM_DEFAULT);
}

template <typename Number>
void CublasHandle::multiply_vector(const vgpu_blas_product& p, const void* alpha, const void* beta) {
  const bool plain = p.operation_b == CUBLAS_OP_N;
  const auto operation = plain ? CUBLAS_OP_T : CUBLAS_OP_N;
  const int rows = dimension("rows", plain ? p.k : p.n);
  const int columns = dimension("columns", plain ? p.n : p.k);
  const int ld = dimension("ldb", p.ldb);
  const int step_x = dimension("an increment", p.lda);
  const int step_y = dimension("an increment", p.ldc);
  const int batch = dimension("a batch", p.batch_count);
  const auto* alpha_ = static_cast<const Number*>(alpha);
  const auto* beta_ = static_cast<const Number*>(beta);
  const CublasFunctions& f = functions_;
  if (has(p.flags, VGPU_BLAS_POINTER_ARRAYS)) {
    return call(cublas_function<Number>(f.cublasSgemvBatched, f.cublasDgemvBatched), operation, rows, columns,
                alpha_, pointers<Number>(p.b), ld, pointers<Number>(p.a), step_x, beta_,
                changed_pointers<Number>(p.c), step_y, batch);
  }
  const auto* matrix = reinterpret_cast<const Number*>(p.b);
  const auto* x = reinterpret_cast<const Number*>(p.a);
  auto* y = reinterpret_cast<Number*>(p.c);
  if (batch == 1) {
    return call(cublas_function<Number>(f.cublasSgemv_v2, f.cublasDgemv_v2), operation, rows, columns, alpha_,
                matrix, ld, x, step_x, beta_, y, step_y);
  }
  call(cublas_function<Number>(f.cublasSgemvStridedBatched, f.cublasDgemvStridedBatched), operation, rows,
       columns, alpha_, matrix, ld, static_cast<long long>(p.stride_b), x, step_x,
       static_cast<long long>(p.stride_a), beta_, y, step_y, static_cast<long long>(p.stride_c), batch);
}

template <typename Number>
void CublasHandle::add_product(const vgpu_blas_product& p, const void* alpha) {
  call(cublas_function<Number>(functions_.cublasSger_v2, functions_.cublasDger_v2), dimension("m", p.m),
       dimension("n", p.n), static_cast<const Number*>(alpha), reinterpret_cast<const Number*>(p.a),
       dimension("an increment", p.lda), reinterpret_cast<const Number*>(p.b),
       dimension("an increment", p.ldb), reinterpret_cast<Number*>(p.c), dimension("lda", p.ldc));
}

void CublasHandle::multiply(const vgpu_blas_product& p, CUstream stream) {
  const bool on_device = has(p.flags, VGPU_BLAS_ALPHA_ON_DEVICE);
  const void* alpha = scalar(p.alpha, on_device);
  const void* beta = scalar(p.beta, has(p.flags, VGPU_BLAS_BETA_ON_DEVICE));
  prepare(stream, on_device, p.math_mode);
  if (is_rank_one_update<float>(p)) return add_product<float>(p, alpha);
  if (is_rank_one_update<double>(p)) return add_product<double>(p, alpha);
  if (on_device != has(p.flags, VGPU_BLAS_BETA_ON_DEVICE))
    throw CallError(CUDA_ERROR_INVALID_VALUE, "one scalar lies on the device and one on the host");
  if (is_vector_product<float>(p)) return multiply_vector<float>(p, alpha, beta);
  if (is_vector_product<double>(p)) return multiply_vector<double>(p, alpha, beta);
  multiply_matrices(p, alpha, beta);
}

template <typename Number>
void CublasHandle::solve_as(const vgpu_blas_solve& s, const void* alpha) {
  const auto side = static_cast<cublasSideMode_t>(s.side);
  const auto fill = static_cast<cublasFillMode_t>(s.fill);
  const auto operation = static_cast<cublasOperation_t>(s.operation);
  const auto diagonal = static_cast<cublasDiagType_t>(s.diagonal);
  const int m = dimension("m", s.m);
  const int n = dimension("n", s.n);
  const int lda = dimension("lda", s.lda);
  const int ldb = dimension("ldb", s.ldb);
  const auto* alpha_ = static_cast<const Number*>(alpha);
  const CublasFunctions& f = functions_;
  if (has(s.flags, VGPU_BLAS_POINTER_ARRAYS)) {
    return call(cublas_function<Number>(f.cublasStrsmBatched, f.cublasDtrsmBatched), side, fill, operation,
                diagonal, m, n, alpha_, pointers<Number>(s.a), lda, changed_pointers<Number>(s.b), ldb,
                dimension("a batch", s.batch_count));
  }
  // cuBLAS has no function for a batch at a stride, and no guest asks for one.
  if (s.batch_count != 1)
    throw CallError(CUDA_ERROR_NOT_SUPPORTED, "a batch of systems of equations at a stride");
  call(cublas_function<Number>(f.cublasStrsm_v2, f.cublasDtrsm_v2), side, fill, operation, diagonal, m, n,
       alpha_, reinterpret_cast<const Number*>(s.a), lda, reinterpret_cast<Number*>(s.b), ldb);
}

void CublasHandle::solve(const vgpu_blas_solve& s, CUstream stream) {
  const bool on_device = has(s.flags, VGPU_BLAS_ALPHA_ON_DEVICE);
  prepare(stream, on_device, s.math_mode);
  const void* alpha = scalar(s.alpha, on_device);
  if (s.type == CUDA_R_32F) return solve_as<float>(s, alpha);
  if (s.type == CUDA_R_64F) return solve_as<double>(s, alpha);
  throw CallError(CUDA_ERROR_INVALID_VALUE, "equations are of float or double");
}

}  // namespace vgpu::executor
