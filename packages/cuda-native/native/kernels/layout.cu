// Points in the cells of a uniform grid, and one step of a graph's layout, with the bits of the CPU path: the
// same order, and no product is fused with a sum.
#include "common.cuh"

namespace vgpu::kernels {
namespace {

/** As compute/spatial_grid.h has it. */
struct Grid {
  u64 axes;
  f64 origin[3];
  f64 cellSize;
  u32 cells[3];
};

/** As compute/force_layout.h has it. */
struct Forces {
  f64 repulsion;
  f64 radius;
  f64 stiffness;
  f64 springLength;
  f64 step;
  f64 most;
};

struct Vector {
  f64 at[3];
};
struct Cell {
  u32 at[3];
};

__device__ f64 squareOf(const Vector& v) {
  return __dadd_rn(__dadd_rn(__dmul_rn(v.at[0], v.at[0]), __dmul_rn(v.at[1], v.at[1])),
                   __dmul_rn(v.at[2], v.at[2]));
}

template <typename T>
__device__ Vector position(const T* positions, u64 node, u64 axes) {
  Vector result = {};
  for (u64 axis = 0; axis < 3; ++axis) {
    if (axis < axes) result.at[axis] = static_cast<f64>(positions[node * axes + axis]);
  }
  return result;
}

/** What lies outside is in the cells at the border, NaN in the first one. */
__device__ Cell cellOf(const Grid& grid, const Vector& point) {
  Cell result = {};
  for (u64 axis = 0; axis < 3; ++axis) {
    if (axis >= grid.axes) continue;
    const f64 cell = (point.at[axis] - grid.origin[axis]) / grid.cellSize;
    if (!(cell > 0)) continue;
    result.at[axis] = cell >= grid.cells[axis] ? grid.cells[axis] - 1 : static_cast<u32>(cell);
  }
  return result;
}

__device__ u64 indexOf(const Grid& grid, u64 x, u64 y, u64 z) {
  return x + grid.cells[0] * (y + grid.cells[1] * z);
}

/** Items by group, as compute/grouping.h has them. Neither list is trusted: what it says is bounded. */
struct Groups {
  const u32* starts;
  u64 startsCapacity;
  const u32* items;
  u64 itemsCapacity;

  __device__ u64 start(u64 group) const {
    return group < startsCapacity ? bounded(starts[group], itemsCapacity) : itemsCapacity;
  }
};

template <typename T>
struct Layout {
  const T* positions;
  u64 nodes;
  Grid grid;
  Forces forces;

  __device__ void repel(u64 node, const Vector& at, u64 other, Vector& force) const {
    if (other == node || other >= nodes) return;
    const Vector there = position(positions, other, grid.axes);
    Vector away = {{at.at[0] - there.at[0], at.at[1] - there.at[1], at.at[2] - there.at[2]}};
    f64 square = squareOf(away);
    if (square > __dmul_rn(forces.radius, forces.radius)) return;
    const f64 closest = forces.radius * 0x1p-20;
    if (square < closest * closest) {
      away = {{node < other ? closest : -closest, 0, 0}};
      square = closest * closest;
    }
    for (int axis = 0; axis < 3; ++axis)
      force.at[axis] = __dadd_rn(force.at[axis], __dmul_rn(forces.repulsion, away.at[axis]) / square);
  }

  __device__ void addRepulsion(u64 node, const Vector& at, const Groups& cells, Vector& force) const {
    const Cell cell = cellOf(grid, at);
    u64 from[3];
    u64 to[3];
    for (int axis = 0; axis < 3; ++axis) {
      from[axis] = cell.at[axis] == 0 ? 0 : cell.at[axis] - 1;
      to[axis] = bounded(u64{cell.at[axis]} + 1, u64{grid.cells[axis]} - 1);
    }
    for (u64 z = from[2]; z <= to[2]; ++z) {
      for (u64 y = from[1]; y <= to[1]; ++y) {
        // Cells beside each other on the first axis are one run of nodes.
        const u64 first = cells.start(indexOf(grid, from[0], y, z));
        const u64 last = cells.start(indexOf(grid, to[0], y, z) + 1);
        for (u64 i = first; i < last; ++i) repel(node, at, cells.items[i], force);
      }
    }
  }

