// From coordinates to texels and from texels to values, as the appendix "Texture Fetching" of the CUDA C++
// Programming Guide defines both. Nothing here touches memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vgpu/software_gpu/texture.h"

namespace vgpu::software {

/// A texel that a read depends on, and its part in the result.
struct TexelPlace {
  bool is_outside;        // its value is the border's
  DeviceAddress address;  // otherwise
  float weight;
};

/// One texel, or with a filter up to eight.
struct Footprint {
  std::uint32_t count = 0;
  std::array<TexelPlace, 8> places{};
};

/// Coordinates beyond the texture's dimensions do not count.
Footprint footprint(const Texture& texture, const std::array<float, 3>& coordinates);
/// Coordinates that are numbers of texels already; nothing is filtered then.
Footprint footprint(const Texture& texture, const std::array<std::int32_t, 3>& coordinates);

/// The four words that a read gives. Channels that the texture lacks are zero.
using TexelWords = std::array<std::uint32_t, 4>;

/// Of a texture that reads as integers: the texel as it is, widened.
TexelWords integer_texel(const Texture& texture, const std::byte* texel);
/// Of all others.
std::array<float, 4> float_texel(const Texture& texture, const std::byte* texel);

}  // namespace vgpu::software
