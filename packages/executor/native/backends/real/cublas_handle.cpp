#include "backends/real/cublas_handle.h"

#include <utility>

namespace vgpu::executor {
namespace {

CUresult result_of(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return CUDA_ERROR_NOT_INITIALIZED;
    case CUBLAS_STATUS_ALLOC_FAILED:
      return CUDA_ERROR_OUT_OF_MEMORY;
    case CUBLAS_STATUS_INVALID_VALUE:
      return CUDA_ERROR_INVALID_VALUE;
    case CUBLAS_STATUS_ARCH_MISMATCH:
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return CUDA_ERROR_NOT_SUPPORTED;
    // A fault on the device the driver reports itself, by the next call that waits.
    default:
      return CUDA_ERROR_UNKNOWN;
  }
}

template <typename Number>
const Number* input(std::uint64_t address) {
  return reinterpret_cast<const Number*>(address);
}
template <typename Number>
Number* output(std::uint64_t address) {
  return reinterpret_cast<Number*>(address);
}

/// cuBLAS takes increments as int.
int increment(std::int64_t value) {
  if (std::in_range<int>(value)) return static_cast<int>(value);
  throw CallError(CUDA_ERROR_INVALID_VALUE, "an increment of " + std::to_string(value));
}

}  // namespace

void CublasHandle::check(cublasStatus_t status, const char* function) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw CallError(result_of(status),
                  std::string("the host's ") + function + " gives status " + std::to_string(status));
}

CublasHandle::CublasHandle(const CublasFunctions& functions) : functions_(functions) {
  check(functions_.cublasCreate_v2(&handle_), "cublasCreate");
}

void CublasHandle::release() {
  check(functions_.cublasDestroy_v2(std::exchange(handle_, nullptr)), "cublasDestroy");
}

void CublasHandle::prepare(CUstream stream, bool on_device, std::uint32_t math_mode) {
  call(functions_.cublasSetStream_v2, stream);
  call(functions_.cublasSetPointerMode_v2, on_device ? CUBLAS_POINTER_MODE_DEVICE : CUBLAS_POINTER_MODE_HOST);
  call(functions_.cublasSetMathMode, static_cast<cublasMath_t>(math_mode));
}

template <typename Number>
void CublasHandle::reduce_as(const vgpu_blas_vector& given, void* result) {
  const auto count = static_cast<int>(given.count);
  const auto* x = input<Number>(given.x);
  const int step = increment(given.increment_x);
  const auto reduce = [&](const auto& function, auto* typed) { call(function, count, x, step, typed); };
  auto* number = static_cast<Number*>(result);
  auto* index = static_cast<int*>(result);
  const CublasFunctions& f = functions_;
  switch (given.operation) {
    case VGPU_BLAS_DOT:
      return call(cublas_function<Number>(f.cublasSdot_v2, f.cublasDdot_v2), count, x, step,
                  input<Number>(given.y), increment(given.increment_y), number);
    case VGPU_BLAS_NRM2:
      return reduce(cublas_function<Number>(f.cublasSnrm2_v2, f.cublasDnrm2_v2), number);
    case VGPU_BLAS_ASUM:
      return reduce(cublas_function<Number>(f.cublasSasum_v2, f.cublasDasum_v2), number);
    case VGPU_BLAS_IAMAX:
      return reduce(cublas_function<Number>(f.cublasIsamax_v2, f.cublasIdamax_v2), index);
    case VGPU_BLAS_IAMIN:
      return reduce(cublas_function<Number>(f.cublasIsamin_v2, f.cublasIdamin_v2), index);
    default:
      throw CallError(CUDA_ERROR_INVALID_VALUE, "operation " + std::to_string(given.operation));
  }
}

template <typename Number>
void CublasHandle::run(const vgpu_blas_vector& given, void* result) {
  const auto count = static_cast<int>(given.count);
  const bool on_device = (given.flags & VGPU_BLAS_ALPHA_ON_DEVICE) != 0;
  const auto* alpha = on_device ? input<Number>(given.alpha) : reinterpret_cast<const Number*>(&given.alpha);
  const int step_x = increment(given.increment_x);
  const int step_y = increment(given.increment_y);
  auto* x = output<Number>(given.x);
  auto* y = output<Number>(given.y);
  const CublasFunctions& f = functions_;
  switch (given.operation) {
    case VGPU_BLAS_AXPY:
      return call(cublas_function<Number>(f.cublasSaxpy_v2, f.cublasDaxpy_v2), count, alpha, x, step_x, y,
                  step_y);
    case VGPU_BLAS_SCAL:
      return call(cublas_function<Number>(f.cublasSscal_v2, f.cublasDscal_v2), count, alpha, x, step_x);
    case VGPU_BLAS_COPY:
      return call(cublas_function<Number>(f.cublasScopy_v2, f.cublasDcopy_v2), count, x, step_x, y, step_y);
    case VGPU_BLAS_SWAP:
      return call(cublas_function<Number>(f.cublasSswap_v2, f.cublasDswap_v2), count, x, step_x, y, step_y);
    default:
      return reduce_as<Number>(given, result);
  }
}

void CublasHandle::run_typed(const vgpu_blas_vector& vector, void* result) {
  if (vector.type == CUDA_R_32F) return run<float>(vector, result);
  if (vector.type == CUDA_R_64F) return run<double>(vector, result);
  throw CallError(CUDA_ERROR_INVALID_VALUE, "vectors are of float or double");
}

void CublasHandle::change(const vgpu_blas_vector& vector, CUstream stream) {
  const bool reduces = vector.operation >= VGPU_BLAS_DOT;
  prepare(stream, reduces || (vector.flags & VGPU_BLAS_ALPHA_ON_DEVICE) != 0, CUBLAS_DEFAULT_MATH);
  run_typed(vector, output<void>(vector.result));
}

std::uint64_t CublasHandle::reduce(const vgpu_blas_vector& vector, CUstream stream) {
  if (vector.operation < VGPU_BLAS_DOT)
    throw CallError(CUDA_ERROR_INVALID_VALUE, "an operation without a result");
  std::uint64_t bits = 0;
  prepare(stream, false, CUBLAS_DEFAULT_MATH);
  run_typed(vector, &bits);
  return bits;
}

}  // namespace vgpu::executor
