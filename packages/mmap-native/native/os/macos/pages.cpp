// Written from Apple's documentation and never run on a Mac.
#include "../posix/pages.h"

#include <sys/mman.h>

#include <cerrno>

#include "../error.h"

namespace vgpu::os {

void freePages(std::span<std::byte> pages, Backing backing, const std::string& path) {
  if (backing == Backing::file) {
    // MADV_DONTNEED frees nothing here; invalidating drops the cached pages. Refused with EBUSY for pinned
    // ones.
    if (msync(pages.data(), pages.size(), MS_SYNC | MS_INVALIDATE) != 0) throw Error("msync", errno, path);
    return;
  }
  // After MADV_FREE old contents may show again. Fresh pages in their place are zeros, and there at any
  // moment.
  const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANON;
  if (mmap(pages.data(), pages.size(), PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) {
    throw Error("mmap", errno, path);
  }
}

void residency(std::span<std::byte> pages, std::span<unsigned char> states, const std::string& path) {
  // The same bytes as on Linux, by another type.
  if (mincore(pages.data(), pages.size(), reinterpret_cast<char*>(states.data())) != 0) {
    throw Error("mincore", errno, path);
  }
}

}  // namespace vgpu::os
