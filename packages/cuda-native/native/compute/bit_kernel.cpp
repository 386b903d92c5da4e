// Squares of 4 x 4 rows, so that each word that is loaded serves four times. Compiled without AVX-512, a word
// is 64 bits and the compiler counts its bits by the processor's instruction or, without one, by additions.
#include "compute/bit_kernel.h"

#ifdef __AVX512VPOPCNTDQ__
#include <immintrin.h>
#endif

namespace vgpu::compute::VGPU_BIT_PATH {
namespace {

#ifdef __AVX512VPOPCNTDQ__
struct Words {
  static constexpr std::size_t count = 8;
  __m512i bits;
};
struct Sum {
  __m512i lanes = _mm512_setzero_si512();
  void add(Words a, Words b) {
    lanes = _mm512_add_epi64(lanes, _mm512_popcnt_epi64(_mm512_and_si512(a.bits, b.bits)));
  }
  [[nodiscard]] std::int32_t total() const {
    std::uint64_t each[Words::count];
    _mm512_storeu_si512(each, lanes);
    std::uint64_t sum = 0;
    for (const std::uint64_t lane : each) sum += lane;
    return static_cast<std::int32_t>(sum);
  }
};
Words load(const std::uint64_t* from, std::size_t left) {
  const auto mask = static_cast<__mmask8>(left >= Words::count ? 0xff : (1U << left) - 1);
  return {_mm512_maskz_loadu_epi64(mask, from)};
}
#else
struct Words {
  static constexpr std::size_t count = 1;
  std::uint64_t bits;
};
struct Sum {
  std::uint64_t count = 0;
  void add(Words a, Words b) { count += static_cast<std::uint64_t>(__builtin_popcountll(a.bits & b.bits)); }
  [[nodiscard]] std::int32_t total() const { return static_cast<std::int32_t>(count); }
};
Words load(const std::uint64_t* from, std::size_t /*left*/) {
  return {*from};
}
#endif

template <std::size_t rows, std::size_t columns>
void tile(const std::uint64_t* a, std::size_t aStride, const std::uint64_t* b, std::size_t bStride,
          std::size_t words, std::int32_t* counts, std::size_t countStride) {
  Sum sums[rows][columns];
  for (std::size_t word = 0; word < words; word += Words::count) {
    Words right[columns];
    for (std::size_t j = 0; j < columns; ++j) right[j] = load(b + j * bStride + word, words - word);
    for (std::size_t i = 0; i < rows; ++i) {
      const Words left = load(a + i * aStride + word, words - word);
      for (std::size_t j = 0; j < columns; ++j) sums[i][j].add(left, right[j]);
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) counts[i * countStride + j] += sums[i][j].total();
  }
}

}  // namespace

void commonBits(const BitRows& a, const BitRows& b, std::size_t words, std::int32_t* counts,
                std::size_t countStride) {
  constexpr std::size_t kSide = 4;
  for (std::size_t i = 0; i < a.count;) {
    const std::size_t rows = a.count - i >= kSide ? kSide : 1;
    const std::uint64_t* left = a.first + i * a.stride;
    for (std::size_t j = 0; j < b.count;) {
      const std::size_t columns = b.count - j >= kSide ? kSide : 1;
      const std::uint64_t* right = b.first + j * b.stride;
      std::int32_t* to = counts + i * countStride + j;
      const auto run = rows == kSide ? (columns == kSide ? tile<kSide, kSide> : tile<kSide, 1>)
                                     : (columns == kSide ? tile<1, kSide> : tile<1, 1>);
      run(left, a.stride, right, b.stride, words, to, countStride);
      j += columns;
    }
    i += rows;
  }
}

}  // namespace vgpu::compute::VGPU_BIT_PATH
