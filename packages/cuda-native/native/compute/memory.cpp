#include "compute/memory.h"

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace vgpu::compute {
namespace {

constexpr std::align_val_t kCacheLine{64};

#ifdef __linux__

constexpr std::size_t kLargePage = std::size_t{2} << 20;
constexpr std::size_t kFromSystem = std::size_t{256} << 10;

std::size_t roundedUp(std::size_t bytes) {
  return bytes < kInLargePages ? bytes : (bytes + kLargePage - 1) / kLargePage * kLargePage;
}

std::byte* mapped(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

std::byte* takeLargePages(std::size_t bytes) {
  std::byte* start = mapped(bytes + kLargePage);
  const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(start) % kLargePage) % kLargePage;
  // Address space only: where it cannot be given back, nothing is lost but that.
  if (before > 0) static_cast<void>(munmap(start, before));
  static_cast<void>(munmap(start + before + bytes, kLargePage - before));
  // A wish: a system without large pages refuses it, and the memory is as good.
  static_cast<void>(madvise(start + before, bytes, MADV_HUGEPAGE));
  return start + before;
}

#endif

}  // namespace

// Straight from the system, and straight back: the C library keeps what is freed for each thread, and finds
// aligned memory badly again, so that a process grows to many times the limit that its operations keep.
std::byte* takeMemory(std::size_t bytes) {
#ifdef __linux__
  if (bytes >= kInLargePages) return takeLargePages(roundedUp(bytes));
  if (bytes >= kFromSystem) return mapped(bytes);
#endif
  return static_cast<std::byte*>(::operator new(bytes, kCacheLine));
}

void preferLargePages(std::byte* memory, std::size_t bytes) {
#ifdef __linux__
  // With the page that it begins in: of memory from the system that is all, and the mapping stays whole.
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t before = reinterpret_cast<std::uintptr_t>(memory) % page;
  static_cast<void>(madvise(memory - before, bytes + before, MADV_HUGEPAGE));
#else
  static_cast<void>(memory);
  static_cast<void>(bytes);
#endif
}

void giveBack(std::byte* memory, std::size_t bytes) {
#ifdef __linux__
  if (bytes >= kFromSystem) {
    // Of a mapping of ours this cannot fail; were it to, the memory would stay ours and nothing else.
    static_cast<void>(munmap(memory, roundedUp(bytes)));
    return;
  }
#endif
  ::operator delete(memory, kCacheLine);
}

}  // namespace vgpu::compute
