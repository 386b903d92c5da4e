// Device code as programs hand it over: PTX text, or a fat binary that holds it for several architectures.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace vgpu::software {

/// The PTX text to load from `image`, which is PTX text (with or without a terminating NUL) or a fat binary;
/// of a fat binary the PTX for the newest architecture that is not above `compute_capability` (75 for 7.5).
/// Bytes behind the end that a fat binary states are left alone.
///
/// The image comes from another process and nothing in it is believed. Throws Error: no_binary_for_gpu with a
/// list of what the image holds; invalid_image when it is neither, is cut off, or states sizes that cannot be
/// true.
std::string select_ptx(std::span<const std::byte> image, int compute_capability);

}  // namespace vgpu::software
