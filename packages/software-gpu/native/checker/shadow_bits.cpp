#include "checker/shadow_bits.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "vgpu/software_gpu/error.h"

namespace vgpu::software::checker {
namespace {

constexpr std::size_t kBits = 8;

/// The bits of a byte from `first` on, `count` of them or as many as it has.
std::uint8_t mask_of(std::size_t first, std::size_t count) {
  const std::size_t last = std::min(first + count, kBits);
  return static_cast<std::uint8_t>((1U << last) - (1U << first));
}

/// Calls `edge(byte, mask)` for bytes of which only some bits are meant, and `whole(first byte, count)`.
template <class Edge, class Whole>
void for_range(std::size_t first, std::size_t count, Edge edge, Whole whole) {
  if (count == 0) return;
  if (first % kBits != 0 || count < kBits) {
    const std::size_t here = std::min(count, kBits - first % kBits);
    edge(first / kBits, mask_of(first % kBits, here));
    first += here;
    count -= here;
  }
  if (count >= kBits) whole(first / kBits, count / kBits);
  if (count % kBits != 0) edge((first + count) / kBits, mask_of(0, count % kBits));
}

/// Whole pages go back to the system, which then reads them as zero: clearing must not take memory.
void clear_bytes(std::uint8_t* begin, std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t head = std::min((page - reinterpret_cast<std::uintptr_t>(begin) % page) % page, bytes);
  const std::size_t pages = (bytes - head) / page * page;
  if (pages != 0 && madvise(begin + head, pages, MADV_DONTNEED) != 0) {
    std::memset(begin + head, 0, pages);  // locked pages refuse the advice
  }
  std::memset(begin, 0, head);
  std::memset(begin + head + pages, 0, bytes - head - pages);
}

}  // namespace

ShadowBits::ShadowBits(std::size_t bytes) : mapped_(std::max<std::size_t>(bytes / kBits + 1, 1)) {
  void* mapped =
      mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    throw Error(Status::out_of_memory, "the memory checker cannot reserve " + std::to_string(mapped_) +
                                           " bytes of addresses: " + std::strerror(errno));
  }
  bits_ = static_cast<std::uint8_t*>(mapped);
}

ShadowBits::~ShadowBits() {
  if (munmap(bits_, mapped_) != 0) std::perror("vgpu: munmap of the memory checker's bits");
}

void ShadowBits::set(std::size_t first, std::size_t count) {
  for_range(
      first, count,
      [&](std::size_t byte, std::uint8_t mask) {
        const std::atomic_ref bits(bits_[byte]);
        // Mostly they are set already, and then the cache line need not be taken from others.
        if ((bits.load(std::memory_order_relaxed) & mask) != mask) {
          bits.fetch_or(mask, std::memory_order_relaxed);
        }
      },
      [&](std::size_t byte, std::size_t bytes) {
        if (bytes == 1) {
          std::atomic_ref(bits_[byte]).store(0xff, std::memory_order_relaxed);
        } else {
          std::memset(bits_ + byte, 0xff, bytes);
        }
      });
}

void ShadowBits::clear(std::size_t first, std::size_t count) {
  for_range(
      first, count,
      [&](std::size_t byte, std::uint8_t mask) {
        std::atomic_ref(bits_[byte]).fetch_and(static_cast<std::uint8_t>(~mask), std::memory_order_relaxed);
      },
      [&](std::size_t byte, std::size_t bytes) { clear_bytes(bits_ + byte, bytes); });
}

bool ShadowBits::get(std::size_t index) const {
  return (std::atomic_ref(bits_[index / kBits]).load(std::memory_order_relaxed) >> index % kBits & 1) != 0;
}

std::optional<std::size_t> ShadowBits::first_clear(std::size_t first, std::size_t count) const {
  bool all = true;
  for_range(
      first, count,
      [&](std::size_t byte, std::uint8_t mask) {
        all &= (std::atomic_ref(bits_[byte]).load(std::memory_order_relaxed) & mask) == mask;
      },
      [&](std::size_t byte, std::size_t bytes) {
        all &=
            std::all_of(bits_ + byte, bits_ + byte + bytes, [](std::uint8_t bits) { return bits == 0xff; });
      });
  if (all) return std::nullopt;
  while (get(first)) ++first;
  return first;
}

}  // namespace vgpu::software::checker
