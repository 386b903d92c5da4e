#include "gpu/distance.h"

#include <algorithm>

#include "gpu/kernel_name.h"

namespace vgpu::gpu {
namespace {

using compute::Matrix;
using compute::Metric;

/** Distances that are on the device at a time, as long as one row of them is not more. */
constexpr std::size_t kDistances = std::size_t{1} << 23;
constexpr std::size_t kWarpsOfBlock = 8;

Matrix rowsFrom(const Matrix& matrix, std::size_t first, std::size_t count) {
  Matrix part = matrix;
  part.array.data += first * matrix.stride * compute::elementBytes(matrix.array.type);
  part.rows = count;
  return part;
}

/** Distances of some rows of x from all of y, which stays on the device. */
class Distances {
 public:
  Distances(const Context& context, Metric metric, const Matrix& x, const Matrix& y)
      : context_(context),
        metric_(static_cast<int>(metric)),
        x_(x),
        y_(y),
        most_(std::clamp<std::size_t>(kDistances / y.rows, 1, x.rows)),
        points_(context.upload(rowsOf(y))),
        compared_(context.allocateOf<double>(most_ * y.rows)) {}

  [[nodiscard]] std::size_t mostRows() const { return most_; }
  [[nodiscard]] DevicePointer compared() const { return compared_.address(); }
  [[nodiscard]] std::size_t capacity() const { return most_ * y_.rows; }

  /** What rows first … first + rows - 1 are compared by. */
  void compute(std::size_t first, std::size_t rows) const {
    context_.throwIfStopped();
    const Buffer part = context_.upload(rowsOf(rowsFrom(x_, first, rows)));
    context_.device().launch(Family::distance, kernelName("compared", nameOf(x_.array.type)),
                             gridFor(rows * y_.rows, kWarpsOfBlock), context_.stream(), metric_,
                             part.address(), rows * x_.columns, points_.address(), y_.rows * x_.columns, rows,
                             y_.rows, x_.columns, compared_.address(), capacity());
    // What is given back at the end of this function may not be in use any more.
    context_.device().synchronize(context_.stream());
  }

  /** Into rows of `target`, from `first` on. */
  void store(DevicePointer compared, const Matrix& target, std::size_t first, std::size_t rows) const {
    const Rows host = rowsOf(rowsFrom(target, first, rows));
    const std::size_t count = rows * target.columns;
    const Buffer made = context_.allocate(host.bytes());
    context_.device().launch(Family::distance, kernelName("distance", nameOf(x_.array.type)), gridFor(count),
                             context_.stream(), metric_, compared, made.address(), count, count);
    context_.download(made.address(), host);
  }

 private:
  const Context& context_;
  int metric_;
  const Matrix& x_;
  const Matrix& y_;
  std::size_t most_;
  Buffer points_;
  Buffer compared_;
};

}  // namespace

void pairwiseDistance(const Context& context, Metric metric, const Matrix& x, const Matrix& y,
                      const Matrix& distances) {
  compute::checkPairwise(x, y, distances);
  if (x.rows == 0 || y.rows == 0) return;
  const Distances all(context, metric, x, y);
  for (std::size_t first = 0; first < x.rows; first += all.mostRows()) {
    const std::size_t rows = std::min(all.mostRows(), x.rows - first);
    all.compute(first, rows);
    all.store(all.compared(), distances, first, rows);
  }
}

void nearestNeighbours(const Context& context, Metric metric, const Matrix& queries, const Matrix& points,
                       const Matrix& distances, const Matrix& indices) {
  compute::checkNearest(queries, points, distances, indices);
  const std::size_t wanted = indices.columns;
  if (queries.rows == 0 || wanted == 0) return;
  const Distances all(context, metric, queries, points);
  const std::size_t capacity = all.mostRows() * wanted;
  const Buffer chosen = context.allocateOf<std::uint32_t>(capacity);
  const Buffer nearest = context.allocateOf<std::uint32_t>(capacity);
  const Buffer values = context.allocateOf<double>(capacity);
  for (std::size_t first = 0; first < queries.rows; first += all.mostRows()) {
    const std::size_t rows = std::min(all.mostRows(), queries.rows - first);
    all.compute(first, rows);
    context.device().launch(Family::distance, "nearest", gridFor(rows, 1), context.stream(), all.compared(),
                            all.capacity(), rows, points.rows, wanted, chosen.address(), nearest.address(),
                            values.address(), capacity);
    all.store(values.address(), distances, first, rows);
    context.download(nearest.address(), rowsOf(rowsFrom(indices, first, rows)));
  }
}

}  // namespace vgpu::gpu
