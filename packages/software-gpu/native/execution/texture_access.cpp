// Reads through textures, lane by lane. A texel is checked as any other access to device memory.
#include <array>
#include <bit>
#include <cmath>
#include <string>

#include "execution/block.h"
#include "execution/control.h"
#include "textures/sampling.h"

namespace vgpu::software {
namespace {

/// One lane's read.
struct Read {
  const Instruction* instruction;
  Warp* warp;
  std::uint32_t lane;
  std::uint64_t handle;
};

const Texture& texture_of(const Read& read) {
  const TextureTable& textures = *read.warp->block->launch->textures;
  const Texture* texture = textures.find(read.handle);
  if (texture == nullptr) {
    fail(Status::illegal_address, read.instruction, read.warp, read.lane, textures.describe(read.handle));
  }
  const std::uint16_t dimensions = read.instruction->flags & texture_flag::dimensions_mask;
  if (dimensions != texture->dimensions()) {
    fail(Status::illegal_address, read.instruction, read.warp, read.lane,
         "texture " + std::to_string(read.handle) + " has " + std::to_string(texture->dimensions()) +
             " dimensions, and the instruction reads " + std::to_string(dimensions));
  }
  return *texture;
}

template <class T>
std::array<T, 3> coordinates_of(const Read& read, unsigned dimensions) {
  const Instruction& in = *read.instruction;
  const std::uint32_t rows[] = {in.b, in.c, in.destination};
  std::array<T, 3> coordinates{};
  for (unsigned axis = 0; axis < dimensions; ++axis) {
    coordinates[axis] = frame_row<const T>(read.warp, rows[axis])[read.lane];
  }
  return coordinates;
}

Footprint footprint_of(const Read& read, const Texture& texture) {
  if ((read.instruction->flags & texture_flag::float_coordinates) != 0) {
    return footprint(texture, coordinates_of<float>(read, texture.dimensions()));
  }
  return footprint(texture, coordinates_of<std::int32_t>(read, texture.dimensions()));
}

const std::byte* texel_at(const Read& read, const Texture& texture, DeviceAddress address) {
  try {
    return resolve_address(read.instruction, read.warp, read.lane, Space::global, address,
                           texture.texel_bytes(), 1);
  } catch (const Error& error) {
    throw Error(error.status(),
                std::string(error.what()) + "; read through texture " + std::to_string(read.handle));
  }
}

TexelWords integers_at(const Read& read, const Texture& texture, const Footprint& footprint) {
  const TexelPlace& place = footprint.places[0];
  if (place.is_outside) return {};
  return integer_texel(texture, texel_at(read, texture, place.address));
}

/// NaN as PTX has it, whatever the texels' NaNs look like.
std::uint32_t float_bits(double value) {
  return std::isnan(value) ? 0x7fff'ffffU : std::bit_cast<std::uint32_t>(static_cast<float>(value));
}

TexelWords floats_at(const Read& read, const Texture& texture, const Footprint& footprint) {
  std::array<double, 4> sums{};
  for (std::uint32_t i = 0; i < footprint.count; ++i) {
    const TexelPlace& place = footprint.places[i];
    const auto values =
        place.is_outside ? texture.border : float_texel(texture, texel_at(read, texture, place.address));
    for (std::uint32_t channel = 0; channel < texture.channels; ++channel) {
      sums[channel] += double{place.weight} * values[channel];
    }
  }
  TexelWords words{};
  for (std::uint32_t channel = 0; channel < texture.channels; ++channel) {
    words[channel] = float_bits(sums[channel]);
  }
  return words;
}

const Instruction* run_texture_read(const Instruction* in, Warp* warp) {
  const std::uint32_t* results = warp->operand_rows + in->d;
  for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    const Read read{in, warp, lane, frame_row<const std::uint64_t>(warp, in->a)[lane]};
    const Texture& texture = texture_of(read);
    const Footprint footprint = footprint_of(read, texture);
    const TexelWords words =
        texture.is_integer() ? integers_at(read, texture, footprint) : floats_at(read, texture, footprint);
    // Only now: a result may take a coordinate's place.
    for (std::size_t i = 0; i < words.size(); ++i) {
      frame_row<std::uint32_t>(warp, results[i])[lane] = words[i];
    }
  }
  return in + 1;
}

}  // namespace

void add_texture_handlers(Handler* table) {
  table[static_cast<std::uint16_t>(Operation::texture_read)] = run_texture_read;
}

}  // namespace vgpu::software
