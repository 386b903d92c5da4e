#include "worker/shared_rings.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace vgpu::executor {
namespace {

constexpr std::size_t kBytes = sizeof(vgpu_shared_rings);

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

SharedRings::SharedRings() : file_(memfd_create("vgpu-rings", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (!file_) fail("memfd_create");
  if (ftruncate(file_.get(), kBytes) != 0) fail("ftruncate");
  if (fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) fail("F_ADD_SEALS");
  void* mapped = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (mapped == MAP_FAILED) fail("mmap");
  rings_ = static_cast<vgpu_shared_rings*>(mapped);
}

SharedRings::~SharedRings() {
  if (munmap(rings_, kBytes) != 0) std::perror("vgpu: munmap of the rings");
}

}  // namespace vgpu::executor
