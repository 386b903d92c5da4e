#include "arguments.h"
#include "compute/sort.h"
#include "families.h"
#include "function.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

using compute::Context;

/** (keys, descending, out, count) */
Napi::Value sort(const Info& info) {
  const std::size_t count = sizeArgument(info, 5);
  const auto keys = arrayArgument(info, 2, count);
  const auto order = orderArgument(info, 3);
  const auto out = arrayArgument(info, 4, count);
  return perform(info, [=](Context& context) { compute::sort(context, keys, order, out); });
}

/** (keys, values, descending, outKeys, outValues, count) */
Napi::Value sortPairs(const Info& info) {
  const std::size_t count = sizeArgument(info, 7);
  const auto keys = arrayArgument(info, 2, count);
  const auto values = arrayArgument(info, 3, count);
  const auto order = orderArgument(info, 4);
  const auto outKeys = arrayArgument(info, 5, count);
  const auto outValues = arrayArgument(info, 6, count);
  return perform(
      info, [=](Context& context) { compute::sortPairs(context, keys, values, order, outKeys, outValues); });
}

/** (keys, descending, indices, count) */
Napi::Value argsort(const Info& info) {
  const std::size_t count = sizeArgument(info, 5);
  const auto keys = arrayArgument(info, 2, count);
  const auto order = orderArgument(info, 3);
  const auto indices = arrayArgument(info, 4, count);
  return perform(info, [=](Context& context) { compute::argsort(context, keys, order, indices); });
}

/** (x, descending, values, indices, k, count) */
Napi::Value topK(const Info& info) {
  const std::size_t most = sizeArgument(info, 6);
  const auto x = arrayArgument(info, 2, sizeArgument(info, 7));
  const auto order = orderArgument(info, 3);
  const auto values = arrayArgument(info, 4, most);
  const auto indices = arrayArgument(info, 5, most);
  return perform(info, [=](Context& context) { compute::topK(context, x, order, values, indices); });
}

}  // namespace

void addSorts(Napi::Object exports) {
  addFunction<sort>(exports, "sort");
  addFunction<sortPairs>(exports, "sortPairs");
  addFunction<argsort>(exports, "argsort");
  addFunction<topK>(exports, "topK");
}

}  // namespace vgpu::addon
