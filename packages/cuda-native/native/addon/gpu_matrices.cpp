#include <array>

#include "arguments.h"
#include "gpu/bit_matrix.h"
#include "gpu/linear_system.h"
#include "gpu/matrix.h"
#include "gpu_operations.h"

namespace vgpu::addon {
namespace {

using Info = Napi::CallbackInfo;

/** (matrix, matrix, out) */
GpuOperation matmul(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto b = matrixArgument(info, 6);
  const auto out = matrixArgument(info, 10);
  return operation([=](const gpu::Context& context) { gpu::multiply(context, a, b, out); });
}

/** (matrix, x, y) */
GpuOperation matvec(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto x = arrayArgument(info, 6);
  const auto y = arrayArgument(info, 7);
  return operation([=](const gpu::Context& context) { gpu::multiplyVector(context, a, x, y); });
}

/** (matrix, out) */
GpuOperation transpose(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto out = matrixArgument(info, 6);
  return operation([=](const gpu::Context& context) { gpu::transpose(context, a, out); });
}

/** (batch, batch, out) */
GpuOperation matmulBatch(const Info& info) {
  const auto a = batchArgument(info, 2);
  const auto b = batchArgument(info, 8);
  const auto out = batchArgument(info, 14);
  return operation([=](const gpu::Context& context) { gpu::multiplyBatch(context, a, b, out); });
}

/** (batch, x, y) */
GpuOperation matvecBatch(const Info& info) {
  const auto a = batchArgument(info, 2);
  const auto x = arrayArgument(info, 8);
  const auto y = arrayArgument(info, 9);
  return operation([=](const gpu::Context& context) { gpu::multiplyVectors(context, a, x, y); });
}

/** (matrix, matrix, out) */
GpuOperation solve(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto b = matrixArgument(info, 6);
  const auto out = matrixArgument(info, 10);
  return operation([=](const gpu::Context& context) { gpu::solve(context, a, b, out); });
}

/** (matrix, out) */
GpuOperation inverse(const Info& info) {
  const auto a = matrixArgument(info, 2);
  const auto out = matrixArgument(info, 6);
  return operation([=](const gpu::Context& context) { gpu::invert(context, a, out); });
}

/** (bit matrix, bit matrix, out) */
GpuOperation bitMatmul(const Info& info) {
  const auto a = bitMatrixArgument(info, 2);
  const auto b = bitMatrixArgument(info, 6);
  const auto out = matrixArgument(info, 10);
  return operation([=](const gpu::Context& context) { gpu::multiplyBits(context, a, b, out); });
}

constexpr std::array entries{
    GpuOperationEntry{"matmul", matmul},           GpuOperationEntry{"matvec", matvec},
    GpuOperationEntry{"transpose", transpose},     GpuOperationEntry{"matmulBatch", matmulBatch},
    GpuOperationEntry{"matvecBatch", matvecBatch}, GpuOperationEntry{"solve", solve},
    GpuOperationEntry{"inverse", inverse},         GpuOperationEntry{"bitMatmul", bitMatmul},
};

}  // namespace

std::span<const GpuOperationEntry> gpuMatrixOperations() {
  return entries;
}

}  // namespace vgpu::addon
