// The decomposition cuts its columns in half again and again, so that nearly all of its work are products of
// matrices, whatever the size of the caches (Toledo, "Locality of Reference in LU Decomposition with Partial
// Pivoting", 1997). Rows are exchanged as a whole: by rows that is one run of memory.
#include "compute/linear_system.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/matrix_checks.h"
#include "compute/product.h"

namespace vgpu::compute {
namespace {

/** So many columns or rows are worked off one by one. */
constexpr std::size_t kFew = 16;
/** Columns of one task. */
constexpr std::size_t kColumns = 256;

/** A part of a larger matrix. */
template <typename T>
struct Part {
  T* first;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;

  [[nodiscard]] T* row(std::size_t index) const { return first + index * stride; }
  [[nodiscard]] Part at(std::size_t row, std::size_t column, std::size_t rowCount,
                        std::size_t columnCount) const {
    return {first + row * stride + column, rowCount, columnCount, stride};
  }
  [[nodiscard]] Matrix matrix() const {
    return {{typeOf<T>(), reinterpret_cast<std::byte*>(first), rows * stride}, rows, columns, stride};
  }
};

/** c -= a b */
template <typename T>
void subtractProduct(const Context& context, const Part<T>& a, const Part<T>& b, const Part<T>& c) {
  if (a.rows == 0 || a.columns == 0 || b.columns == 0) return;
  multiplySteps(context, {{.a = a.matrix(), .b = b.matrix(), .c = c.matrix(), .alpha = -1, .beta = 1}});
}

template <typename T>
void subtractMultiple(T* row, const T* other, T factor, std::size_t first, std::size_t last) {
  for (std::size_t column = first; column < last; ++column) row[column] -= factor * other[column];
}

/** l x = b in place of b; l is the lower triangle, with ones on its diagonal. */
template <typename T>
void solveLower(const Context& context, const Part<T>& l, const Part<T>& b) {
  if (l.rows <= kFew) {
    context.forBlocks(b.columns, kColumns, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = 1; i < l.rows; ++i) {
        for (std::size_t j = 0; j < i; ++j) subtractMultiple(b.row(i), b.row(j), l.row(i)[j], first, last);
      }
    });
    return;
  }
  const std::size_t top = l.rows / 2;
  const std::size_t rest = l.rows - top;
  solveLower(context, l.at(0, 0, top, top), b.at(0, 0, top, b.columns));
  subtractProduct(context, l.at(top, 0, rest, top), b.at(0, 0, top, b.columns),
                  b.at(top, 0, rest, b.columns));
  solveLower(context, l.at(top, top, rest, rest), b.at(top, 0, rest, b.columns));
}

/** u x = b in place of b; u is the upper triangle with its diagonal. */
template <typename T>
void solveUpper(const Context& context, const Part<T>& u, const Part<T>& b) {
  if (u.rows <= kFew) {
    context.forBlocks(b.columns, kColumns, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = u.rows; i-- > 0;) {
        for (std::size_t j = i + 1; j < u.rows; ++j)
          subtractMultiple(b.row(i), b.row(j), u.row(i)[j], first, last);
        const T pivot = u.row(i)[i];
        for (std::size_t column = first; column < last; ++column) b.row(i)[column] /= pivot;
      }
    });
    return;
  }
  const std::size_t top = u.rows / 2;
  const std::size_t rest = u.rows - top;
  solveUpper(context, u.at(top, top, rest, rest), b.at(top, 0, rest, b.columns));
  subtractProduct(context, u.at(0, top, top, rest), b.at(top, 0, rest, b.columns),
                  b.at(0, 0, top, b.columns));
  solveUpper(context, u.at(0, 0, top, top), b.at(0, 0, top, b.columns));
}

/** One decomposition, in place: l below the diagonal, u on and above it. */
template <typename T>
class Decomposition {
 public:
  /** `order`: where each row of the result was. */
  Decomposition(const Context& context, const Part<T>& matrix, std::size_t* order)
      : context_(context), matrix_(matrix), order_(order) {
    for (std::size_t i = 0; i < matrix.rows; ++i) order_[i] = i;
  }

