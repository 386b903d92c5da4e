#include "compute/memory.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace vgpu::compute {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;
constexpr std::size_t kCacheLine = 64;

std::align_val_t alignmentOf(std::size_t bytes) {
  return std::align_val_t{bytes >= 2 * kLargePage ? kLargePage : kCacheLine};
}

}  // namespace

std::byte* takeMemory(std::size_t bytes) {
  auto* memory = static_cast<std::byte*>(::operator new(bytes, alignmentOf(bytes)));
#ifdef __linux__
  // A wish: a system without large pages refuses it, and the memory is as good.
  if (bytes >= 2 * kLargePage) static_cast<void>(madvise(memory, bytes, MADV_HUGEPAGE));
#endif
  return memory;
}

void giveBack(std::byte* memory, std::size_t bytes) {
  ::operator delete(memory, alignmentOf(bytes));
}

}  // namespace vgpu::compute
