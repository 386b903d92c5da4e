#include "backends/array_description.h"

#include <algorithm>
#include <string>

#include "backends/texture_description.h"
#include "cuda_abi.h"

namespace vgpu::executor {
namespace {

std::uint64_t element_bytes(const vgpu_array& array) {
  return std::uint64_t{array.channels} * channel_bytes(array.format);
}

std::string size_of(const vgpu_array& array) {
  return std::to_string(array.width) + " by " + std::to_string(array.height) + " by " +
         std::to_string(array.depth);
}

/// Begin and length within [0, size).
bool lies_in(std::uint64_t begin, std::uint64_t length, std::uint64_t size) {
  return begin <= size && length <= size - begin;
}

}  // namespace

void check_array(const vgpu_array& array, const ArrayLimits& limits) {
  if (array.channels != 1 && array.channels != 2 && array.channels != 4) {
    throw CallError(CUDA_ERROR_INVALID_VALUE,
                    "an array with " + std::to_string(array.channels) + " channels");
  }
  static_cast<void>(channel_bytes(array.format));
  constexpr std::uint32_t kMost = 2 * CUDA_ARRAY3D_VIDEO_ENCODE_DECODE - 1;
  if (array.flags > kMost) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "an array with flags " + std::to_string(array.flags));
  }
  if ((array.flags & ~static_cast<std::uint32_t>(CUDA_ARRAY3D_SURFACE_LDST)) != 0) {
    throw CallError(CUDA_ERROR_NOT_SUPPORTED,
                    "an array with flags " + std::to_string(array.flags) + " is not implemented");
  }
  const bool is_box = array.depth != 0;
  const bool is_line = array.height == 0;
  const bool fits = is_box ? !is_line && array.width <= limits.side_3d && array.height <= limits.side_3d &&
                                 array.depth <= limits.side_3d
                    : is_line ? array.width <= limits.width_1d
                              : array.width <= limits.width_2d && array.height <= limits.height_2d;
  if (!fits || array.width == 0)
    throw CallError(CUDA_ERROR_INVALID_VALUE, "an array of " + size_of(array) + " elements");
}

std::uint64_t row_bytes(const vgpu_array& array) {
  return array.width * element_bytes(array);
}

std::uint64_t row_count(const vgpu_array& array) {
  return std::max<std::uint64_t>(array.height, 1);
}

std::uint64_t slice_count(const vgpu_array& array) {
  return std::max<std::uint64_t>(array.depth, 1);
}

void require_part(const vgpu_array& array, const ArrayPart& part) {
  const bool inside = lies_in(part.x, part.width, row_bytes(array)) &&
                      lies_in(part.y, part.height, row_count(array)) && part.z < slice_count(array);
  const std::uint64_t element = element_bytes(array);
  if (inside && part.x % element == 0 && part.width % element == 0) return;
  throw CallError(CUDA_ERROR_INVALID_VALUE,
                  std::to_string(part.height) + " rows of " + std::to_string(part.width) +
                      " bytes from byte " + std::to_string(part.x) + " of row " + std::to_string(part.y) +
                      ", slice " + std::to_string(part.z) + ", of an array of " + size_of(array) +
                      " elements of " + std::to_string(element) + " bytes");
}

}  // namespace vgpu::executor
