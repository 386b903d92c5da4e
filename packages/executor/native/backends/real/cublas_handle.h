// Carries out what a guest has described, by functions of the host's cuBLAS.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "backends/real/cublas_library.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// A handle of cuBLAS. It belongs to the context that is current when it is made, which must be current in
/// every call, the destructor excepted: what is not given back by release() goes with the context. Everything
/// throws CallError with what cuBLAS says, as an error of CUDA.
///
/// Matrices and vectors are not looked up before: the device's own kernels read them, like any other kernel.
class CublasHandle {
 public:
  explicit CublasHandle(const CublasFunctions& functions);

  void multiply(const vgpu_blas_product& product, CUstream stream);
  void solve(const vgpu_blas_solve& system, CUstream stream);
  /// `result` is where the device writes what the operation computes.
  void change(const vgpu_blas_vector& vector, CUstream stream);
  /// Waits. Returns the bits of what the operation computes.
  std::uint64_t reduce(const vgpu_blas_vector& vector, CUstream stream);

  void release();

 private:
  /// What the following call of cuBLAS is to use. Scalars lie where `on_device` says.
  void prepare(CUstream stream, bool on_device, std::uint32_t math_mode);

  void multiply_matrices(const vgpu_blas_product& product, const void* alpha, const void* beta);
  template <typename Number>
  void multiply_vector(const vgpu_blas_product& product, const void* alpha, const void* beta);
  template <typename Number>
  void add_product(const vgpu_blas_product& product, const void* alpha);
  template <typename Number>
  void solve_as(const vgpu_blas_solve& system, const void* alpha);
  template <typename Number>
  void run(const vgpu_blas_vector& vector, void* result);
  template <typename Number>
  void reduce_as(const vgpu_blas_vector& vector, void* result);
  void run_typed(const vgpu_blas_vector& vector, void* result);

  /// Calls one of cuBLAS's functions with this handle.
  template <typename Function, typename... Arguments>
  void call(const Function& function, Arguments... arguments) {
    check(function(handle_, arguments...), function.name());
  }
  static void check(cublasStatus_t status, const char* function);

  const CublasFunctions& functions_;
  cublasHandle_t handle_ = nullptr;
};

/// Of cuBLAS's two functions for float and double that for `Number`.
template <typename Number, typename Single, typename Double>
const auto& cublas_function(const Single& single, const Double& wide) {
  if constexpr (std::same_as<Number, float>) {
    return single;
  } else {
    return wide;
  }
}

}  // namespace vgpu::executor
