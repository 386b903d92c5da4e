// Written from Apple's documentation and never run on a Mac.
#include "../posix/flush.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "../error.h"
#include "../posix/call.h"

namespace vgpu::os {

void flushDescriptor(int descriptor, Flushed /*what*/, const std::string& path) {
  // Here fsync() leaves the data in the disk's own cache.
  if (retry([&] { return fcntl(descriptor, F_FULLFSYNC); }) == 0) return;
  if (errno != ENOTSUP && errno != ENOTTY && errno != EINVAL) throw Error("fcntl", errno, path);
  // File systems without it, such as network ones: their server is asked to write.
  if (retry([&] { return fsync(descriptor); }) != 0) throw Error("fsync", errno, path);
}

}  // namespace vgpu::os
