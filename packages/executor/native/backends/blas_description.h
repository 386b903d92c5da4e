// How operations of cuBLAS arrive: one structure of packages/protocol/src/wire-blas.ts.
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
    throw CallError(CUDA_ERROR_INVALID_VALUE, "the description of the operation has another size");
  std::memcpy(&description, bytes.data(), sizeof(description));
  return description;
}

}  // namespace vgpu::executor
