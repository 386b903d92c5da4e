#include "compute/elementwise.h"

#include "arguments.h"
#include "compute/half.h"
#include "families.h"
#include "function.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

using compute::Context;

/** (x, y, out, count) */
template <compute::Binary operation>
Napi::Value binary(const Info& info) {
  const std::size_t count = sizeArgument(info, 5);
  const auto x = arrayArgument(info, 2, count);
  const auto y = arrayArgument(info, 3, count);
  const auto out = arrayArgument(info, 4, count);
  return perform(info, [=](Context& context) { compute::binary(context, operation, x, y, out); });
}

/** (x, factor, out, count) */
Napi::Value scale(const Info& info) {
  const std::size_t count = sizeArgument(info, 5);
  const auto x = arrayArgument(info, 2, count);
  const auto factor = scalarArgument(info, 3);
  const auto out = arrayArgument(info, 4, count);
  return perform(info, [=](Context& context) { compute::scale(context, x, factor, out); });
}

/** (alpha, x, y, out, count) */
Napi::Value axpy(const Info& info) {
  const std::size_t count = sizeArgument(info, 6);
  const auto alpha = scalarArgument(info, 2);
  const auto x = arrayArgument(info, 3, count);
  const auto y = arrayArgument(info, 4, count);
  const auto out = arrayArgument(info, 5, count);
  return perform(info, [=](Context& context) { compute::axpy(context, alpha, x, y, out); });
}

/** (value, out, count) */
Napi::Value fill(const Info& info) {
  const auto value = scalarArgument(info, 2);
  const auto out = arrayArgument(info, 3, sizeArgument(info, 4));
  return perform(info, [=](Context& context) { compute::fill(context, value, out); });
}

/** (x, out, count) */
Napi::Value cast(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto out = arrayArgument(info, 3, count);
  return perform(info, [=](Context& context) { compute::cast(context, x, out); });
}

/** (x, out, count) */
Napi::Value toHalf(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto out = halfArgument(info, 3, count);
  return perform(info, [=](Context& context) { compute::toHalf(context, x, out); });
}

/** (x, out, count) */
Napi::Value fromHalf(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = halfArgument(info, 2, count);
  const auto out = arrayArgument(info, 3, count);
  return perform(info, [=](Context& context) { compute::fromHalf(context, x, out); });
}

}  // namespace

void addElementwise(Napi::Object exports) {
  addFunction<binary<compute::Binary::add>>(exports, "add");
  addFunction<binary<compute::Binary::sub>>(exports, "sub");
  addFunction<binary<compute::Binary::mul>>(exports, "mul");
  addFunction<binary<compute::Binary::div>>(exports, "div");
  addFunction<scale>(exports, "scale");
  addFunction<axpy>(exports, "axpy");
  addFunction<fill>(exports, "fill");
  addFunction<cast>(exports, "cast");
  addFunction<toHalf>(exports, "toHalf");
  addFunction<fromHalf>(exports, "fromHalf");
}

}  // namespace vgpu::addon
