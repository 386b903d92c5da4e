// How textures arrive, and what can be said of them before anybody uses them: one structure of
// packages/protocol/src/wire-texture.ts.
#pragma once

#include <cstdint>

#include "backends/errors.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// What a device can do; the names are those of its attributes.
struct TextureLimits {
  std::uint64_t alignment;
  std::uint64_t pitch_alignment;
  std::uint64_t linear_width;   // texels of linear memory
  std::uint64_t pitched_width;  // texels of a row
  std::uint64_t pitched_height;
  std::uint64_t pitch;
};

/// Bytes of a channel; throws CallError with CUDA_ERROR_INVALID_VALUE for what is no format, and with
/// CUDA_ERROR_NOT_SUPPORTED for one that is not implemented.
std::uint32_t channel_bytes(std::int32_t format);

/// Throws CallError unless modes, filters and flags are among those that CUDA has.
void check_reading(const vgpu_texture& texture);

/// Of a texture whose reading has been checked: throws CallError unless it is one over linear or pitched
/// memory of a device with these limits: no number in it overflows or is out of its range. Returns the bytes
/// from its first texel's to its last's.
std::uint64_t checked_extent(const vgpu_texture& texture, const TextureLimits& limits);

/// What CUDA allows and the software GPU does not do: throws CallError with CUDA_ERROR_NOT_SUPPORTED. Of a
/// texture that has been checked.
void require_plain_reading(const vgpu_texture& texture);

}  // namespace vgpu::executor
