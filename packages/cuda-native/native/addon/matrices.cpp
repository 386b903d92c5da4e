#include "arguments.h"
#include "compute/bit_matrix.h"
#include "compute/linear_system.h"
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

/** (batch, batch, out) */
Napi::Value matmulBatch(const Info& info) {
  const auto a = batchArgument(info, 2);
  const auto b = batchArgument(info, 8);
  const auto out = batchArgument(info, 14);
  return perform(info, [=](Context& context) { compute::multiplyBatch(context, a, b, out); });
}

/** (batch, x, y) */
Napi::Value matvecBatch(const Info& info) {
  const auto a = batchArgument(info, 2);
  const auto x = arrayArgument(info, 8);
  const auto y = arrayArgument(info, 9);
  return perform(info, [=](Context& context) { compute::multiplyVectors(context, a, x, y); });
}

/** (matrix, matrix, out) */
Napi::Value solve(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto b = matrixArgument(info, 6);
  const auto out = matrixArgument(info, 10);
  return perform(info, [=](Context& context) { compute::solve(context, a, b, out); });
}

/** (matrix, out) */
Napi::Value inverse(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto out = matrixArgument(info, 6);
  return perform(info, [=](Context& context) { compute::invert(context, a, out); });
}

/** (bit matrix, bit matrix, out) */
Napi::Value bitMatmul(const Info& info) {
  const auto a = bitMatrixArgument(info, 2);
  const auto b = bitMatrixArgument(info, 6);
  const auto out = matrixArgument(info, 10);
  return perform(info, [=](Context& context) { compute::multiplyBits(context, a, b, out); });
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
  addFunction<matmulBatch>(exports, "matmulBatch");
  addFunction<matvecBatch>(exports, "matvecBatch");
  addFunction<solve>(exports, "solve");
  addFunction<inverse>(exports, "inverse");
  addFunction<bitMatmul>(exports, "bitMatmul");
  addFunction<transpose>(exports, "transpose");
}

}  // namespace vgpu::addon
