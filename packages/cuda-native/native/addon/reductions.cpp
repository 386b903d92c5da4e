#include "arguments.h"
#include "compute/reduce.h"
#include "families.h"
#include "function.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

using compute::Context;

/** (x, count) */
template <auto operation>
Napi::Value reduce(const Info& info) {
  const auto x = arrayArgument(info, 2, sizeArgument(info, 3));
  return perform(info, [=](Context& context) { return operation(context, x); });
}

/** (x, y, count) */
Napi::Value dot(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto y = arrayArgument(info, 3, count);
  return perform(info, [=](Context& context) { return compute::dot(context, x, y); });
}

}  // namespace

void addReductions(Napi::Object exports) {
  addFunction<reduce<compute::sum>>(exports, "sum");
  addFunction<reduce<compute::mean>>(exports, "mean");
  addFunction<reduce<compute::least>>(exports, "min");
  addFunction<reduce<compute::greatest>>(exports, "max");
  addFunction<reduce<compute::norm>>(exports, "norm");
  addFunction<dot>(exports, "dot");
}

}  // namespace vgpu::addon
