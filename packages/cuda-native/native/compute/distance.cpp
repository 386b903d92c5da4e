#include "compute/distance.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/kernels.h"
#include "compute/matrix_checks.h"
#include "compute/product.h"

namespace vgpu::compute {
namespace {

/** Queries and points whose products are computed at a time. */
constexpr std::size_t kQueries = 256;
constexpr std::size_t kPoints = 2048;

template <typename T>
const T* rowOf(const Matrix& matrix, std::size_t row) {
  return matrix.array.as<T>() + row * matrix.stride;
}

Matrix rowsOf(const Matrix& matrix, std::size_t first, std::size_t count) {
  const std::size_t before = std::min(first * matrix.stride, matrix.array.count);
  return {{matrix.array.type, matrix.array.data + before * elementBytes(matrix.array.type),
           matrix.array.count - before},
          count,
          matrix.columns,
          matrix.stride};
}

/** Lengths of rows, in double. */
template <typename T>
Memory<double> lengths(Context& context, const Matrix& matrix) {
  auto result = context.allocate<double>(matrix.rows);
  context.forBlocks(matrix.rows, kQueries, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const T* row = rowOf<T>(matrix, i);
      result[i] = std::sqrt(kernels<T>().dot(row, row, matrix.columns));
    }
  });
  return result;
}

/** What distances are compared by: the Euclidean one's square. */
template <typename T>
class Comparison {
 public:
  Comparison(Metric metric, std::size_t dimensions) : metric_(metric), dimensions_(dimensions) {
    // Of a sum of products, in any order, fused or not (Higham, "Accuracy and Stability of Numerical
    // Algorithms", 3.1), with room for the few operations that follow it.
    const double unit = std::numeric_limits<T>::epsilon() / 2;
    const double bound = 2 * (static_cast<double>(dimensions) + 8) * unit;
    productError_ = bound < 0.1 ? bound : std::numeric_limits<double>::infinity();
    smallest_ = static_cast<double>(dimensions) * std::numeric_limits<T>::min();
  }

  /** From a product in T. */
  [[nodiscard]] double fromProduct(double product, double xLength, double yLength) const {
    switch (metric_) {
      case Metric::l2:
        return xLength * xLength + yLength * yLength - 2 * product;
      case Metric::cosine:
        return xLength * yLength == 0 ? 1 : 1 - product / (xLength * yLength);
      case Metric::dot:
        break;
    }
    return -product;
  }

  /** By how much that may differ from exact(). */
  [[nodiscard]] double error(double xLength, double yLength) const {
    const double ofProduct = productError_ * xLength * yLength + smallest_;
    switch (metric_) {
      case Metric::l2:
        return 2 * ofProduct + doubleError() * (xLength * xLength + yLength * yLength);
      case Metric::cosine:
        return xLength * yLength == 0 ? 0 : ofProduct / (xLength * yLength) + doubleError();
      case Metric::dot:
        break;
    }
    return ofProduct;
  }

  [[nodiscard]] double exact(const T* x, const T* y, double xLength, double yLength) const {
    if (metric_ == Metric::l2) return kernels<T>().squaredDistance(x, y, dimensions_);
    return fromProduct(kernels<T>().dot(x, y, dimensions_), xLength, yLength);
  }

  [[nodiscard]] T distance(double compared) const {
    return static_cast<T>(metric_ == Metric::l2 ? std::sqrt(compared) : compared);
  }

 private:
  [[nodiscard]] double doubleError() const { return (static_cast<double>(dimensions_) + 64) * 0x1p-50; }

  Metric metric_;
  std::size_t dimensions_;
  double productError_;
  double smallest_;
};

struct Neighbour {
  double compared;
  std::uint32_t index;

  /** Nearer, NaN last, then what comes first. */
  friend bool operator<(const Neighbour& one, const Neighbour& other) {
    const bool oneNan = std::isnan(one.compared);
    const bool otherNan = std::isnan(other.compared);
    if (oneNan || otherNan) return oneNan == otherNan ? one.index < other.index : otherNan;
    return one.compared != other.compared ? one.compared < other.compared : one.index < other.index;
  }
};

