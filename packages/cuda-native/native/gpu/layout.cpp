#include "gpu/layout.h"

#include <cmath>
#include <cstring>

#include "gpu/kernel_name.h"
#include "gpu/sort_on_device.h"

namespace vgpu::gpu {
namespace {

using compute::Array;
using compute::ElementType;
using compute::Forces;
using compute::LayoutBounds;
using compute::Matrix;

// Kernels take both as they are: layout.cu.
static_assert(sizeof(compute::Grid) == 56 && sizeof(Forces) == 48);

/** Items by group: compute/grouping.h. */
struct Groups {
  Buffer starts;
  Buffer items;
};

/** `keys`, of u32: the group of each item. */
Groups groupItems(const Context& context, Buffer keys, std::size_t count, std::size_t groups) {
  Groups made{context.allocateOf<std::uint32_t>(groups + 1), {}};
  Sorted sorted;
  if (count > 0) {
    sorted = sortOnDevice(context, std::move(keys), ElementType::u32, count, compute::Order::ascending);
  }
  context.device().launch(Family::layout, "group_starts", gridFor(groups + 1), context.stream(),
                          sorted.keys.address(), count, count, made.starts.address(), groups + 1, groups + 1);
  // The sorted keys are given back at the end of this function.
  context.device().synchronize(context.stream());
  made.items = std::move(sorted.indices);
  return made;
}

Groups groupByCell(const Context& context, const Buffer& points, const Matrix& matrix,
                   const compute::Grid& grid) {
  Buffer cells = context.allocateOf<std::uint32_t>(matrix.rows);
  if (matrix.rows > 0) {
    context.device().launch(Family::layout, kernelName("grid_cells", nameOf(matrix.array.type)),
                            gridFor(matrix.rows), context.stream(), points.address(),
                            matrix.rows * matrix.columns, matrix.rows, grid, cells.address(), matrix.rows);
  }
  return groupItems(context, std::move(cells), matrix.rows, grid.count());
}

/** A copy of what others may write to meanwhile, every edge of which joins two nodes. */
std::vector<std::uint32_t> checkedEdges(const Context& context, const Array& edges, std::size_t nodes) {
  std::vector<std::uint32_t> ends(edges.count);
  if (ends.empty()) return ends;
  context.gate().pass([&] { std::memcpy(ends.data(), edges.data, edges.bytes()); });
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (ends[i] >= nodes) compute::refuseEdge(i / 2, ends[i], nodes);
  }
  return ends;
}

/** A copy of the positions, all of which are finite. `bounds`: where they lie. */
template <typename T>
std::vector<T> checkedPositions(const Context& context, const Matrix& positions, LayoutBounds& bounds) {
  const std::size_t axes = positions.columns;
  std::vector<T> copy(positions.rows * axes);
  context.gate().pass([&] {
    for (std::size_t node = 0; node < positions.rows; ++node) {
      std::memcpy(copy.data() + node * axes, positions.array.as<T>() + node * positions.stride,
                  axes * sizeof(T));
    }
  });
  for (std::size_t node = 0; node < positions.rows; ++node) {
    LayoutBounds::Vector at{};
    for (std::size_t axis = 0; axis < axes; ++axis) {
      at[axis] = static_cast<double>(copy[node * axes + axis]);
      if (!std::isfinite(at[axis])) compute::refusePosition(node);
    }
    if (node == 0) bounds = {at, at};
    bounds.add(at);
  }
  return copy;
}

template <typename T>
Buffer uploadAll(const Context& context, std::vector<T>& values) {
  const std::size_t bytes = values.size() * sizeof(T);
  return context.upload({reinterpret_cast<std::byte*>(values.data()), bytes, 1, bytes});
}

template <typename T>
void stepOf(const Context& context, const Matrix& positions, const Array& edges, const Forces& forces,
            const Matrix& out) {
  LayoutBounds bounds{};
  std::vector<T> copy = checkedPositions<T>(context, positions, bounds);
  std::vector<std::uint32_t> ends = checkedEdges(context, edges, positions.rows);
  const std::size_t nodes = positions.rows;
  if (nodes == 0) return;
  const compute::Grid grid = compute::layoutGrid(bounds, nodes, positions.columns, forces.radius);
  const Buffer points = uploadAll(context, copy);
  const Groups cells = groupByCell(context, points, positions, grid);
  const Buffer nodesOfHalves = uploadAll(context, ends);
  const Groups halves = groupItems(context, uploadAll(context, ends), ends.size(), nodes);
  const Buffer moved = context.allocate(copy.size() * sizeof(T));
  context.device().launch(Family::layout, kernelName("layout", nameOf(positions.array.type)), gridFor(nodes),
                          context.stream(), points.address(), copy.size(), nodes, grid, forces,
                          cells.starts.address(), grid.count() + 1, cells.items.address(), nodes,
                          halves.starts.address(), nodes + 1, halves.items.address(), nodesOfHalves.address(),
                          ends.size(), moved.address(), copy.size());
  context.download(moved.address(), rowsOf(out));
}

}  // namespace

void spatialGrid(const Context& context, const Matrix& points, const compute::Grid& grid, const Array& starts,
                 const Array& items) {
  compute::checkSpatialGrid(points, grid, starts, items);
  const Buffer coordinates = context.upload(rowsOf(points));
  const Groups cells = groupByCell(context, coordinates, points, grid);
  context.download(cells.starts.address(), rowsOf(Array{starts.type, starts.data, grid.count() + 1}));
  if (points.rows == 0) return;
  context.download(cells.items.address(), rowsOf(Array{items.type, items.data, points.rows}));
}

void forceLayoutStep(const Context& context, const Matrix& positions, const Array& edges,
                     const Forces& forces, const Matrix& out) {
  compute::checkLayout(positions, edges, forces, out);
  if (positions.array.type == ElementType::f32) {
    stepOf<float>(context, positions, edges, forces, out);
  } else {
    stepOf<double>(context, positions, edges, forces, out);
  }
}

}  // namespace vgpu::gpu
