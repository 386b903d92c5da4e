// All instruction sets give the products that three loops give.
#include "compute/product_kernel.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace vgpu::compute;

struct Path {
  std::string name;
  ProductKernels kernels;
};

/** Those that this processor has. */
std::vector<Path> paths() {
  std::vector<Path> found{{"portable", portable::productKernels()}};
#ifdef VGPU_X86_PATHS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    found.push_back({"avx2", avx2::productKernels()});
  }
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    found.push_back({"avx512", avx512::productKernels()});
  }
#endif
  return found;
}

template <typename Bits>
const ProductKernel<Bits>& of(const ProductKernels& kernels) {
  if constexpr (sizeof(Bits) == 4) {
    return kernels.u32;
  } else {
    return kernels.u64;
  }
}

template <typename Bits>
struct Elements {
  std::vector<Bits> data;
  std::size_t stride;

  /** Any bits, behind the rows, too. */
  Elements(std::size_t rows, std::size_t columns, std::uint64_t seed) : stride(columns + 3) {
    std::mt19937_64 generator(seed);
    data.resize(rows * stride);
    for (Bits& element : data) element = static_cast<Bits>(generator());
  }
};

template <typename Bits>
void compareBlock(const ProductKernel<Bits>& kernel, std::size_t rows, std::size_t inner,
                  std::size_t columns) {
  CAPTURE(rows);
  CAPTURE(inner);
  CAPTURE(columns);
  const Elements<Bits> a(rows, inner, 1);
  const Elements<Bits> b(inner, columns, 2);
  Elements<Bits> c(rows, columns, 3);
  for (const bool isAdded : {true, false}) {
    std::vector<Bits> expected = c.data;
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        Bits& sum = expected[row * c.stride + column];
        if (!isAdded) sum = 0;
        for (std::size_t i = 0; i < inner; ++i)
          sum += a.data[row * a.stride + i] * b.data[i * b.stride + column];
      }
    }
    kernel.multiply({a.data.data(), rows, inner, a.stride}, {b.data.data(), inner, columns, b.stride},
                    {c.data.data(), rows, columns, c.stride}, isAdded);
    // Also what lies behind the rows: it is left alone.
    REQUIRE(c.data == expected);
  }
}

TEST_CASE_TEMPLATE("every path multiplies blocks of all sizes", Bits, std::uint32_t, std::uint64_t) {
  for (const Path& path : paths()) {
    CAPTURE(path.name);
    const ProductKernel<Bits>& kernel = of<Bits>(path.kernels);
    // Tiles have 4, 6 or 12 rows and 4 to 32 columns.
    for (const std::size_t rows : {1U, 4U, 5U, 11U, 12U, 13U, 96U}) {
      for (const std::size_t columns : {1U, 3U, 4U, 8U, 15U, 16U, 31U, 32U, 33U, 65U}) {
        for (const std::size_t inner : {1U, 2U, 64U}) compareBlock(kernel, rows, inner, columns);
      }
    }
    compareBlock(kernel, kProductRows, kProductRowBytes / sizeof(Bits), 256);
  }
}

TEST_CASE_TEMPLATE("every path sums products of vectors", Bits, std::uint32_t, std::uint64_t) {
  for (const Path& path : paths()) {
    CAPTURE(path.name);
    for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 4099U}) {
      const Elements<Bits> x(1, count, 4);
      const Elements<Bits> y(1, count, 5);
      Bits expected = 0;
      for (std::size_t i = 0; i < count; ++i) expected += x.data[i] * y.data[i];
      CHECK(of<Bits>(path.kernels).dot(x.data.data(), y.data.data(), count) == expected);
    }
  }
}

}  // namespace
