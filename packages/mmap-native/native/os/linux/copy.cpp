#include "../copy.h"

#include <unistd.h>

#include <cerrno>

#include "../copy_blocks.h"
#include "../error.h"
#include "../posix/call.h"

namespace vgpu::os {
namespace {

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
  const std::uint64_t done = copyInKernel(file, from, to, length);
  if (done < length) copyBlocks(file, from + done, to + done, length - done);
}

}  // namespace vgpu::os
