// The addon's functions; src/native.ts describes them. Each one's first two arguments are those of perform().
#include <napi.h>

#include "arguments.h"
#include "compute/elementwise.h"
#include "compute/histogram.h"
#include "compute/kernels.h"
#include "compute/matrix.h"
#include "compute/reduce.h"
#include "compute/scan.h"
#include "compute/sort.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

using compute::Context;
using Info = Napi::CallbackInfo;

/** Turns the exceptions of the checks into those of JavaScript. */
template <Napi::Value (*function)(const Info&)>
Napi::Value guarded(const Info& info) {
  try {
    return function(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw toError(info.Env(), std::current_exception());
  }
}

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
template <compute::Scan kind>
Napi::Value scan(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto out = arrayArgument(info, 3, count);
  return perform(info, [=](Context& context) { compute::scan(context, kind, x, out); });
}

/** (x, low, high, counts, count) */
Napi::Value histogram(const Info& info) {
  const auto x = arrayArgument(info, 2, sizeArgument(info, 6));
  const double low = numberArgument(info, 3);
  const double high = numberArgument(info, 4);
  const auto counts = arrayArgument(info, 5);
  return perform(info, [=](Context& context) { compute::histogram(context, x, low, high, counts); });
}

compute::Order orderArgument(const Info& info, std::size_t index) {
  return booleanArgument(info, index) ? compute::Order::descending : compute::Order::ascending;
}

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

/** (matrix, matrix, out) */
Napi::Value matmul(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto b = matrixArgument(info, 6);
  const auto out = matrixArgument(info, 10);
  return perform(info, [=](Context& context) { compute::multiply(context, a, b, out); });
}

Napi::Value multiplier(const Info& info) {
  return Napi::String::New(info.Env(), compute::multiplierDescription());
}

/** (matrix, x, y) */
Napi::Value matvec(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto x = arrayArgument(info, 6);
  const auto y = arrayArgument(info, 7);
  return perform(info, [=](Context& context) { compute::multiplyVector(context, a, x, y); });
}

/** (matrix, out) */
Napi::Value transpose(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto out = matrixArgument(info, 6);
  return perform(info, [=](Context& context) { compute::transpose(context, a, out); });
}

template <Napi::Value (*function)(const Info&)>
void add(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(exports.Env(), name));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  add<reduce<compute::sum>>(exports, "sum");
  add<reduce<compute::mean>>(exports, "mean");
  add<reduce<compute::least>>(exports, "min");
  add<reduce<compute::greatest>>(exports, "max");
  add<reduce<compute::norm>>(exports, "norm");
  add<dot>(exports, "dot");
  add<binary<compute::Binary::add>>(exports, "add");
  add<binary<compute::Binary::sub>>(exports, "sub");
  add<binary<compute::Binary::mul>>(exports, "mul");
  add<binary<compute::Binary::div>>(exports, "div");
  add<scale>(exports, "scale");
  add<axpy>(exports, "axpy");
  add<fill>(exports, "fill");
  add<cast>(exports, "cast");
  add<scan<compute::Scan::inclusive>>(exports, "inclusiveScan");
  add<scan<compute::Scan::exclusive>>(exports, "exclusiveScan");
  add<histogram>(exports, "histogram");
  add<sort>(exports, "sort");
  add<sortPairs>(exports, "sortPairs");
  add<argsort>(exports, "argsort");
  add<topK>(exports, "topK");
  add<matmul>(exports, "matmul");
  add<multiplier>(exports, "multiplier");
  add<matvec>(exports, "matvec");
  add<transpose>(exports, "transpose");
  try {
    exports.Set("instructionSet", Napi::String::New(env, compute::kernelPath()));
  } catch (...) {
    throw toError(env, std::current_exception());
  }
  exports.Set("threads", Napi::Number::New(env, compute::ThreadPool::shared().threads()));
  return exports;
}

NODE_API_MODULE(vgpu_compute, initialize)

}  // namespace
}  // namespace vgpu::addon
