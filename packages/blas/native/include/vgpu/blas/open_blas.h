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

  /// False, and nothing is done, for a product that OpenBLAS has no function for: all three matrices must be
  /// of f32 or of f64, and lie by columns or by rows, c by columns.
  [[nodiscard]] bool multiply(const Product& product) const;

 private:
  struct Functions;
  OpenBlas(void* library, std::unique_ptr<Functions> functions, const char* description);

  void* library_;
  std::unique_ptr<Functions> functions_;
  const char* description_;
};

}  // namespace vgpu::blas
