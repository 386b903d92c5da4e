#include "gpu/matrix.h"

#include <algorithm>

#include "compute/checks.h"
#include "compute/matrix_checks.h"
#include "gpu/kernel_name.h"

namespace vgpu::gpu {
namespace {

using compute::Array;
using compute::Matrix;
using compute::MatrixBatch;

/** As matrix.cu has them. */
constexpr std::size_t kTile = 64;
constexpr std::size_t kSquare = 32;

}  // namespace

void multiply(const Context& context, const Matrix& a, const Matrix& b, const Matrix& c) {
  multiplyBatch(context, {.first = a, .count = 1}, {.first = b, .count = 1}, {.first = c, .count = 1});
}

void multiplyBatch(const Context& context, const MatrixBatch& a, const MatrixBatch& b, const MatrixBatch& c) {
  compute::checkBatchProducts(a, b, c);
  const std::size_t rows = c.first.rows;
  const std::size_t columns = c.first.columns;
  const std::size_t inner = a.first.columns;
  if (c.count == 0 || rows == 0 || columns == 0) return;
  const Buffer left = context.upload(rowsOf(a));
  const Buffer right = context.upload(rowsOf(b));
  const Buffer product = context.allocate(rowsOf(c).bytes());
  Grid grid = squares(rows, columns, kTile);
  grid.layers = static_cast<unsigned>(std::min(c.count, kMostRows));
  context.device().launch(Family::matrix, kernelName("matmul", wrappingNameOf(a.first.array.type)), grid,
                          context.stream(), left.address(), a.count * rows * inner, right.address(),
                          a.count * inner * columns, product.address(), a.count * rows * columns, a.count,
                          rows, inner, columns);
  context.download(product.address(), rowsOf(c));
}

void multiplyVector(const Context& context, const Matrix& a, const Array& x, const Array& y) {
  multiplyVectors(context, {.first = a, .count = 1}, x, y);
}

void multiplyVectors(const Context& context, const MatrixBatch& a, const Array& x, const Array& y) {
  compute::checkBatchVectors(a, x, y);
  const std::size_t rows = a.first.rows;
  const std::size_t columns = a.first.columns;
  const Array result{y.type, y.data, a.count * rows};
  if (result.count == 0) return;
  const Buffer matrices = context.upload(rowsOf(a));
  const Buffer vectors = context.upload(rowsOf(Array{x.type, x.data, a.count * columns}));
  const Buffer product = context.allocate(result.bytes());
  constexpr std::size_t kRowsOfBlock = 8;
  context.device().launch(Family::reduce, kernelName("matvec", wrappingNameOf(x.type)),
                          tiles(result.count, kRowsOfBlock), context.stream(), matrices.address(),
                          result.count * columns, vectors.address(), a.count * columns, product.address(),
                          result.count, result.count, rows, columns);
  context.download(product.address(), rowsOf(result));
}

void transpose(const Context& context, const Matrix& a, const Matrix& out) {
  compute::checkMatrix(a);
  compute::checkMatrix(out);
  compute::checkType(out.array, a.array.type);
  compute::checkShape(out, a.columns, a.rows);
  compute::checkApart(a.array, out.array);
  if (a.rows == 0 || a.columns == 0) return;
  const Buffer matrix = context.upload(rowsOf(a));
  const Buffer transposed = context.allocate(rowsOf(out).bytes());
  context.device().launch(Family::matrix, kernelName("transpose", bitsOf(a.array.type)),
                          squares(a.rows, a.columns, kSquare), context.stream(), matrix.address(),
                          a.rows * a.columns, transposed.address(), a.rows * a.columns, a.rows, a.columns);
  context.download(transposed.address(), rowsOf(out));
}

}  // namespace vgpu::gpu
