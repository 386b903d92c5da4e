#include "../copy.h"

#include "../copy_blocks.h"

namespace vgpu::os {

void copyWithin(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length) {
  // Windows copies whole files only; ReFS, which can share parts of them, wants whole clusters.
  copyBlocks(file, from, to, length);
}

}  // namespace vgpu::os