  /** The columns first … first + count - 1, from the diagonal down. */
  void decompose(std::size_t first, std::size_t count) {
    if (count <= kFew) {
      for (std::size_t column = first; column < first + count; ++column) eliminate(column, first + count);
      return;
    }
    const std::size_t left = count / 2;
    const std::size_t right = count - left;
    const std::size_t middle = first + left;
    const std::size_t below = matrix_.rows - middle;
    decompose(first, left);
    solveLower(context_, matrix_.at(first, first, left, left), matrix_.at(first, middle, left, right));
    subtractProduct(context_, matrix_.at(middle, first, below, left), matrix_.at(first, middle, left, right),
                    matrix_.at(middle, middle, below, right));
    decompose(middle, right);
  }

 private:
  void eliminate(std::size_t column, std::size_t end) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < matrix_.rows; ++row) {
      // A NaN counts as the greatest: it shall reach the result.
      if (!(std::fabs(matrix_.row(row)[column]) <= std::fabs(matrix_.row(pivot)[column]))) pivot = row;
    }
    if (matrix_.row(pivot)[column] == 0) refuseSingular(column);
    if (pivot != column) {
      std::swap_ranges(matrix_.row(pivot), matrix_.row(pivot) + matrix_.columns, matrix_.row(column));
      std::swap(order_[pivot], order_[column]);
    }
    const T* top = matrix_.row(column);
    for (std::size_t row = column + 1; row < matrix_.rows; ++row) {
      const T factor = matrix_.row(row)[column] / top[column];
      matrix_.row(row)[column] = factor;
      subtractMultiple(matrix_.row(row), top, factor, column + 1, end);
    }
  }

  const Context& context_;
  const Part<T> matrix_;
  std::size_t* order_;
};

/** `fill(row, column first, x)` sets the row of the right side that belongs to a row of the matrix. */
template <typename T, typename Fill>
void solveOf(Context& context, const Matrix& a, const Matrix& x, Fill fill) {
  const std::size_t order = a.rows;
  if (order == 0) return;
  const auto copy = context.allocate<T>(order * order);
  const auto rows = context.allocate<std::size_t>(order);
  const Part<T> work{copy.get(), order, order, order};
  for (std::size_t row = 0; row < order; ++row)
    std::copy_n(a.array.as<T>() + row * a.stride, order, work.row(row));
  Decomposition<T>(context, work, rows.get()).decompose(0, order);
  const Part<T> result{x.array.as<T>(), order, x.columns, x.stride};
  for (std::size_t row = 0; row < order; ++row) fill(rows[row], result.row(row));
  solveLower(context, work, result);
  solveUpper(context, work, result);
}

}  // namespace

void checkSystem(const Matrix& a, const Matrix& b, const Matrix& x) {
  for (const Matrix* matrix : {&a, &b, &x}) checkMatrix(*matrix);
  checkFloats(a.array.type);
  checkType(b.array, a.array.type);
  checkType(x.array, a.array.type);
  checkShape(a, a.rows, a.rows);
  checkShape(b, a.rows, b.columns);
  checkShape(x, a.rows, b.columns);
  checkApart(a.array, x.array);
}

void refuseSingular(std::size_t pivot) {
  throw Error(ErrorKind::singular, "the matrix is singular: pivot " + std::to_string(pivot) + " is 0", pivot);
}

void solve(Context& context, const Matrix& a, const Matrix& b, const Matrix& x) {
  checkSystem(a, b, x);
  checkApart(b.array, x.array);
  const auto run = [&]<typename T>(T) {
    solveOf<T>(context, a, x,
               [&](std::size_t row, T* to) { std::copy_n(b.array.as<T>() + row * b.stride, b.columns, to); });
  };
  a.array.type == ElementType::f32 ? run(float{}) : run(double{});
}

void invert(Context& context, const Matrix& a, const Matrix& inverse) {
  checkSystem(a, a, inverse);
  const auto run = [&]<typename T>(T) {
    solveOf<T>(context, a, inverse, [&](std::size_t row, T* to) {
      std::fill_n(to, a.rows, T{0});
      to[row] = 1;
    });
  };
  a.array.type == ElementType::f32 ? run(float{}) : run(double{});
}

}  // namespace vgpu::compute
