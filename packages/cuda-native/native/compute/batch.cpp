// Products with matrices: many small ones at once, which by themselves would be too little work for all
// threads, or one.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/integer_product.h"
#include "compute/kernels.h"
#include "compute/matrix.h"
#include "compute/matrix_checks.h"
#include "compute/product.h"
#include "compute/product_kernel.h"

namespace vgpu::compute {
namespace {

Matrix matrixOf(const MatrixBatch& batch, std::size_t index) {
  Matrix matrix = batch.first;
  matrix.array.data += index * batch.step * elementBytes(matrix.array.type);
  matrix.array.count -= index * batch.step;
  return matrix;
}

void checkSameCount(const MatrixBatch& one, const MatrixBatch& other) {
  if (one.count == other.count) return;
  throw Error(ErrorKind::argument, "batches of different numbers of matrices", one.count, other.count);
}

std::size_t product(std::size_t one, std::size_t other) {
  std::size_t result = 0;
  if (__builtin_mul_overflow(one, other, &result)) {
    throw Error(ErrorKind::argument, "more elements than can be addressed");
  }
  return result;
}

template <typename T>
T dot(const T* x, const T* y, std::size_t count) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(kernels<T>().dot(x, y, count));
  } else {
    return productKernel<T>().dot(x, y, count);
  }
}

template <typename T>
void multiplyVectorsOf(const Context& context, const MatrixBatch& a, const T* x, T* y) {
  const std::size_t rows = a.first.rows;
  const std::size_t columns = a.first.columns;
  // Enough rows for a thread to be worth it.
  const std::size_t block =
      std::max<std::size_t>(1, (std::size_t{1} << 16) / std::max<std::size_t>(1, columns));
  context.forBlocks(a.count * rows, block, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t index = i / rows;
      const T* row = a.first.array.as<T>() + index * a.step + i % rows * a.first.stride;
      y[i] = dot(row, x + index * columns, columns);
    }
  });
}

}  // namespace

void checkBatch(const MatrixBatch& batch) {
  if (batch.count == 0) return;
  checkMatrix(batch.first);
  const Matrix& first = batch.first;
  if (batch.count < 2 || first.rows == 0 || first.columns == 0) return;
  const std::size_t extent = (first.rows - 1) * first.stride + first.columns;
  if (batch.step < extent) throw Error(ErrorKind::argument, "matrices of a batch that overlap");
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / 16;
  if (batch.count - 1 > (kMost - extent) / batch.step) {
    throw Error(ErrorKind::argument, "a batch beyond what can be addressed");
  }
  checkCount((batch.count - 1) * batch.step + extent, first.array);
}

void checkBatchProducts(const MatrixBatch& a, const MatrixBatch& b, const MatrixBatch& c) {
  for (const MatrixBatch* batch : {&a, &b, &c}) checkBatch(*batch);
  checkSameCount(a, b);
  checkSameCount(a, c);
  checkType(b.first.array, a.first.array.type);
  checkType(c.first.array, a.first.array.type);
  checkShape(b.first, a.first.columns, b.first.columns);
  checkShape(c.first, a.first.rows, b.first.columns);
  checkApart(a.first.array, c.first.array);
  checkApart(b.first.array, c.first.array);
}

void multiply(const Context& context, const Matrix& a, const Matrix& b, const Matrix& c) {
  multiplyBatch(context, {.first = a, .count = 1}, {.first = b, .count = 1}, {.first = c, .count = 1});
}

void multiplyBatch(const Context& context, const MatrixBatch& a, const MatrixBatch& b, const MatrixBatch& c) {
  checkBatchProducts(a, b, c);
  if (!isFloat(c.first.array.type)) {
    multiplyIntegers(context, a, b, c);
    return;
  }
  // Without elements there may be any number of matrices.
  if (c.first.rows == 0 || c.first.columns == 0) return;
  // Enough for all threads, and some MiB at a time.
  constexpr std::size_t kSteps = std::size_t{1} << 14;
  for (std::size_t first = 0; first < a.count; first += kSteps) {
    std::vector<ProductStep> steps(std::min(kSteps, a.count - first));
    for (std::size_t i = 0; i < steps.size(); ++i) {
      steps[i] = {.a = matrixOf(a, first + i), .b = matrixOf(b, first + i), .c = matrixOf(c, first + i)};
    }
    multiplySteps(context, steps);
  }
}

void checkBatchVectors(const MatrixBatch& a, const Array& x, const Array& y) {
  checkBatch(a);
  const ElementType type = a.first.array.type;
  checkType(x, type);
  checkType(y, type);
  const Array inputs{x.type, x.data, product(a.count, a.first.columns)};
  const Array results{y.type, y.data, product(a.count, a.first.rows)};
  checkCount(inputs.count, x);
  checkCount(results.count, y);
  checkApart(a.first.array, results);
  checkApart(inputs, results);
}

void multiplyVector(const Context& context, const Matrix& a, const Array& x, const Array& y) {
  multiplyVectors(context, {.first = a, .count = 1}, x, y);
}

void multiplyVectors(const Context& context, const MatrixBatch& a, const Array& x, const Array& y) {
  checkBatchVectors(a, x, y);
  withWrappingType(x.type, [&]<typename T>(T) { multiplyVectorsOf(context, a, x.as<T>(), y.as<T>()); });
}

}  // namespace vgpu::compute
