// What copies are checked for in every backend: rows that lie `pitch` bytes apart, and pieces of a whole.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/errors.h"

namespace vgpu::executor {

/// From the first byte to the last, the gaps between rows included; also proves that width × height is no
/// overflow. Throws CallError with CUDA_ERROR_INVALID_VALUE when that is no number. `height` is not 0.
std::uint64_t extent_of_rows(std::uint64_t pitch, std::uint64_t width, std::uint64_t height);

/// Of rows that have an extent: throws CallError unless `bytes` are those without gaps.
void require_packed(std::size_t bytes, std::uint64_t width, std::uint64_t height);

/// Throws CallError.
void require_piece(std::size_t piece, std::uint64_t total);

}  // namespace vgpu::executor
