#include "backends/row_copy.h"

#include <string>

#include "cuda_abi.h"

namespace vgpu::executor {

std::uint64_t extent_of_rows(std::uint64_t pitch, std::uint64_t width, std::uint64_t height) {
  std::uint64_t bytes = 0;
  const bool overlapping = height > 1 && pitch < width;
  if (overlapping || __builtin_mul_overflow(height - 1, pitch, &bytes) ||
      __builtin_add_overflow(bytes, width, &bytes)) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, std::to_string(height) + " rows of " + std::to_string(width) +
                                                  " bytes at a pitch of " + std::to_string(pitch));
  }
  return bytes;
}

void require_packed(std::size_t bytes, std::uint64_t width, std::uint64_t height) {
  if (bytes == width * height) return;
  throw CallError(CUDA_ERROR_INVALID_VALUE, std::to_string(bytes) + " bytes for " + std::to_string(height) +
                                                " rows of " + std::to_string(width));
}

void require_piece(std::size_t piece, std::uint64_t total) {
  if (piece <= total) return;
  throw CallError(CUDA_ERROR_INVALID_VALUE,
                  "a piece of " + std::to_string(piece) + " bytes of a copy of " + std::to_string(total));
}

}  // namespace vgpu::executor
