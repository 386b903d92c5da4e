#include "gpu/matrix.h"

#include <algorithm>

#include "compute/checks.h"
#include "compute/matrix_checks.h"
#include "gpu/kernel_name.h"

namespace vgpu::gpu {
namespace {

using compute::Array;
using compute::Matrix;

/** As matrix.cu has them. */
constexpr std::size_t kTile = 64;
constexpr std::size_t kSquare = 32;

/** For kernels that go on to the rows behind those of the whole grid. */
Grid squares(std::size_t rows, std::size_t columns, std::size_t side) {
  constexpr std::size_t kMostRows = 65535;
  return {.blocks = static_cast<unsigned>((columns + side - 1) / side),
          .rows = static_cast<unsigned>(std::min((rows + side - 1) / side, kMostRows))};
}

}  // namespace

void multiply(const Context& context, const Matrix& a, const Matrix& b, const Matrix& c) {
  for (const Matrix* matrix : {&a, &b, &c}) compute::checkMatrix(*matrix);
  compute::checkFloats(a.array.type);
  compute::checkType(b.array, a.array.type);
  compute::checkType(c.array, a.array.type);
  compute::checkShape(b, a.columns, b.columns);
  compute::checkShape(c, a.rows, b.columns);
  compute::checkApart(a.array, c.array);
  compute::checkApart(b.array, c.array);
  if (c.rows == 0 || c.columns == 0) return;
  const Buffer left = context.upload(rowsOf(a));
  const Buffer right = context.upload(rowsOf(b));
  const Buffer product = context.allocate(rowsOf(c).bytes());
  context.device().launch(Family::matrix, kernelName("matmul", nameOf(a.array.type)),
                          squares(c.rows, c.columns, kTile), context.stream(), left.address(),
                          a.rows * a.columns, right.address(), b.rows * b.columns, product.address(),
                          c.rows * c.columns, a.rows, a.columns, c.columns);
  context.download(product.address(), rowsOf(c));
}

void multiplyVector(const Context& context, const Matrix& a, const Array& x, const Array& y) {
  compute::checkMatrix(a);
  compute::checkFloats(a.array.type);
  compute::checkType(x, a.array.type);
  compute::checkType(y, a.array.type);
  compute::checkCount(a.columns, x);
  compute::checkCount(a.rows, y);
  const Array result{y.type, y.data, a.rows};
  const Array used{x.type, x.data, a.columns};
  compute::checkApart(a.array, result);
  compute::checkApart(used, result);
  if (a.rows == 0) return;
  const Buffer matrix = context.upload(rowsOf(a));
  const Buffer vector = context.upload(rowsOf(used));
  const Buffer product = context.allocate(result.bytes());
  constexpr std::size_t kRowsOfBlock = 8;
  context.device().launch(Family::reduce, kernelName("matvec", nameOf(a.array.type)),
                          tiles(a.rows, kRowsOfBlock), context.stream(), matrix.address(), a.rows * a.columns,
                          vector.address(), a.columns, product.address(), a.rows, a.rows, a.columns);
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
