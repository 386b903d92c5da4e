// Bytes from one place of a file to another.
#pragma once

#include "file.h"

namespace vgpu::os {

/**
 * Shares or copies the range inside the kernel where the file system can (copy_file_range), else by reading
 * and writing. Both ranges lie inside the file and do not overlap. Callers that want to stop in between ask
 * for a part at a time.
 */
void copyWithin(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length);

}  // namespace vgpu::os
