#include "../copy.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "../error.h"
#include "call.h"

namespace vgpu::os {
namespace {

constexpr std::uint64_t blockBytes = std::uint64_t{1} << 20;

/** Returns how much the kernel copied before it met something that it cannot do. */
std::uint64_t copyInKernel(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length) {
  std::uint64_t done = 0;
  while (done < length) {
    auto source = static_cast<off_t>(from + done);
    auto target = static_cast<off_t>(to + done);
    const ssize_t count = retry(
        [&] { return copy_file_range(file.handle(), &source, file.handle(), &target, length - done, 0); });
    // Old kernels and some file systems refuse, with one of these or by copying nothing.
    if (count == 0) break;
    if (count < 0) {
      if (errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL || errno == EXDEV) break;
      throw Error("copy_file_range", errno, file.path());
    }
    done += static_cast<std::uint64_t>(count);
  }
  return done;
}

}  // namespace

void copyWithin(File& file, std::uint64_t from, std::uint64_t to, std::uint64_t length) {
  std::uint64_t done = copyInKernel(file, from, to, length);
  if (done == length) return;
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(blockBytes, length - done)));
  while (done < length) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), length - done));
    const std::size_t count = file.read(from + done, std::span(block).first(wanted));
    // Somebody cut the file while it was copied.
    if (count == 0) throw Error("pread", ENODATA, file.path());
    file.write(to + done, std::span(block).first(count));
    done += count;
  }
}

}  // namespace vgpu::os
