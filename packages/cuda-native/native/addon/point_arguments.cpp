#include "point_arguments.h"

#include <algorithm>
#include <array>

#include "arguments.h"
#include "compute/checks.h"

namespace vgpu::addon {
namespace {

/** Numbers that belong together, read at once. */
template <std::size_t count, typename T>
std::array<T, count> numbersArgument(const Info& info, std::size_t index) {
  const auto array = arrayArgument(info, index, count);
  compute::checkType(array, compute::typeOf<T>());
  std::array<T, count> numbers;
  std::copy_n(array.as<T>(), count, numbers.begin());
  return numbers;
}

}  // namespace

compute::Metric metricArgument(const Info& info, std::size_t index) {
  constexpr compute::Metric kMetrics[] = {compute::Metric::l2, compute::Metric::cosine, compute::Metric::dot};
  return kMetrics[choiceArgument(info, index, {"l2", "cosine", "dot"})];
}

compute::Grid gridArgument(const Info& info, std::size_t index, std::size_t axes) {
  return {.axes = axes,
          .origin = numbersArgument<3, double>(info, index + 1),
          .cellSize = numberArgument(info, index),
          .cells = numbersArgument<3, std::uint32_t>(info, index + 2)};
}

compute::Forces forcesArgument(const Info& info, std::size_t index) {
  const auto numbers = numbersArgument<6, double>(info, index);
  return {.repulsion = numbers[0],
          .radius = numbers[1],
          .stiffness = numbers[2],
          .springLength = numbers[3],
          .step = numbers[4],
          .most = numbers[5]};
}

}  // namespace vgpu::addon
