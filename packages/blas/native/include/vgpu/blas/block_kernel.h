// A block of a matrix product, on one thread: the part that is compiled for several instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vgpu/blas/element.h"

namespace vgpu::blas {

/// Strides are in elements and may have either sign.
struct Matrix {
  std::byte* first = nullptr;
  Element element = Element::f32;
  std::int64_t row_stride = 1;
  std::int64_t column_stride = 0;

  [[nodiscard]] Matrix at(std::int64_t row, std::int64_t column) const {
    Matrix part = *this;
    part.first +=
        (row * row_stride + column * column_stride) * static_cast<std::int64_t>(element_bytes(element));
    return part;
  }
};

/// c = alpha a b + beta c, with a of m × k and b of k × n elements. c is not read when beta is 0; a and b are
/// not when alpha is 0.
struct Product {
  Matrix a;
  Matrix b;
  Matrix c;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  double alpha = 1;
  double beta = 0;
};

/// The largest block that multiply() takes, and how much memory it needs for one, aligned to kAlignment.
/// Blocks of c may be computed in any order and by any thread: no element's result depends on it.
struct BlockKernel {
  static constexpr std::size_t kAlignment = 64;

  std::int64_t rows;
  std::int64_t columns;
  std::int64_t unit_rows;  // c is best cut at multiples of these
  std::int64_t unit_columns;
  std::size_t scratch_bytes;
  void (*multiply)(const Product& block, std::byte* scratch);
};

/// Sums in float, for c of f16, bf16 and f32; sums in double, for f64 and i32. The sums of i32 wrap around.
struct BlockKernels {
  BlockKernel single;
  BlockKernel wide;
};

namespace portable {
BlockKernels block_kernels();
}
namespace avx2 {
BlockKernels block_kernels();
}
namespace avx512 {
BlockKernels block_kernels();
}

}  // namespace vgpu::blas
