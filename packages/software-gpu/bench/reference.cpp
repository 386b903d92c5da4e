// The benchmarks' work in C++, as one would write it for speed: 32 elements at a time, so that the compiler
// can use vectors. In a file of its own, so that calls of it cannot be optimised away.
#include "kernels.h"

namespace vgpu::software::bench::VGPU_VECTOR_PATH {
namespace {

constexpr std::size_t kElements = 32;

void arithmetic(std::uint32_t* integers, float* floats, std::size_t threads, std::uint32_t iterations,
                float factor, std::uint32_t multiplier) {
  for (std::size_t first = 0; first < threads; first += kElements) {
    std::uint32_t r6[kElements];
    std::uint32_t r7[kElements];
    float f2[kElements];
    float f3[kElements];
    for (std::size_t i = 0; i < kElements; ++i) {
      r6[i] = static_cast<std::uint32_t>(first + i);
      r7[i] = r6[i];
      f2[i] = static_cast<float>(r6[i]);
      f3[i] = 0.5F;
    }
    for (std::uint32_t iteration = 0; iteration < iterations; ++iteration) {
      for (std::size_t i = 0; i < kElements; ++i) {
        f2[i] = __builtin_fmaf(f2[i], factor, 1.5F);
        f3[i] = f3[i] * factor;
        f3[i] = f3[i] + f2[i];
        f2[i] = __builtin_fmaf(f3[i], -0.25F, f2[i]);
        f3[i] = f3[i] - 0.25F;
        f2[i] = f2[i] + 0.0625F;
        f3[i] = f3[i] * 0.75F;
        f2[i] = __builtin_fmaf(f2[i], factor, f3[i]);
        const std::uint32_t r8 = r7[i] << 5;
        r7[i] ^= r8;
        r7[i] *= multiplier;
        r7[i] += r7[i] >> 7;
        r7[i] ^= r6[i];
        r7[i] = r7[i] * 5 + r8;
        r7[i] &= 0x7fffffff;
      }
    }
    for (std::size_t i = 0; i < kElements; ++i) {
      integers[first + i] = r7[i];
      floats[first + i] = f2[i] + f3[i];
    }
  }
}

void memory(std::size_t count, float factor, const float* x, float* y) {
  for (std::size_t i = 0; i < count; ++i) y[i] = __builtin_fmaf(x[i], factor, y[i]);
}

}  // namespace

Reference reference() {
  return {arithmetic, memory};
}

}  // namespace vgpu::software::bench::VGPU_VECTOR_PATH
