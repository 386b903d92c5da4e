// A module's image as a client sent it, before the driver reads it: the driver is not told where it ends.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace vgpu::executor {

/// The image, with NULs behind it so that text ends. Throws CallError with CUDA_ERROR_INVALID_IMAGE when the
/// image's own headers claim more bytes than there are.
std::string checked_image(std::span<const std::byte> image);

}  // namespace vgpu::executor
