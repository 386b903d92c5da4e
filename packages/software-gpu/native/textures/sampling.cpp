#include "textures/sampling.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace vgpu::software {
namespace {

constexpr std::int64_t kOutside = -1;

/// The texels of one axis that a read depends on.
struct Axis {
  std::uint32_t count;
  std::array<std::int64_t, 2> texels;  // or kOutside
  std::array<float, 2> weights;
};

/// The texel that a number outside [0, size) stands for.
std::int64_t inside(std::int64_t texel, std::int64_t size, AddressMode mode) {
  if (texel >= 0 && texel < size) return texel;
  switch (mode) {
    case AddressMode::wrap:
      return (texel % size + size) % size;
    case AddressMode::clamp:
      return std::clamp<std::int64_t>(texel, 0, size - 1);
    case AddressMode::mirror:
      // Only the neighbours of texels inside come here.
      return std::clamp<std::int64_t>(texel < 0 ? -1 - texel : 2 * size - 1 - texel, 0, size - 1);
    case AddressMode::border:
      return kOutside;
  }
  return kOutside;
}

/// In texels; within, or by a rounding error at the end of, [0, size] where the mode repeats the texture.
double position_on_axis(float coordinate, double size, AddressMode mode, bool normalized) {
  // A NaN converts to zero, as everywhere in PTX where a float becomes an integer.
  const double value = std::isnan(coordinate) ? 0.0 : double{coordinate};
  if (!normalized) return value;
  if (mode != AddressMode::wrap && mode != AddressMode::mirror) return value * size;
  if (!std::isfinite(value)) return 0;
  const double period = std::floor(value);
  const double part = value - period;
  const bool is_mirrored = mode == AddressMode::mirror && std::fmod(period, 2) != 0;
  return (is_mirrored ? 1 - part : part) * size;
}

/// Weights have eight bits behind the point, and one before it for 1.
float weight_of(double fraction) {
  constexpr double kUnits = 256;
  return static_cast<float>(std::floor(fraction * kUnits + 0.5) / kUnits);
}

Axis axis_of(const Texture& texture, std::uint64_t texels, AddressMode given_mode, float coordinate) {
  const auto size = static_cast<std::int64_t>(texels);
  const bool normalized = texture.normalized_coordinates;
  const bool repeats = given_mode == AddressMode::wrap || given_mode == AddressMode::mirror;
  const AddressMode mode = repeats && !normalized ? AddressMode::clamp : given_mode;
  double position = position_on_axis(coordinate, static_cast<double>(size), mode, normalized);
  if (texture.filters) position -= 0.5;
  // Further out is no different, and may be no integer.
  position = std::clamp(position, -2.0, static_cast<double>(size) + 1);
  const double first = std::floor(position);
  const auto texel = static_cast<std::int64_t>(first);
  if (!texture.filters) return {1, {inside(texel, size, mode), 0}, {1, 0}};
  const float weight = weight_of(position - first);
  return {2, {inside(texel, size, mode), inside(texel + 1, size, mode)}, {1 - weight, weight}};
}

std::array<std::uint64_t, 3> size_of(const Texture& texture) {
  return {texture.width, texture.height, texture.depth};
}

/// `texels` has a number, or kOutside, for each axis.
TexelPlace place_of(const Texture& texture, const std::array<std::int64_t, 3>& texels, float weight) {
  for (const std::int64_t texel : texels) {
    if (texel == kOutside) return {true, 0, weight};
  }
  const auto row =
      static_cast<std::uint64_t>(texels[2]) * texture.height + static_cast<std::uint64_t>(texels[1]);
  const DeviceAddress address = texture.address + row * texture.pitch;
  return {false, address + static_cast<std::uint64_t>(texels[0]) * texture.texel_bytes(), weight};
}

Footprint one_texel(const Texture& texture, const std::array<std::int64_t, 3>& texels) {
  Footprint result;
  result.count = 1;
  result.places[0] = place_of(texture, texels, 1);
  return result;
}

float widened(std::uint16_t half) {
  const std::uint32_t exponent = half >> 10 & 0x1f;
  const std::uint32_t fraction = half & 0x3ff;
  const float sign = (half & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  if (exponent == 0x1f) {
    return fraction != 0 ? std::bit_cast<float>(0x7fff'ffffU) : sign * std::bit_cast<float>(0x7f80'0000U);
  }
  return sign * std::ldexp(static_cast<float>(fraction | 0x400), static_cast<int>(exponent) - 25);
}

template <class T>
T channel_of(const std::byte* texel, std::uint32_t channel) {
  T value;
  std::memcpy(&value, texel + channel * sizeof value, sizeof value);
  return value;
}

/// Both -2ⁿ and -2ⁿ+1 are -1.
float signed_part(std::int32_t value, float largest) {
  return std::max(static_cast<float>(value) / largest, -1.0F);
}

float float_channel(ChannelType type, const std::byte* texel, std::uint32_t channel) {
  switch (type) {
    case ChannelType::u8:
      return static_cast<float>(channel_of<std::uint8_t>(texel, channel)) / 255.0F;
    case ChannelType::u16:
      return static_cast<float>(channel_of<std::uint16_t>(texel, channel)) / 65535.0F;
    case ChannelType::s8:
      return signed_part(channel_of<std::int8_t>(texel, channel), 127.0F);
    case ChannelType::s16:
      return signed_part(channel_of<std::int16_t>(texel, channel), 32767.0F);
    case ChannelType::f16:
      return widened(channel_of<std::uint16_t>(texel, channel));
    case ChannelType::f32:
    case ChannelType::u32:  // never: these read as integers
    case ChannelType::s32:
      break;
  }
  return channel_of<float>(texel, channel);
}

std::uint32_t integer_channel(ChannelType type, const std::byte* texel, std::uint32_t channel) {
  switch (type) {
    case ChannelType::u8:
      return channel_of<std::uint8_t>(texel, channel);
    case ChannelType::u16:
      return channel_of<std::uint16_t>(texel, channel);
    case ChannelType::s8:
      return static_cast<std::uint32_t>(std::int32_t{channel_of<std::int8_t>(texel, channel)});
    case ChannelType::s16:
      return static_cast<std::uint32_t>(std::int32_t{channel_of<std::int16_t>(texel, channel)});
    default:
      return channel_of<std::uint32_t>(texel, channel);
  }
}

}  // namespace

Footprint footprint(const Texture& texture, const std::array<std::int32_t, 3>& coordinates) {
  const bool is_buffer = texture.shape == Texture::Shape::buffer;
  std::array<std::int64_t, 3> texels{};
  for (std::size_t axis = 0; axis < texture.dimensions(); ++axis) {
    // A texel that is named by its number is not repeated.
    const bool has_border = is_buffer || texture.address_modes[axis] == AddressMode::border;
    texels[axis] = inside(coordinates[axis], static_cast<std::int64_t>(size_of(texture)[axis]),
                          has_border ? AddressMode::border : AddressMode::clamp);
  }
  return one_texel(texture, texels);
}

Footprint footprint(const Texture& texture, const std::array<float, 3>& coordinates) {
  if (texture.shape == Texture::Shape::buffer) {
    Texture numbered = texture;
    numbered.filters = numbered.normalized_coordinates = false;
    const Axis axis = axis_of(numbered, texture.width, AddressMode::border, coordinates[0]);
    return one_texel(texture, {axis.texels[0], 0, 0});
  }
  std::array<Axis, 3> axes;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    axes[axis] = axis < texture.dimensions() ? axis_of(texture, size_of(texture)[axis],
                                                       texture.address_modes[axis], coordinates[axis])
                                             : Axis{1, {0, 0}, {1, 0}};
  }
  Footprint result;
  for (std::uint32_t slice = 0; slice < axes[2].count; ++slice) {
    for (std::uint32_t row = 0; row < axes[1].count; ++row) {
      for (std::uint32_t column = 0; column < axes[0].count; ++column) {
        const float weight = axes[0].weights[column] * axes[1].weights[row] * axes[2].weights[slice];
        // What has no part in the result must not make it a NaN either.
        if (weight == 0) continue;
        result.places[result.count++] =
            place_of(texture, {axes[0].texels[column], axes[1].texels[row], axes[2].texels[slice]}, weight);
      }
    }
  }
  return result;
}

TexelWords integer_texel(const Texture& texture, const std::byte* texel) {
  TexelWords words{};
  for (std::uint32_t channel = 0; channel < texture.channels; ++channel) {
    words[channel] = integer_channel(texture.type, texel, channel);
  }
  return words;
}

std::array<float, 4> float_texel(const Texture& texture, const std::byte* texel) {
  std::array<float, 4> values{};
  for (std::uint32_t channel = 0; channel < texture.channels; ++channel) {
    values[channel] = float_channel(texture.type, texel, channel);
  }
  return values;
}

}  // namespace vgpu::software
