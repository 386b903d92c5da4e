// Columns of b become rows first, so that the words of a and of b lie side by side; then each element is a
// count of common bits.
#include "compute/bit_matrix.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "compute/bit_kernel.h"
#include "compute/checks.h"
#include "compute/error.h"
#include "compute/kernels.h"
#include "compute/matrix_checks.h"

namespace vgpu::compute {

CommonBits commonBitsKernel() {
#ifdef VGPU_X86_PATHS
  const std::string_view path = kernelPath();
  if (path == "avx512" && __builtin_cpu_supports("avx512vpopcntdq")) return bits_avx512::commonBits;
  if (path != "portable" && __builtin_cpu_supports("popcnt")) return bits_popcnt::commonBits;
#endif
  return bits_portable::commonBits;
}

namespace {

constexpr std::size_t kWordBits = 64;
/** Rows of a and of b, and words of them, that one task takes at a time: they fit into the second-level
 * cache. */
constexpr std::size_t kRows = 64;
constexpr std::size_t kWords = 512;

void checkBits(const BitMatrix& matrix) {
  checkType(matrix.words, ElementType::u64);
  checkMatrix({matrix.words, matrix.rows, wordsOf(matrix.columns), matrix.stride});
}

/** Swaps ever smaller squares across the diagonal (Warren, "Hacker's Delight", 7-3). */
void transposeSquare(std::array<std::uint64_t, kWordBits>& rows) {
  std::uint64_t mask = 0x00000000ffffffff;
  for (std::size_t side = 32; side != 0; side /= 2, mask ^= mask << side) {
    for (std::size_t row = 0; row < kWordBits; row = (row + side + 1) & ~side) {
      const std::uint64_t swapped = ((rows[row] >> side) ^ rows[row + side]) & mask;
      rows[row] ^= swapped << side;
      rows[row + side] ^= swapped;
    }
  }
}

/** Row j of `to` are the words of column j. Bits behind the last row of `from` are 0. */
void transposeBits(const Context& context, const BitMatrix& from, std::uint64_t* to) {
  const std::size_t stride = wordsOf(from.rows);
  const auto* words = from.words.as<std::uint64_t>();
  context.forEach(wordsOf(from.columns), [&](std::size_t word) {
    const std::size_t columns = std::min(kWordBits, from.columns - word * kWordBits);
    for (std::size_t row = 0; row < from.rows; row += kWordBits) {
      std::array<std::uint64_t, kWordBits> square{};
      const std::size_t rows = std::min(kWordBits, from.rows - row);
      for (std::size_t i = 0; i < rows; ++i) square[i] = words[(row + i) * from.stride + word];
      transposeSquare(square);
      for (std::size_t i = 0; i < columns; ++i)
        to[(word * kWordBits + i) * stride + row / kWordBits] = square[i];
    }
  });
}

}  // namespace

std::size_t wordsOf(std::size_t bits) {
  return bits / kWordBits + (bits % kWordBits != 0 ? 1 : 0);
}

void checkBitProduct(const BitMatrix& a, const BitMatrix& b, const Matrix& c) {
  checkBits(a);
  checkBits(b);
  checkMatrix(c);
  checkType(c.array, ElementType::i32);
  if (a.columns != b.rows) {
    throw Error(ErrorKind::argument, "bit matrices that do not fit", a.columns, b.rows);
  }
  checkShape(c, a.rows, b.columns);
  if (a.columns > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorKind::argument, "more columns than i32 can count", a.columns);
  }
  checkApart(a.words, c.array);
  checkApart(b.words, c.array);
}

void multiplyBits(Context& context, const BitMatrix& a, const BitMatrix& b, const Matrix& c) {
  checkBitProduct(a, b, c);
  const std::size_t words = wordsOf(a.columns);
  const auto columns = context.allocate<std::uint64_t>(words * b.columns);
  transposeBits(context, b, columns.get());
  const CommonBits kernel = commonBitsKernel();
  const std::size_t across = (b.columns + kRows - 1) / kRows;
  const std::size_t down = (a.rows + kRows - 1) / kRows;
  context.forEach(down * across, [&](std::size_t task) {
    const std::size_t row = task / across * kRows;
    const std::size_t column = task % across * kRows;
    const std::size_t rowCount = std::min(kRows, a.rows - row);
    const std::size_t columnCount = std::min(kRows, b.columns - column);
    std::int32_t* counts = c.array.as<std::int32_t>() + row * c.stride + column;
    for (std::size_t i = 0; i < rowCount; ++i) std::fill_n(counts + i * c.stride, columnCount, 0);
    for (std::size_t word = 0; word < words; word += kWords) {
      // What lies behind the last column of a meets zeros.
      kernel({a.words.as<std::uint64_t>() + row * a.stride + word, rowCount, a.stride},
             {columns.get() + column * words + word, columnCount, words}, std::min(kWords, words - word),
             counts, c.stride);
    }
  });
}

}  // namespace vgpu::compute
