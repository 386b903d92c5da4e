// As one would write it for speed in plain C++: loops that the compiler can turn into vectors, blocks that
// fit into the caches. In a file of its own, so that calls of it cannot be optimised away.
#include "reference.h"

#include <algorithm>

#include "black_scholes.h"

namespace vgpu::software::bench::VGPU_VECTOR_PATH {
namespace {

constexpr std::size_t kLanes = 32;  // enough independent work for the widest vectors

void arithmetic(Range threads, std::uint32_t* integers, float* floats, std::uint32_t rounds, float factor,
                std::uint32_t multiplier) {
  for (std::size_t first = threads.begin; first < threads.end; first += kLanes) {
    std::uint32_t index[kLanes];
    std::uint32_t r[kLanes];
    float f[kLanes];
    float g[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      index[i] = static_cast<std::uint32_t>(first + i);
      r[i] = index[i];
      f[i] = static_cast<float>(index[i]);
      g[i] = 0.5F;
    }
    for (std::uint32_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < kLanes; ++i) {
        f[i] = f[i] * factor + 1.5F;
        g[i] = g[i] * factor;
        g[i] = g[i] + f[i];
        f[i] = g[i] * -0.25F + f[i];
        g[i] = g[i] - 0.25F;
        f[i] = f[i] + 0.0625F;
        g[i] = g[i] * 0.75F;
        f[i] = f[i] * factor + g[i];
        r[i] = r[i] ^ (r[i] << 5);
        r[i] = r[i] * multiplier;
        r[i] = r[i] + (r[i] >> 7);
        r[i] = r[i] * 5 + index[i];
        r[i] = r[i] & 0x7fffffff;
      }
    }
    for (std::size_t i = 0; i < kLanes; ++i) {
      integers[first + i] = r[i];
      floats[first + i] = f[i] + g[i];
    }
  }
}

void saxpy(Range elements, float factor, const float* x, float* y) {
  for (std::size_t i = elements.begin; i < elements.end; ++i) y[i] = factor * x[i] + y[i];
}

float reduction(Range elements, const float* values) {
  // Several sums at once: the compiler must not change the order of additions by itself.
  float sums[4 * kLanes] = {};
  std::size_t i = elements.begin;
  for (; i + 4 * kLanes <= elements.end; i += 4 * kLanes) {
    for (std::size_t lane = 0; lane < 4 * kLanes; ++lane) sums[lane] += values[i + lane];
  }
  for (; i < elements.end; ++i) sums[0] += values[i];
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

/// Some rows of b at a time, which stay in the cache while all rows of a meet them.
void matrix_product(Range rows, std::size_t size, const float* a, const float* b, float* __restrict c) {
  constexpr std::size_t kTile = 16;
  std::fill(c + rows.begin * size, c + rows.end * size, 0.0F);
  for (std::size_t tile = 0; tile < size; tile += kTile) {
    for (std::size_t row = rows.begin; row < rows.end; ++row) {
      for (std::size_t k = tile; k < tile + kTile; ++k) {
        const float factor = a[row * size + k];
        for (std::size_t column = 0; column < size; ++column) {
          c[row * size + column] += factor * b[k * size + column];
        }
      }
    }
  }
}

void stencil(Range rows, std::size_t size, float rate, const float* before, float* __restrict after) {
  for (std::size_t y = std::max<std::size_t>(rows.begin, 1); y < std::min(rows.end, size - 1); ++y) {
    const float* middle = before + y * size;
    for (std::size_t x = 1; x < size - 1; ++x) {
      after[y * size + x] = middle[x] + rate * (middle[x - 1] + middle[x + 1] + middle[x - size] +
                                                middle[x + size] - 4 * middle[x]);
    }
  }
}

void bodies(Range range, std::size_t count, float softening, const float* positions, float* accelerations) {
  for (std::size_t first = range.begin; first < range.end; first += kLanes) {
    float own_x[kLanes];
    float own_y[kLanes];
    float own_z[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      own_x[i] = positions[4 * (first + i)];
      own_y[i] = positions[4 * (first + i) + 1];
      own_z[i] = positions[4 * (first + i) + 2];
    }
    float ax[kLanes] = {};
    float ay[kLanes] = {};
    float az[kLanes] = {};
    for (std::size_t j = 0; j < count; ++j) {
      const float* other = positions + 4 * j;
      for (std::size_t i = 0; i < kLanes; ++i) {
        const float x = other[0] - own_x[i];
        const float y = other[1] - own_y[i];
        const float z = other[2] - own_z[i];
        const float inverse = 1 / __builtin_sqrtf(x * x + y * y + z * z + softening);
        const float strength = other[3] * inverse * inverse * inverse;
        ax[i] += x * strength;
        ay[i] += y * strength;
        az[i] += z * strength;
      }
    }
    for (std::size_t i = 0; i < kLanes; ++i) {
      accelerations[4 * (first + i)] = ax[i];
      accelerations[4 * (first + i) + 1] = ay[i];
      accelerations[4 * (first + i) + 2] = az[i];
      accelerations[4 * (first + i) + 3] = 0;
    }
  }
}

/// Four sets of bins, so that equal values next to each other need not wait.
void histogram(Range elements, const std::uint32_t* values, std::uint32_t bins[kBins]) {
  std::uint32_t own[4][kBins] = {};
  std::size_t i = elements.begin;
  for (; i + 4 <= elements.end; i += 4) {
    for (std::size_t set = 0; set < 4; ++set) ++own[set][values[i + set] % kBins];
  }
  for (; i < elements.end; ++i) ++own[0][values[i] % kBins];
  for (std::size_t bin = 0; bin < kBins; ++bin)
    bins[bin] = own[0][bin] + own[1][bin] + own[2][bin] + own[3][bin];
}

void black_scholes(Range options, const OptionPrices& option_prices) {
  const OptionPrices in = option_prices;
  price_options(options, in);
}

/// 32 points at a time until the last of them is done.
void mandelbrot(Range rows, std::size_t size, int limit, int* rounds) {
  const float scale = 3.0F / static_cast<float>(size);
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const float cy = static_cast<float>(row) * scale - 1.5F;
    for (std::size_t first = 0; first < size; first += kLanes) {
      float cx[kLanes];
      float x[kLanes] = {};
      float y[kLanes] = {};
      int done[kLanes] = {};
      for (std::size_t i = 0; i < kLanes; ++i) cx[i] = static_cast<float>(first + i) * scale - 2;
      for (int round = 0; round < limit; ++round) {
        int inside = 0;
        // A point that has left the circle goes on, and out of it: infinite or no number, never below 4
        // again.
        for (std::size_t i = 0; i < kLanes; ++i) {
          const float xx = x[i] * x[i];
          const float yy = y[i] * y[i];
          const int is_inside = xx + yy < 4 ? 1 : 0;
          y[i] = 2 * x[i] * y[i] + cy;
          x[i] = xx - yy + cx[i];
          done[i] += is_inside;
          inside += is_inside;
        }
        if (inside == 0) break;
      }
      std::copy_n(done, kLanes, rounds + row * size + first);
    }
  }
}

}  // namespace

Reference reference() {
  return {arithmetic, saxpy,     reduction,     matrix_product,     stencil,
          bodies,     histogram, black_scholes, black_scholes_fast, mandelbrot};
}

}  // namespace vgpu::software::bench::VGPU_VECTOR_PATH
