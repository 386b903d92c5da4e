// Copying by reading and writing.
#pragma once

#include "file.h"

namespace vgpu::os {

/**
 * Both ranges lie inside the file, and do not overlap. Or they are the same: that takes the disk space of a
 * hole, but undoes what others write into it meanwhile.
 */
void copyBlocks(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length);

}  // namespace vgpu::os
