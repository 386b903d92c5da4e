// Products of matrices in this process's memory, on all of the software GPU's threads.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vgpu/blas/block_kernel.h"
#include "vgpu/blas/open_blas.h"

namespace vgpu::blas {

enum class Path { portable, avx2, avx512 };

/// Calls task(0) … task(count - 1), each on a thread of its own, and returns when all have returned.
using Parallel = std::function<void(unsigned count, const std::function<void(unsigned)>& task)>;

/// The results depend on the path and on whether OpenBLAS is used; with our own kernel they do not depend on
/// the number of threads. Not for several threads at once.
class Multiplier {
 public:
  /// `path` must be one that the processor has. With `use_open_blas` it does what OpenBLAS has functions for,
  /// if the machine has OpenBLAS, and that has kernels for AVX-512 where the path is.
  Multiplier(Path path, unsigned threads, Parallel parallel, bool use_open_blas);

  /// "OpenBLAS 0.3.21 …" or "its own kernel (avx512)", for the log.
  [[nodiscard]] const std::string& description() const { return description_; }

  /// All of the batch have the same shape and types. None may overlap another's c.
  void multiply(std::span<const Product> batch);

 private:
  void run(const BlockKernel& kernel, std::span<const Product> batch);

  struct Release {
    void operator()(std::byte* memory) const;
  };
  using Scratch = std::unique_ptr<std::byte, Release>;

  BlockKernels kernels_;
  unsigned threads_;
  Parallel parallel_;
  std::unique_ptr<OpenBlas> open_blas_;
  std::string description_;
  std::vector<Scratch> scratch_;  // one per thread, made when first needed
};

}  // namespace vgpu::blas
