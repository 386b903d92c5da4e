#include "../posix/flush.h"

#include <unistd.h>

#include <cerrno>

#include "../error.h"
#include "../posix/call.h"

namespace vgpu::os {

void flushDescriptor(int descriptor, Flushed what, const std::string& path) {
  if (what == Flushed::data) {
    if (retry([&] { return fdatasync(descriptor); }) != 0) throw Error("fdatasync", errno, path);
  } else if (retry([&] { return fsync(descriptor); }) != 0) {
    throw Error("fsync", errno, path);
  }
}

}  // namespace vgpu::os
