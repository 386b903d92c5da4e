// How arrays arrive, and what can be said of them and of copies before anything is computed from them: one
// structure of packages/protocol/src/wire-texture.ts.
#pragma once

#include <cstdint>

#include "backends/errors.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// What a device can do; the names are those of its attributes.
struct ArrayLimits {
  std::uint64_t width_1d;
  std::uint64_t width_2d;
  std::uint64_t height_2d;
  std::uint64_t side_3d;  // of the largest box that is as long in every direction
};

/// What a copy reads or writes of an array; `x` and `width` are bytes.
struct ArrayPart {
  std::uint64_t x;
  std::uint64_t y;
  std::uint64_t z;
  std::uint64_t width;
  std::uint64_t height;
};

/// Throws CallError unless an array of a device with these limits can be so. Its bytes are then a number.
void check_array(const vgpu_array& array, const ArrayLimits& limits);

/// Of an array that has been checked.
std::uint64_t row_bytes(const vgpu_array& array);
std::uint64_t row_count(const vgpu_array& array);  // of a slice
std::uint64_t slice_count(const vgpu_array& array);

/// Throws CallError with CUDA_ERROR_INVALID_VALUE unless the part is whole elements of the array.
void require_part(const vgpu_array& array, const ArrayPart& part);

}  // namespace vgpu::executor
