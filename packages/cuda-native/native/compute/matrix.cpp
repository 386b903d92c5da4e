#include "compute/matrix.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/matrix_checks.h"

namespace vgpu::compute {

void checkMatrix(const Matrix& matrix) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / 16;
  if (matrix.stride < matrix.columns) throw Error(ErrorKind::argument, "rows that overlap");
  if (matrix.rows == 0 || matrix.columns == 0) return;
  if (matrix.rows - 1 > (kMost - matrix.columns) / matrix.stride) {
    throw Error(ErrorKind::argument, "a matrix beyond what can be addressed");
  }
  checkCount((matrix.rows - 1) * matrix.stride + matrix.columns, matrix.array);
}

void checkShape(const Matrix& matrix, std::size_t rows, std::size_t columns) {
  if (matrix.rows == rows && matrix.columns == columns) return;
  throw Error(ErrorKind::argument, "a matrix of " + std::to_string(matrix.rows) + " x " +
                                       std::to_string(matrix.columns) + " where one of " +
                                       std::to_string(rows) + " x " + std::to_string(columns) + " belongs");
}

void checkFloats(ElementType type) {
  if (isFloat(type)) return;
  throw Error(ErrorKind::argument, "integers where floats belong");
}

namespace {

/** Squares of this size fit into the first-level cache, rows of them into cache lines. */
constexpr std::size_t kTile = 32;

template <typename Bits>
void transposeTile(const Bits* from, std::size_t stride, std::size_t rows, std::size_t columns, Bits* to,
                   std::size_t toStride) {
  // Through a copy: powers of two as strides would put whole columns into one set of the cache.
  std::array<Bits, kTile * kTile> tile;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      tile[column * kTile + row] = from[row * stride + column];
    }
  }
  for (std::size_t column = 0; column < columns; ++column) {
    std::copy_n(tile.data() + column * kTile, rows, to + column * toStride);
  }
}

template <typename Bits>
void transposeOf(const Context& context, const Matrix& a, const Matrix& out) {
  context.forBlocks(a.rows, kTile, [&](std::size_t first, std::size_t last) {
    for (std::size_t column = 0; column < a.columns; column += kTile) {
      transposeTile(a.array.as<Bits>() + first * a.stride + column, a.stride, last - first,
                    std::min(kTile, a.columns - column), out.array.as<Bits>() + column * out.stride + first,
                    out.stride);
    }
  });
}

}  // namespace

void transpose(const Context& context, const Matrix& a, const Matrix& out) {
  checkMatrix(a);
  checkMatrix(out);
  checkType(out.array, a.array.type);
  checkShape(out, a.columns, a.rows);
  checkApart(a.array, out.array);
  if (elementBytes(a.array.type) == 4) {
    transposeOf<std::uint32_t>(context, a, out);
  } else {
    transposeOf<std::uint64_t>(context, a, out);
  }
}

}  // namespace vgpu::compute
