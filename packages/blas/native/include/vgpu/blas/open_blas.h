// OpenBLAS, where the machine has it.
#pragma once

#include <memory>

#include "vgpu/blas/block_kernel.h"

namespace vgpu::blas {

/// Not for several threads at once.
class OpenBlas {
 public:
  /// Null when there is no libopenblas.so.0, or it lacks something. It is to use that many threads.
  static std::unique_ptr<OpenBlas> load(unsigned threads);
  ~OpenBlas();
  OpenBlas(const OpenBlas&) = delete;
  OpenBlas& operator=(const OpenBlas&) = delete;

  /// What openblas_get_config() says: version and processor.
  [[nodiscard]] const char* description() const { return description_; }
  /// Whether it has taken kernels for AVX-512. A release older than the processor may take others, for it
  /// asks which processor that is, not what it can do.
  [[nodiscard]] bool uses_avx512() const { return uses_avx512_; }

  /// False, and nothing is done, for a product that OpenBLAS has no function for: all three matrices must be
  /// of f32 or of f64, and lie by columns or by rows, c by columns.
  [[nodiscard]] bool multiply(const Product& product) const;

 private:
  struct Functions;
  OpenBlas(void* library, std::unique_ptr<Functions> functions, const char* description, bool uses_avx512);

  void* library_;
  std::unique_ptr<Functions> functions_;
  const char* description_;
  bool uses_avx512_;
};

}  // namespace vgpu::blas
