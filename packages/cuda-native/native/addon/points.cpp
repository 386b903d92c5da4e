#include <algorithm>
#include <array>

#include "arguments.h"
#include "compute/checks.h"
#include "compute/distance.h"
#include "compute/force_layout.h"
#include "compute/spatial_grid.h"
#include "families.h"
#include "function.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

using compute::Context;

compute::Metric metricArgument(const Info& info, std::size_t index) {
  constexpr compute::Metric kMetrics[] = {compute::Metric::l2, compute::Metric::cosine, compute::Metric::dot};
  return kMetrics[choiceArgument(info, index, {"l2", "cosine", "dot"})];
}

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

/** Numbers that belong together, read at once. */
template <std::size_t count, typename T>
std::array<T, count> numbersArgument(const Info& info, std::size_t index) {
  const auto array = arrayArgument(info, index, count);
  compute::checkType(array, compute::typeOf<T>());
  std::array<T, count> numbers;
  std::copy_n(array.as<T>(), count, numbers.begin());
  return numbers;
}

/** (points, cellSize, origin, cells, starts, items); origin and cells have three elements, of which the last
 * is not used in the plane */
Napi::Value spatialGrid(const Info& info) {
  const auto points = matrixArgument(info, 2);
  const compute::Grid grid{.axes = points.columns,
                           .origin = numbersArgument<3, double>(info, 7),
                           .cellSize = numberArgument(info, 6),
                           .cells = numbersArgument<3, std::uint32_t>(info, 8)};
  const auto starts = arrayArgument(info, 9);
  const auto items = arrayArgument(info, 10);
  return perform(info, [=](Context& context) { compute::spatialGrid(context, points, grid, starts, items); });
}

/** (positions, edges, [repulsion, radius, stiffness, springLength, step, most], out) */
Napi::Value forceLayoutStep(const Info& info) {
  const auto positions = matrixArgument(info, 2);
  const auto edges = arrayArgument(info, 6);
  const auto numbers = numbersArgument<6, double>(info, 7);
  const compute::Forces forces{.repulsion = numbers[0],
                               .radius = numbers[1],
                               .stiffness = numbers[2],
                               .springLength = numbers[3],
                               .step = numbers[4],
                               .most = numbers[5]};
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
