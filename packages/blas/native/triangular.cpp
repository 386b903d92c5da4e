#include "vgpu/blas/triangular.h"

namespace vgpu::blas {
namespace {

template <typename Number>
Number& element(const Matrix& matrix, std::int64_t row, std::int64_t column) {
  return reinterpret_cast<Number*>(matrix.first)[row * matrix.row_stride + column * matrix.column_stride];
}

/// Substitution, row after row in the order in which the unknowns become known.
template <typename Number>
void substitute(const TriangularSystem& system) {
  const auto alpha = static_cast<Number>(system.alpha);
  for (std::int64_t column = 0; column < system.columns; ++column) {
    for (std::int64_t step = 0; step < system.order; ++step) {
      const std::int64_t row = system.lower ? step : system.order - 1 - step;
      Number& unknown = element<Number>(system.b, row, column);
      // BLAS does not read b when alpha is 0.
      Number rest = alpha == 0 ? Number{0} : alpha * unknown;
      for (std::int64_t known = 0; known < step; ++known) {
        const std::int64_t other = system.lower ? known : system.order - 1 - known;
        rest -= element<Number>(system.a, row, other) * element<Number>(system.b, other, column);
      }
      unknown = system.unit || alpha == 0 ? rest : rest / element<Number>(system.a, row, row);
    }
  }
}

}  // namespace

void solve(const TriangularSystem& system) {
  if (system.b.element == Element::f64) {
    substitute<double>(system);
  } else {
    substitute<float>(system);
  }
}

}  // namespace vgpu::blas
