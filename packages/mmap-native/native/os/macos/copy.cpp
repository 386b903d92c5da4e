// Written from Apple's documentation and never run on a Mac.
#include "../copy.h"

#include "../copy_blocks.h"

namespace vgpu::os {

void copyWithin(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length) {
  // clonefile() and fcopyfile() know whole files only.
  copyBlocks(file, from, to, length);
}

}  // namespace vgpu::os
