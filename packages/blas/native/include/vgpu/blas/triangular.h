// Systems of equations with a triangular matrix, in this process's memory.
#pragma once

#include <cstdint>

#include "vgpu/blas/block_kernel.h"

namespace vgpu::blas {

/// a x = alpha b, where a is the lower or upper triangle of a matrix of the given order; x takes the place of
/// b, which has `columns` columns. Both are of f32, or both of f64. What stands in place of the other half of
/// a is not read, nor is the diagonal when it is `unit`: it then counts as ones.
struct TriangularSystem {
  Matrix a;
  Matrix b;
  std::int64_t order = 0;
  std::int64_t columns = 0;
  double alpha = 1;
  bool lower = true;
  bool unit = false;
};

void solve(const TriangularSystem& system);

}  // namespace vgpu::blas
