#include "backends/real/shared_region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "backends/errors.h"
#include "backends/real/address_window.h"

namespace vgpu::executor {
namespace {

// In the window, away from its lower end, where drivers have addresses that they like, and from its upper
// end, where the kernel puts what asks for no address.
constexpr std::uint64_t kFirstAddress = 0x3000'0000'0000;
constexpr std::uint64_t kStep = std::uint64_t{2} << 20;

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

[[noreturn]] void fail(const char* what, std::size_t bytes) {
  throw CallError(CUDA_ERROR_OUT_OF_MEMORY, std::string(what) + " " + std::to_string(bytes) +
                                                " bytes of shared memory: " + std::strerror(errno));
}

/// Addresses are not given out twice: a client may still have the old mapping.
void* map(int file, std::size_t bytes) {
  static std::uint64_t next = kFirstAddress;
  const std::uint64_t size = (bytes + kStep - 1) / kStep * kStep;
  // A driver may have reserved terabytes: ever longer steps get past them.
  for (std::uint64_t step = size; next < kWindowEnd && bytes <= kWindowEnd - next; step *= 2) {
    void* wanted = reinterpret_cast<void*>(next);
    void* mapped = mmap(wanted, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
    next += mapped == MAP_FAILED ? step : size;
    if (mapped != MAP_FAILED) return mapped;
    if (errno != EEXIST) break;
  }
  fail("cannot map", bytes);
}

}  // namespace

SharedRegion::SharedRegion(std::size_t bytes)
    : file_(memfd_create("vgpu-shared", MFD_CLOEXEC)), bytes_(whole_pages(bytes)) {
  if (!file_ || ftruncate(file_.get(), static_cast<off_t>(bytes_)) != 0) fail("cannot create", bytes_);
  memory_ = map(file_.get(), bytes_);
}

SharedRegion::~SharedRegion() {
  // Cannot fail for what mmap returned.
  if (memory_ != nullptr) static_cast<void>(munmap(memory_, bytes_));
}

SharedRegion::SharedRegion(SharedRegion&& other) noexcept
    : file_(std::move(other.file_)),
      memory_(std::exchange(other.memory_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

}  // namespace vgpu::executor
