#include "arguments.h"
#include "compute/distance.h"
#include "compute/force_layout.h"
#include "compute/spatial_grid.h"
#include "families.h"
#include "function.h"
#include "perform.h"
#include "point_arguments.h"

namespace vgpu::addon {
namespace {

using compute::Context;

/** (metric, matrix, matrix, out) */
Napi::Value pairwiseDistance(const Info& info) {
  const auto metric = metricArgument(info, 2);
  const auto x = matrixArgument(info, 3);
  const auto y = matrixArgument(info, 7);
  const auto out = matrixArgument(info, 11);
  return perform(info, [=](Context& context) { compute::pairwiseDistance(context, metric, x, y, out); });
}

/** (metric, queries, points, distances, indices) */
Napi::Value nearestNeighbours(const Info& info) {
  const auto metric = metricArgument(info, 2);
  const auto queries = matrixArgument(info, 3);
  const auto points = matrixArgument(info, 7);
  const auto distances = matrixArgument(info, 11);
  const auto indices = matrixArgument(info, 15);
  return perform(info, [=](Context& context) {
    compute::nearestNeighbours(context, metric, queries, points, distances, indices);
  });
}

/** (points, cellSize, origin, cells, starts, items); origin and cells have three elements, of which the last
 * is not used in the plane */
Napi::Value spatialGrid(const Info& info) {
  const auto points = matrixArgument(info, 2);
  const compute::Grid grid = gridArgument(info, 6, points.columns);
  const auto starts = arrayArgument(info, 9);
  const auto items = arrayArgument(info, 10);
  return perform(info, [=](Context& context) { compute::spatialGrid(context, points, grid, starts, items); });
}

/** (positions, edges, [repulsion, radius, stiffness, springLength, step, most], out) */
Napi::Value forceLayoutStep(const Info& info) {
  const auto positions = matrixArgument(info, 2);
  const auto edges = arrayArgument(info, 6);
  const compute::Forces forces = forcesArgument(info, 7);
  const auto out = matrixArgument(info, 8);
  return perform(info,
                 [=](Context& context) { compute::forceLayoutStep(context, positions, edges, forces, out); });
}

}  // namespace

void addPoints(Napi::Object exports) {
  addFunction<pairwiseDistance>(exports, "pairwiseDistance");
  addFunction<nearestNeighbours>(exports, "nearestNeighbours");
  addFunction<spatialGrid>(exports, "spatialGrid");
  addFunction<forceLayoutStep>(exports, "forceLayoutStep");
}

}  // namespace vgpu::addon
