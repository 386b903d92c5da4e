#include "copy_blocks.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "error.h"

namespace vgpu::os {
namespace {

constexpr std::uint64_t blockBytes = std::uint64_t{1} << 20;
#ifdef _WIN32
// ERROR_HANDLE_EOF
constexpr int endOfFile = 38;
#else
constexpr int endOfFile = ENODATA;
#endif

}  // namespace

void copyBlocks(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length) {
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(blockBytes, length)));
  std::uint64_t done = 0;
  while (done < length) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), length - done));
    const std::size_t count = file.read(from + done, std::span(block).first(wanted));
    // Somebody cut the file meanwhile.
    if (count == 0) throw Error("read", endOfFile, file.path());
    file.write(to + done, std::span(block).first(count));
    done += count;
  }
}

}  // namespace vgpu::os
