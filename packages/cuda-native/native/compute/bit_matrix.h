// Matrices of bits.
#pragma once

#include "compute/context.h"
#include "compute/matrix.h"

namespace vgpu::compute {

/** By rows of 64-bit words; bit j of a row is bit j % 64 of its word j / 64, the lowest first. What lies
 * behind the last column in its word does not count. */
struct BitMatrix {
  Array words;  // u64
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;  // in words
};

/** Of bits that one row takes. */
std::size_t wordsOf(std::size_t bits);
/** What multiplyBits() checks before it touches memory. */
void checkBitProduct(const BitMatrix& a, const BitMatrix& b, const Matrix& c);

/** c[i, j]: for how many k both a[i, k] and b[k, j] are 1. `c` is of i32, and `a` has at most 2³¹ − 1
 * columns. */
void multiplyBits(Context& context, const BitMatrix& a, const BitMatrix& b, const Matrix& c);

}  // namespace vgpu::compute
