// How operations of cuBLAS and textures travel: as one structure of packages/protocol/src/wire-….ts.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "backends/errors.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// Throws CallError with CUDA_ERROR_INVALID_VALUE when the bytes are not one `Description`.
template <typename Description>
Description read_description(std::span<const std::byte> bytes) {
  Description description;
  if (bytes.size() != sizeof(description))
    throw CallError(CUDA_ERROR_INVALID_VALUE, "the description has another size");
  std::memcpy(&description, bytes.data(), sizeof(description));
  return description;
}

/// Throws CallError with CUDA_ERROR_INVALID_VALUE when there is not as much room as it takes.
template <typename Description>
void write_description(const Description& description, std::span<std::byte> bytes) {
  if (bytes.size() != sizeof(description))
    throw CallError(CUDA_ERROR_INVALID_VALUE, "the description has another size");
  std::memcpy(bytes.data(), &description, sizeof(description));
}

}  // namespace vgpu::executor
