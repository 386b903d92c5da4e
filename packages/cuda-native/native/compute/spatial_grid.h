// A grid of equal square or cubic cells over points of the plane or of space.
#pragma once

#include <array>
#include <cstdint>

#include "compute/context.h"
#include "compute/matrix.h"

namespace vgpu::compute {

struct Grid {
  std::size_t axes = 2;
  std::array<double, 3> origin{};
  double cellSize = 1;
  std::array<std::uint32_t, 3> cells{1, 1, 1};

  /** At most 2³² - 2, which checkGrid() makes sure of. */
  [[nodiscard]] std::size_t count() const { return std::size_t{cells[0]} * cells[1] * cells[2]; }
  /** Of one coordinate. What lies outside is in the cells at the border, NaN in the first one. */
  [[nodiscard]] std::uint32_t cellOn(std::size_t axis, double coordinate) const {
    const double cell = (coordinate - origin[axis]) / cellSize;
    if (!(cell > 0)) return 0;
    return cell >= cells[axis] ? cells[axis] - 1 : static_cast<std::uint32_t>(cell);
  }
  /** The first axis runs fastest. */
  [[nodiscard]] std::uint32_t index(const std::array<std::uint32_t, 3>& cell) const {
    return cell[0] + cells[0] * (cell[1] + cells[1] * cell[2]);
  }
};

/** @throws Error argument, unless there are two or three axes, cells of a size, and from 1 to 2³² - 2 of them
 */
void checkGrid(const Grid& grid);

/** What spatialGrid() checks before it touches memory. */
void checkSpatialGrid(const Matrix& points, const Grid& grid, const Array& starts, const Array& items);

/** Points are rows of f32 or f64. Those of cell c, in their order, are items[starts[c]] … items[starts[c + 1]
 * - 1]; both are of u32. */
void spatialGrid(Context& context, const Matrix& points, const Grid& grid, const Array& starts,
                 const Array& items);

}  // namespace vgpu::compute
