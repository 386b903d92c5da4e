#include "vgpu/blas/vector_operations.h"

#include <cmath>
#include <utility>

namespace vgpu::blas {

template <typename Number>
void axpy(std::int64_t count, Number alpha, Vector<const Number> x, Vector<Number> y) {
  if (alpha == 0) return;
  for (std::int64_t i = 0; i < count; ++i) y[i] += alpha * x[i];
}

template <typename Number>
void scal(std::int64_t count, Number alpha, Vector<Number> x) {
  for (std::int64_t i = 0; i < count; ++i) x[i] *= alpha;
}

template <typename Number>
void copy(std::int64_t count, Vector<const Number> x, Vector<Number> y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i];
}

template <typename Number>
void swap(std::int64_t count, Vector<Number> x, Vector<Number> y) {
  for (std::int64_t i = 0; i < count; ++i) std::swap(x[i], y[i]);
}

template <typename Number>
Number dot(std::int64_t count, Vector<const Number> x, Vector<const Number> y) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return static_cast<Number>(sum);
}

template <typename Number>
Number asum(std::int64_t count, Vector<const Number> x) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += std::fabs(static_cast<double>(x[i]));
  return static_cast<Number>(sum);
}

template <typename Number>
Number nrm2(std::int64_t count, Vector<const Number> x) {
  // The sum of squares relative to the square of the largest magnitude so far (LAPACK's xLASSQ).
  double scale = 0;
  double squares = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    const double magnitude = std::fabs(static_cast<double>(x[i]));
    if (std::isnan(magnitude)) return static_cast<Number>(magnitude);
    if (magnitude == 0) continue;
    if (std::isinf(magnitude)) {
      for (; i < count; ++i) {
        if (std::isnan(x[i])) return x[i];
      }
      return static_cast<Number>(magnitude);
    }
    if (scale < magnitude) {
      squares = 1 + squares * (scale / magnitude) * (scale / magnitude);
      scale = magnitude;
    } else {
      squares += (magnitude / scale) * (magnitude / scale);
    }
  }
  return static_cast<Number>(scale * std::sqrt(squares));
}

namespace {

template <typename Number, typename Better>
std::int32_t index_of(std::int64_t count, Vector<const Number> x, Better better) {
  if (count <= 0) return 0;
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < count; ++i) {
    if (better(std::fabs(x[i]), std::fabs(x[best]))) best = i;
  }
  return static_cast<std::int32_t>(best + 1);
}

}  // namespace

template <typename Number>
std::int32_t iamax(std::int64_t count, Vector<const Number> x) {
  return index_of(count, x, [](Number a, Number b) { return a > b; });
}

template <typename Number>
std::int32_t iamin(std::int64_t count, Vector<const Number> x) {
  return index_of(count, x, [](Number a, Number b) { return a < b; });
}

template void axpy(std::int64_t, float, Vector<const float>, Vector<float>);
template void axpy(std::int64_t, double, Vector<const double>, Vector<double>);
template void scal(std::int64_t, float, Vector<float>);
template void scal(std::int64_t, double, Vector<double>);
template void copy(std::int64_t, Vector<const float>, Vector<float>);
template void copy(std::int64_t, Vector<const double>, Vector<double>);
template void swap(std::int64_t, Vector<float>, Vector<float>);
template void swap(std::int64_t, Vector<double>, Vector<double>);
template float dot(std::int64_t, Vector<const float>, Vector<const float>);
template double dot(std::int64_t, Vector<const double>, Vector<const double>);
template float asum(std::int64_t, Vector<const float>);
template double asum(std::int64_t, Vector<const double>);
template float nrm2(std::int64_t, Vector<const float>);
template double nrm2(std::int64_t, Vector<const double>);
template std::int32_t iamax(std::int64_t, Vector<const float>);
template std::int32_t iamax(std::int64_t, Vector<const double>);
template std::int32_t iamin(std::int64_t, Vector<const float>);
template std::int32_t iamin(std::int64_t, Vector<const double>);

}  // namespace vgpu::blas
