#include "../copy.h"

#include <algorithm>
#include <vector>

#include "system.h"

namespace vgpu::os {

void copyWithin(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length) {
  constexpr std::uint64_t blockBytes = std::uint64_t{1} << 20;
  // Windows copies whole files only; ReFS, which can share parts of them, wants clusters that fit.
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(blockBytes, length)));
  std::uint64_t done = 0;
  while (done < length) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), length - done));
    const std::size_t count = file.read(from + done, std::span(block).first(wanted));
    // Somebody cut the file while it was copied.
    if (count == 0) throw Error("ReadFile", ERROR_HANDLE_EOF, file.path());
    file.write(to + done, std::span(block).first(count));
    done += count;
  }
}

}  // namespace vgpu::os
