// All instruction sets count the same bits.
#include "compute/bit_kernel.h"

#include <doctest/doctest.h>

#include <bit>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace vgpu::compute;

struct Kernel {
  std::string name;
  CommonBits commonBits;
};

/** Those that this processor has. */
std::vector<Kernel> kernelsHere() {
  std::vector<Kernel> found{{"portable", bits_portable::commonBits}};
#ifdef VGPU_X86_PATHS
  if (__builtin_cpu_supports("popcnt")) found.push_back({"popcnt", bits_popcnt::commonBits});
  if (__builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512dq")) {
    found.push_back({"avx512", bits_avx512::commonBits});
  }
#endif
  return found;
}

TEST_CASE("common bits are added to what is there, for all numbers of rows and words") {
  constexpr std::size_t kStride = 21;
  std::mt19937_64 generator(7);
  std::vector<std::uint64_t> a(9 * kStride);
  std::vector<std::uint64_t> b(9 * kStride);
  for (auto* words : {&a, &b}) {
    for (std::uint64_t& word : *words) word = generator();
  }
  for (const Kernel& kernel : kernelsHere()) {
    CAPTURE(kernel.name);
    for (std::size_t words = 0; words <= kStride; ++words) {
      for (const std::size_t rows : {1U, 3U, 4U, 9U}) {
        for (const std::size_t columns : {1U, 4U, 6U}) {
          std::vector<std::int32_t> counts(rows * 10, 5);
          kernel.commonBits({a.data(), rows, kStride}, {b.data(), columns, kStride}, words, counts.data(),
                            10);
          std::vector<std::int32_t> expected(rows * 10, 5);
          for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) {
              for (std::size_t k = 0; k < words; ++k) {
                expected[i * 10 + j] += std::popcount(a[i * kStride + k] & b[j * kStride + k]);
              }
            }
          }
          REQUIRE(counts == expected);
        }
      }
    }
  }
}

}  // namespace
