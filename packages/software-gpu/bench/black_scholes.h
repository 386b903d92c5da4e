// Compiled twice, with and without -ffast-math. In a namespace of the vector path, like all that is compiled
// for it.
#pragma once

#include <cmath>

#include "reference.h"

namespace vgpu::software::bench::VGPU_VECTOR_PATH {
namespace {

/// The normal distribution's integral (Abramowitz and Stegun, 26.2.17).
inline float normal(float x) {
  const float t = 1 / (1 + 0.2316419F * __builtin_fabsf(x));
  const float polynomial =
      t * (0.31938153F + t * (-0.356563782F + t * (1.781477937F + t * (-1.821255978F + t * 1.330274429F))));
  const float tail = 0.39894228F * expf(-0.5F * x * x) * polynomial;
  return x > 0 ? 1 - tail : tail;
}

inline void price_options(Range options, const OptionPrices& in) {
  for (std::size_t i = options.begin; i < options.end; ++i) {
    const float root = __builtin_sqrtf(in.years[i]);
    const float d1 = (logf(in.prices[i] / in.strikes[i]) +
                      (in.rate + 0.5F * in.volatility * in.volatility) * in.years[i]) /
                     (in.volatility * root);
    const float d2 = d1 - in.volatility * root;
    const float discounted = in.strikes[i] * expf(-in.rate * in.years[i]);
    in.calls[i] = in.prices[i] * normal(d1) - discounted * normal(d2);
    in.puts[i] = discounted * normal(-d2) - in.prices[i] * normal(-d1);
  }
}

}  // namespace
}  // namespace vgpu::software::bench::VGPU_VECTOR_PATH
