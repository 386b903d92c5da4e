#include "arguments.h"
#include "compute/matrix.h"
#include "families.h"
#include "function.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

using compute::Context;

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

}  // namespace

void addMatrices(Napi::Object exports) {
  addFunction<matmul>(exports, "matmul");
  addFunction<multiplier>(exports, "multiplier");
  addFunction<matvec>(exports, "matvec");
  addFunction<transpose>(exports, "transpose");
}

}  // namespace vgpu::addon
