#include "execution/compiled/executable_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace vgpu::software {

ExecutableMemory::ExecutableMemory(std::span<const std::uint8_t> code) {
  void* memory = mmap(nullptr, code.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  std::memcpy(memory, code.data(), code.size());
  if (mprotect(memory, code.size(), PROT_READ | PROT_EXEC) != 0) {
    const int error = errno;
    munmap(memory, code.size());
    throw std::system_error(error, std::generic_category(), "mprotect");
  }
  begin_ = static_cast<std::uint8_t*>(memory);
  bytes_ = code.size();
}

ExecutableMemory::~ExecutableMemory() {
  // Cannot fail: the range is one that mmap returned.
  if (begin_ != nullptr) munmap(begin_, bytes_);
}

ExecutableMemory::ExecutableMemory(ExecutableMemory&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

ExecutableMemory& ExecutableMemory::operator=(ExecutableMemory&& other) noexcept {
  std::swap(begin_, other.begin_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace vgpu::software
