#include "../posix/pages.h"

#include <sys/mman.h>

#include <cerrno>

#include "../error.h"

namespace vgpu::os {

void freePages(std::span<std::byte> pages, Backing /*backing*/, const std::string& path) {
  if (madvise(pages.data(), pages.size(), MADV_DONTNEED) != 0) throw Error("madvise", errno, path);
}

void residency(std::span<std::byte> pages, std::span<unsigned char> states, const std::string& path) {
  if (mincore(pages.data(), pages.size(), states.data()) != 0) throw Error("mincore", errno, path);
}

}  // namespace vgpu::os