/** The nearest ones so far of one query: a heap whose top is the farthest of them. */
class Nearest {
 public:
  Nearest(Neighbour* heap, std::size_t capacity) : heap_(heap), capacity_(capacity) {}

  /** Continues with what is in the heap already. */
  void resume(std::size_t count) { count_ = count; }

  /** Whether nothing at this distance or farther could enter. */
  [[nodiscard]] bool excludes(double least) const {
    return count_ == capacity_ && least > heap_[0].compared &&
           least < std::numeric_limits<double>::infinity();
  }

  void offer(const Neighbour& candidate) {
    if (count_ < capacity_) {
      heap_[count_++] = candidate;
      std::push_heap(heap_, heap_ + count_);
    } else if (candidate < heap_[0]) {
      std::pop_heap(heap_, heap_ + count_);
      heap_[count_ - 1] = candidate;
      std::push_heap(heap_, heap_ + count_);
    }
  }

 private:
  Neighbour* heap_;
  std::size_t capacity_;
  std::size_t count_ = 0;
};

template <typename T>
void pairwiseOf(Context& context, Metric metric, const Matrix& x, const Matrix& y, const Matrix& distances) {
  const auto columns = context.allocate<T>(x.columns * y.rows);
  const Matrix turned{{y.array.type, reinterpret_cast<std::byte*>(columns.get()), x.columns * y.rows},
                      x.columns,
                      y.rows,
                      y.rows};
  transpose(context, y, turned);
  multiplySteps(context, {{.a = x, .b = turned, .c = distances}});
  const auto xLengths = lengths<T>(context, x);
  const auto yLengths = lengths<T>(context, y);
  const Comparison<T> comparison(metric, x.columns);
  // Where a square is less than this part of the lengths' squares, too few of its bits are right.
  constexpr double kNear = 0x1p-8;
  context.forBlocks(x.rows, 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      T* row = distances.array.as<T>() + i * distances.stride;
      for (std::size_t j = 0; j < y.rows; ++j) {
        double compared = comparison.fromProduct(row[j], xLengths[i], yLengths[j]);
        const double squares = xLengths[i] * xLengths[i] + yLengths[j] * yLengths[j];
        if (metric == Metric::l2 && !(compared >= kNear * squares && std::isfinite(compared))) {
          compared = comparison.exact(rowOf<T>(x, i), rowOf<T>(y, j), xLengths[i], yLengths[j]);
        }
        row[j] = comparison.distance(compared);
      }
    }
  });
}

template <typename T>
class Search {
 public:
  Search(Context& context, Metric metric, const Matrix& queries, const Matrix& points,
         const Matrix& distances, const Matrix& indices)
      : context_(context),
        queries_(queries),
        points_(points),
        distances_(distances),
        indices_(indices),
        comparison_(metric, points.columns),
        queryLengths_(lengths<T>(context, queries)),
        pointLengths_(lengths<T>(context, points)),
        turned_(context.allocate<T>(kPoints * points.columns)),
        products_(context.allocate<T>(kQueries * kPoints)),
        heaps_(context.allocate<Neighbour>(std::min(kQueries, queries.rows) * indices.columns)) {}

  void run() {
    for (std::size_t query = 0; query < queries_.rows; query += kQueries) {
      const std::size_t count = std::min(kQueries, queries_.rows - query);
      for (std::size_t point = 0; point < points_.rows; point += kPoints) {
        compare(query, count, point, std::min(kPoints, points_.rows - point));
      }
      write(query, count);
    }
  }

 private:
  static Matrix matrixOf(T* data, std::size_t rows, std::size_t columns) {
    return {{typeOf<T>(), reinterpret_cast<std::byte*>(data), rows * columns}, rows, columns, columns};
  }

