// Reading ahead for memory that a file is mapped to.
#pragma once

#include <cstddef>

#include "system.h"

namespace vgpu::os {

/** Returns the error. Does nothing on systems before Windows 8, which cannot read ahead on request. */
[[nodiscard]] DWORD prefetchMemory(const std::byte* begin, std::size_t length) noexcept;

}  // namespace vgpu::os
