#include "compute/spatial_grid.h"

#include <cmath>
#include <limits>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/grouping.h"
#include "compute/matrix_checks.h"

namespace vgpu::compute {

void checkGrid(const Grid& grid) {
  if (grid.axes != 2 && grid.axes != 3)
    throw Error(ErrorKind::argument, "a grid of other than two or three axes");
  if (!(grid.cellSize > 0) || !std::isfinite(grid.cellSize)) {
    throw Error(ErrorKind::argument, "cells without a size");
  }
  for (const double origin : grid.origin) {
    if (!std::isfinite(origin)) throw Error(ErrorKind::argument, "a grid that begins nowhere");
  }
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max() - 1;
  std::size_t count = 1;
  for (const std::uint32_t cells : grid.cells) {
    if (cells == 0 || count > kMost / cells)
      throw Error(ErrorKind::argument, "no cells, or too many of them");
    count *= cells;
  }
}

void checkSpatialGrid(const Matrix& points, const Grid& grid, const Array& starts, const Array& items) {
  checkMatrix(points);
  checkFloats(points.array.type);
  checkGrid(grid);
  checkShape(points, points.rows, grid.axes);
  checkType(starts, ElementType::u32);
  checkType(items, ElementType::u32);
  checkCount(grid.count() + 1, starts);
  checkCount(points.rows, items);
  checkApart(points.array, starts);
  checkApart(points.array, items);
  checkApart(starts, items);
  if (points.rows > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::argument, "more points than an index of 32 bits can tell");
  }
}

void spatialGrid(Context& context, const Matrix& points, const Grid& grid, const Array& starts,
                 const Array& items) {
  checkSpatialGrid(points, grid, starts, items);
  const auto run = [&]<typename T>(T) {
    const T* coordinates = points.array.as<T>();
    groupItems(
        context, points.rows, grid.count(),
        [&](std::size_t point) {
          std::array<std::uint32_t, 3> cell{};
          for (std::size_t axis = 0; axis < grid.axes; ++axis) {
            cell[axis] = grid.cellOn(axis, static_cast<double>(coordinates[point * points.stride + axis]));
          }
          return grid.index(cell);
        },
        starts.as<std::uint32_t>(), items.as<std::uint32_t>());
  };
  points.array.type == ElementType::f32 ? run(float{}) : run(double{});
}

}  // namespace vgpu::compute