  void compare(std::size_t query, std::size_t queries, std::size_t point, std::size_t points) {
    const Matrix turned = matrixOf(turned_.get(), points_.columns, points);
    transpose(context_, rowsOf(points_, point, points), turned);
    const Matrix products = matrixOf(products_.get(), queries, points);
    multiplySteps(context_, {{.a = rowsOf(queries_, query, queries), .b = turned, .c = products}});
    context_.forBlocks(queries, 8, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        Nearest nearest(heaps_.get() + i * indices_.columns, indices_.columns);
        nearest.resume(std::min(point, indices_.columns));
        offerRow(nearest, query + i, point, points, products_.get() + i * points);
      }
    });
  }

  void offerRow(Nearest& nearest, std::size_t query, std::size_t point, std::size_t points,
                const T* products) {
    const double length = queryLengths_[query];
    for (std::size_t j = 0; j < points; ++j) {
      const double other = pointLengths_[point + j];
      const double compared = comparison_.fromProduct(products[j], length, other);
      if (nearest.excludes(compared - comparison_.error(length, other))) continue;
      const double exact =
          comparison_.exact(rowOf<T>(queries_, query), rowOf<T>(points_, point + j), length, other);
      nearest.offer({exact, static_cast<std::uint32_t>(point + j)});
    }
  }

  void write(std::size_t query, std::size_t count) {
    context_.forBlocks(count, 8, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        Neighbour* found = heaps_.get() + i * indices_.columns;
        std::sort(found, found + indices_.columns);
        T* distances = distances_.array.as<T>() + (query + i) * distances_.stride;
        auto* indices = indices_.array.as<std::uint32_t>() + (query + i) * indices_.stride;
        for (std::size_t j = 0; j < indices_.columns; ++j) {
          distances[j] = comparison_.distance(found[j].compared);
          indices[j] = found[j].index;
        }
      }
    });
  }

  Context& context_;
  const Matrix& queries_;
  const Matrix& points_;
  const Matrix& distances_;
  const Matrix& indices_;
  Comparison<T> comparison_;
  Memory<double> queryLengths_;
  Memory<double> pointLengths_;
  Memory<T> turned_;
  Memory<T> products_;
  Memory<Neighbour> heaps_;
};

void checkPoints(const Matrix& x, const Matrix& y) {
  checkMatrix(x);
  checkMatrix(y);
  checkFloats(x.array.type);
  checkType(y.array, x.array.type);
  checkShape(y, y.rows, x.columns);
}

}  // namespace

void checkPairwise(const Matrix& x, const Matrix& y, const Matrix& distances) {
  checkPoints(x, y);
  checkMatrix(distances);
  checkType(distances.array, x.array.type);
  checkShape(distances, x.rows, y.rows);
  checkApart(x.array, distances.array);
  checkApart(y.array, distances.array);
}

void pairwiseDistance(Context& context, Metric metric, const Matrix& x, const Matrix& y,
                      const Matrix& distances) {
  checkPairwise(x, y, distances);
  if (x.array.type == ElementType::f32) {
    pairwiseOf<float>(context, metric, x, y, distances);
  } else {
    pairwiseOf<double>(context, metric, x, y, distances);
  }
}

void checkNearest(const Matrix& queries, const Matrix& points, const Matrix& distances,
                  const Matrix& indices) {
  checkPoints(queries, points);
  checkMatrix(distances);
  checkMatrix(indices);
  checkType(distances.array, queries.array.type);
  checkType(indices.array, ElementType::u32);
  checkShape(indices, queries.rows, indices.columns);
  checkShape(distances, queries.rows, indices.columns);
  if (indices.columns > points.rows) {
    throw Error(ErrorKind::capacity, "more neighbours than there are points", indices.columns, points.rows);
  }
  if (points.rows > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::argument, "more points than an index of 32 bits can tell");
  }
  for (const Matrix* output : {&distances, &indices}) {
    checkApart(queries.array, output->array);
    checkApart(points.array, output->array);
  }
  checkApart(distances.array, indices.array);
}

void nearestNeighbours(Context& context, Metric metric, const Matrix& queries, const Matrix& points,
                       const Matrix& distances, const Matrix& indices) {
  checkNearest(queries, points, distances, indices);
  if (indices.columns == 0) return;
  if (queries.array.type == ElementType::f32) {
    Search<float>(context, metric, queries, points, distances, indices).run();
  } else {
    Search<double>(context, metric, queries, points, distances, indices).run();
  }
}

}  // namespace vgpu::compute
