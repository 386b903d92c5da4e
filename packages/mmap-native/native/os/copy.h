// Bytes from one place of a file to another.
#pragma once

#include <atomic>

#include "file.h"

namespace vgpu::os {

/**
 * Shares or copies the range inside the kernel where the file system can (copy_file_range), else by reading and
 * writing. The ranges do not overlap. Stops early, between blocks of some MiB, once `stop` is set; returns the
 * number of bytes copied.
 */
std::uint64_t copyWithin(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length,
                         const std::atomic<bool>& stop);

}  // namespace vgpu::os
