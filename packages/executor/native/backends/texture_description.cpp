#include "backends/texture_description.h"

#include <string>

#include "cuda_abi.h"

namespace vgpu::executor {
namespace {

[[noreturn]] void refuse(const std::string& reason) {
  throw CallError(CUDA_ERROR_INVALID_VALUE, "a texture with " + reason);
}

[[noreturn]] void lacks(const std::string& what) {
  throw CallError(CUDA_ERROR_NOT_SUPPORTED, "a texture with " + what + " is not implemented");
}

void check_width(std::uint64_t texels, std::uint64_t limit) {
  if (texels == 0 || texels > limit) {
    refuse(std::to_string(texels) + " texels in a row, at most " + std::to_string(limit));
  }
}

}  // namespace

void check_reading(const vgpu_texture& texture) {
  for (const std::int32_t mode : texture.address_mode) {
    if (mode < CU_TR_ADDRESS_MODE_WRAP || mode > CU_TR_ADDRESS_MODE_BORDER)
      refuse("address mode " + std::to_string(mode));
  }
  for (const std::int32_t mode : {texture.filter_mode, texture.mipmap_filter_mode}) {
    if (mode != CU_TR_FILTER_MODE_POINT && mode != CU_TR_FILTER_MODE_LINEAR)
      refuse("filter mode " + std::to_string(mode));
  }
  constexpr std::uint32_t kKnown = CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES | CU_TRSF_SRGB |
                                   CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION | CU_TRSF_SEAMLESS_CUBEMAP;
  if ((texture.flags & ~kKnown) != 0) refuse("flags " + std::to_string(texture.flags));
}

std::uint32_t channel_bytes(std::int32_t format) {
  switch (format) {
    case CU_AD_FORMAT_UNSIGNED_INT8:
    case CU_AD_FORMAT_SIGNED_INT8:
      return 1;
    case CU_AD_FORMAT_UNSIGNED_INT16:
    case CU_AD_FORMAT_SIGNED_INT16:
    case CU_AD_FORMAT_HALF:
      return 2;
    case CU_AD_FORMAT_UNSIGNED_INT32:
    case CU_AD_FORMAT_SIGNED_INT32:
    case CU_AD_FORMAT_FLOAT:
      return 4;
    default:
      break;
  }
  // Of planes, of compressed blocks, and of packed channels.
  const bool known = format == CU_AD_FORMAT_UNORM_INT_101010_2 ||
                     (format >= CU_AD_FORMAT_BC1_UNORM && format <= CU_AD_FORMAT_SNORM_INT16X4);
  if (known) lacks("format " + std::to_string(format));
  refuse("format " + std::to_string(format));
}

std::uint64_t checked_extent(const vgpu_texture& texture, const TextureLimits& limits) {
  const bool is_linear = texture.resource == CU_RESOURCE_TYPE_LINEAR;
  if (texture.resource == CU_RESOURCE_TYPE_MIPMAPPED_ARRAY) lacks("a mipmapped array behind it");
  if (!is_linear && texture.resource != CU_RESOURCE_TYPE_PITCH2D) {
    refuse("resource type " + std::to_string(texture.resource));
  }
  if (texture.channels != 1 && texture.channels != 2 && texture.channels != 4) {
    refuse(std::to_string(texture.channels) + " channels");
  }
  const std::uint64_t texel_bytes = std::uint64_t{texture.channels} * channel_bytes(texture.format);
  if (texture.address == 0 || texture.address % limits.alignment != 0) {
    refuse("address " + std::to_string(texture.address) + ", which is no multiple of " +
           std::to_string(limits.alignment));
  }
  if (is_linear) {
    check_width(texture.width / texel_bytes, limits.linear_width);
    return texture.width / texel_bytes * texel_bytes;
  }
  check_width(texture.width, limits.pitched_width);
  if (texture.height == 0 || texture.height > limits.pitched_height) {
    refuse(std::to_string(texture.height) + " rows, at most " + std::to_string(limits.pitched_height));
  }
  const std::uint64_t row_bytes = texture.width * texel_bytes;
  if (texture.pitch < row_bytes || texture.pitch > limits.pitch ||
      texture.pitch % limits.pitch_alignment != 0) {
    refuse("rows of " + std::to_string(row_bytes) + " bytes at a pitch of " + std::to_string(texture.pitch) +
           ", a multiple of " + std::to_string(limits.pitch_alignment) + " and at most " +
           std::to_string(limits.pitch));
  }
  // All factors are below the device's limits, so nothing overflows.
  return (texture.height - 1) * texture.pitch + row_bytes;
}

void require_plain_reading(const vgpu_texture& texture) {
  if ((texture.flags & CU_TRSF_SRGB) != 0) lacks("conversion from sRGB");
  // Linear memory has neither filter nor border, whatever the description says.
  if (texture.resource == CU_RESOURCE_TYPE_LINEAR) return;
  const bool is_float = texture.format == CU_AD_FORMAT_HALF || texture.format == CU_AD_FORMAT_FLOAT;
  const bool as_it_is = (texture.flags & CU_TRSF_READ_AS_INTEGER) != 0 || channel_bytes(texture.format) == 4;
  if (is_float || !as_it_is) return;
  // CUDA documents neither: its linear filter is for values that are read as floats.
  if (texture.filter_mode == CU_TR_FILTER_MODE_LINEAR) lacks("a linear filter over integers");
  for (const std::uint32_t bits : texture.border_color) {
    if (bits != 0) lacks("a border colour around integers");
  }
}

}  // namespace vgpu::executor
