// The computations of kernels.cu in C++, compiled with the instruction set of one vector path. Each works on
// a range of its outputs, so that several threads can share it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vgpu::software::bench {

struct Range {
  std::size_t begin;
  std::size_t end;
};

struct OptionPrices {
  float rate;
  float volatility;
  const float* prices;
  const float* strikes;
  const float* years;
  float* calls;
  float* puts;
};

inline constexpr std::size_t kBins = 256;

struct Reference {
  void (*arithmetic)(Range threads, std::uint32_t* integers, float* floats, std::uint32_t rounds,
                     float factor, std::uint32_t multiplier);
  void (*saxpy)(Range elements, float factor, const float* x, float* y);
  float (*reduction)(Range elements, const float* values);
  void (*matrix_product)(Range rows, std::size_t size, const float* a, const float* b, float* c);
  void (*stencil)(Range rows, std::size_t size, float rate, const float* before, float* after);
  /// Positions and accelerations have four elements each.
  void (*bodies)(Range bodies, std::size_t count, float softening, const float* positions,
                 float* accelerations);
  void (*histogram)(Range elements, const std::uint32_t* values, std::uint32_t bins[kBins]);
  void (*black_scholes)(Range options, const OptionPrices& options_prices);
  /// The same, compiled with -ffast-math, which lets the compiler call the vector functions of libmvec.
  void (*black_scholes_fast)(Range options, const OptionPrices& option_prices);
  void (*mandelbrot)(Range rows, std::size_t size, int limit, int* rounds);
};

namespace portable {
Reference reference();
void black_scholes_fast(Range options, const OptionPrices& option_prices);
}  // namespace portable
namespace avx2 {
Reference reference();
void black_scholes_fast(Range options, const OptionPrices& option_prices);
}  // namespace avx2
namespace avx512 {
Reference reference();
void black_scholes_fast(Range options, const OptionPrices& option_prices);
}  // namespace avx512

}  // namespace vgpu::software::bench