  /** The two ends of an edge lie side by side in `ends`. */
  __device__ void addSprings(u64 node, const Vector& at, const Groups& halves, const u32* ends,
                             Vector& force) const {
    const u64 last = halves.start(node + 1);
    for (u64 i = halves.start(node); i < last; ++i) {
      const u64 half = halves.items[i] ^ 1U;
      const u64 other = half < halves.itemsCapacity ? ends[half] : nodes;
      if (other >= nodes) continue;
      const Vector there = position(positions, other, grid.axes);
      const Vector towards = {{there.at[0] - at.at[0], there.at[1] - at.at[1], there.at[2] - at.at[2]}};
      const f64 length = sqrt(squareOf(towards));
      if (length == 0) continue;
      const f64 pull = __dmul_rn(forces.stiffness, length - forces.springLength) / length;
      for (int axis = 0; axis < 3; ++axis)
        force.at[axis] = __dadd_rn(force.at[axis], __dmul_rn(pull, towards.at[axis]));
    }
  }

  __device__ void move(u64 node, const Groups& cells, const Groups& halves, const u32* ends, T* out) const {
    const Vector at = position(positions, node, grid.axes);
    Vector force = {};
    addRepulsion(node, at, cells, force);
    addSprings(node, at, halves, ends, force);
    const f64 length = __dmul_rn(sqrt(squareOf(force)), forces.step);
    const f64 scale = length > forces.most ? __dmul_rn(forces.step, forces.most) / length : forces.step;
    for (u64 axis = 0; axis < grid.axes; ++axis) {
      out[node * grid.axes + axis] = static_cast<T>(__dadd_rn(at.at[axis], __dmul_rn(scale, force.at[axis])));
    }
  }
};

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

// Where each group begins among sorted keys, by bisection. The last group's end is one of the starts.
extern "C" __global__ void group_starts(const u32* keys, u64 count, u64 capacity, u32* starts, u64 groups,
                                        u64 startsCapacity) {
  const u64 n = bounded(groups, startsCapacity);
  for (u64 group = firstIndex(); group < n; group += indexStep()) {
    u64 first = 0;
    u64 last = bounded(count, capacity);
    while (first < last) {
      const u64 middle = first + (last - first) / 2;
      if (keys[middle] < group) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    starts[group] = static_cast<u32>(first);
  }
}

#define LAYOUT(T)                                                                                            \
  extern "C" __global__ void grid_cells_##T(const T* points, u64 capacity, u64 count, Grid grid, u32* cells, \
                                            u64 cellsCapacity) {                                             \
    const u64 n = bounded(count, cellsCapacity);                                                             \
    if (grid.axes > 3 || !holds(capacity, n, grid.axes)) return;                                             \
    for (u64 i = firstIndex(); i < n; i += indexStep()) {                                                    \
      const Cell cell = cellOf(grid, position(points, i, grid.axes));                                        \
      cells[i] = static_cast<u32>(indexOf(grid, cell.at[0], cell.at[1], cell.at[2]));                        \
    }                                                                                                        \
  }                                                                                                          \
  extern "C" __global__ void layout_##T(const T* positions, u64 capacity, u64 nodes, Grid grid,              \
                                        Forces forces, const u32* cellStarts, u64 cellStartsCapacity,        \
                                        const u32* cellNodes, u64 cellNodesCapacity, const u32* halfStarts,  \
                                        u64 halfStartsCapacity, const u32* halves, const u32* ends,          \
                                        u64 halvesCapacity, T* out, u64 outCapacity) {                       \
    if (grid.axes > 3 || !holds(capacity, nodes, grid.axes) || !holds(outCapacity, nodes, grid.axes))        \
      return;                                                                                                \
    const Layout<T> layout = {positions, nodes, grid, forces};                                               \
    for (u64 node = firstIndex(); node < nodes; node += indexStep()) {                                       \
      layout.move(node, {cellStarts, cellStartsCapacity, cellNodes, cellNodesCapacity},                      \
                  {halfStarts, halfStartsCapacity, halves, halvesCapacity}, ends, out);                      \
    }                                                                                                        \
  }
LAYOUT(f32)
LAYOUT(f64)
