// The kernels as the build made them: a fat binary, or PTX where there was no nvcc.
#pragma once

namespace vgpu::gpu {

/** A source file of native/kernels. */
enum class Family {
  elementwise,
  reduce,
  scan,
  histogram,
  sort,
  matrix,
  linearSystem,
  bitMatrix,
  distance,
  layout
};
constexpr int families = 10;

/** What cuModuleLoadData takes. */
const void* imageOf(Family family);

}  // namespace vgpu::gpu
