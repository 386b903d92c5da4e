#include <array>

#include "arguments.h"
#include "gpu/distance.h"
#include "gpu/layout.h"
#include "gpu_operations.h"
#include "point_arguments.h"

namespace vgpu::addon {
namespace {

/** (metric, matrix, matrix, out) */
GpuOperation pairwiseDistance(const Info& info) {
  const auto metric = metricArgument(info, 2);
  const auto x = matrixArgument(info, 3);
  const auto y = matrixArgument(info, 7);
  const auto out = matrixArgument(info, 11);
  return operation([=](const gpu::Context& context) { gpu::pairwiseDistance(context, metric, x, y, out); });
}

/** (metric, queries, points, distances, indices) */
GpuOperation nearestNeighbours(const Info& info) {
  const auto metric = metricArgument(info, 2);
  const auto queries = matrixArgument(info, 3);
  const auto points = matrixArgument(info, 7);
  const auto distances = matrixArgument(info, 11);
  const auto indices = matrixArgument(info, 15);
  return operation([=](const gpu::Context& context) {
    gpu::nearestNeighbours(context, metric, queries, points, distances, indices);
  });
}

/** (points, cellSize, origin, cells, starts, items) */
GpuOperation spatialGrid(const Info& info) {
  const auto points = matrixArgument(info, 2);
  const auto grid = gridArgument(info, 6, points.columns);
  const auto starts = arrayArgument(info, 9);
  const auto items = arrayArgument(info, 10);
  return operation(
      [=](const gpu::Context& context) { gpu::spatialGrid(context, points, grid, starts, items); });
}

/** (positions, edges, forces, out) */
GpuOperation forceLayoutStep(const Info& info) {
  const auto positions = matrixArgument(info, 2);
  const auto edges = arrayArgument(info, 6);
  const auto forces = forcesArgument(info, 7);
  const auto out = matrixArgument(info, 8);
  return operation(
      [=](const gpu::Context& context) { gpu::forceLayoutStep(context, positions, edges, forces, out); });
}

constexpr std::array entries{
    GpuOperationEntry{"pairwiseDistance", pairwiseDistance},
    GpuOperationEntry{"nearestNeighbours", nearestNeighbours},
    GpuOperationEntry{"spatialGrid", spatialGrid},
    GpuOperationEntry{"forceLayoutStep", forceLayoutStep},
};

}  // namespace

std::span<const GpuOperationEntry> gpuPointOperations() {
  return entries;
}

}  // namespace vgpu::addon
