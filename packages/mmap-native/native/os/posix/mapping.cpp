#include "../mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "../error.h"
#include "fault_guard.h"
#include "pages.h"

namespace vgpu::os {

struct Mapping::State {
  // For messages; empty for anonymous memory.
  std::string path;
  bool shared = false;
  std::unique_ptr<FaultGuard> guard;
};

namespace {

// mincore() wants a byte for each page.
constexpr std::size_t pagesAtATime = std::size_t{1} << 16;

std::byte* mapPages(std::size_t length, int flags, int descriptor, std::uint64_t offset,
                    const std::string& path) {
  void* const pages =
      mmap(nullptr, length, PROT_READ | PROT_WRITE, flags, descriptor, static_cast<off_t>(offset));
  if (pages == MAP_FAILED) throw Error("mmap", errno, path);
  return static_cast<std::byte*>(pages);
}

// Calls on memory want whole pages. An unaligned msync() writes nothing at all.
std::size_t roundDown(std::size_t value) {
  return value & ~(pageSize() - 1);
}
std::size_t roundUp(std::size_t value) {
  return roundDown(value + pageSize() - 1);
}

/** The pages that hold a byte of the range. */
std::span<std::byte> pagesAround(std::span<std::byte> bytes, std::size_t offset, std::size_t length) {
  const std::size_t begin = roundDown(offset);
  return {bytes.data() + begin, roundUp(offset + length) - begin};
}

}  // namespace

Mapping::Mapping(std::span<std::byte> bytes, std::unique_ptr<State> state) noexcept
    : bytes_(bytes), state_(std::move(state)) {}

Mapping::Mapping(Mapping&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})), state_(std::move(other.state_)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(state_, other.state_);
  return *this;
}

Mapping::~Mapping() {
  if (bytes_.empty()) return;
  // First the guard: afterwards the addresses may be somebody else's.
  state_->guard.reset();
  static_cast<void>(munmap(bytes_.data(), bytes_.size()));
}

Mapping Mapping::ofFile(const File& file, std::uint64_t offset, std::size_t length, Sharing sharing) {
  auto state = std::make_unique<State>();
  state->path = file.path();
  state->shared = sharing == Sharing::shared;
  const int flags = state->shared ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE;
  Mapping mapping({mapPages(length, flags, file.handle(), offset, file.path()), length}, std::move(state));
  mapping.state_->guard = std::make_unique<FaultGuard>(mapping.bytes_);
  return mapping;
}

Mapping Mapping::anonymous(std::size_t length) {
  auto state = std::make_unique<State>();
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  return {{mapPages(length, flags, -1, 0, ""), length}, std::move(state)};
}

void Mapping::writeBack(std::size_t offset, std::size_t length) {
  if (!state_->shared || length == 0) return;
  const std::span<std::byte> pages = pagesAround(bytes_, offset, length);
  if (msync(pages.data(), pages.size(), MS_SYNC) != 0) throw Error("msync", errno, state_->path);
}

void Mapping::discard(std::size_t offset, std::size_t length) {
  const std::size_t begin = roundUp(offset);
  const bool toTheEnd = offset + length == bytes_.size();
  const std::size_t end = toTheEnd ? roundUp(offset + length) : roundDown(offset + length);
  if (begin >= end) return;
  writeBack(begin, end - begin);
  freePages({bytes_.data() + begin, end - begin}, state_->guard ? Backing::file : Backing::none,
            state_->path);
}

void Mapping::advise(Advice advice, std::size_t offset, std::size_t length) {
  const int number = advice == Advice::normal       ? MADV_NORMAL
                     : advice == Advice::sequential ? MADV_SEQUENTIAL
                                                    : MADV_RANDOM;
  const std::span<std::byte> pages = pagesAround(bytes_, offset, length);
  if (madvise(pages.data(), pages.size(), number) != 0) throw Error("madvise", errno, state_->path);
}

void Mapping::prefetch(std::size_t offset, std::size_t length) const {
  const std::span<std::byte> pages = pagesAround(bytes_, offset, length);
  if (madvise(pages.data(), pages.size(), MADV_WILLNEED) != 0) throw Error("madvise", errno, state_->path);
}

std::uint64_t Mapping::residentBytes(std::size_t offset, std::size_t length) const {
  std::span<std::byte> rest = pagesAround(bytes_, offset, length);
  std::vector<unsigned char> pages(std::min(pagesAtATime, rest.size() / pageSize()));
  std::uint64_t resident = 0;
  while (!rest.empty()) {
    const std::size_t count = std::min(pages.size(), rest.size() / pageSize());
    residency(rest.first(count * pageSize()), std::span(pages).first(count), state_->path);
    const auto end = pages.begin() + static_cast<std::ptrdiff_t>(count);
    // Only the lowest bit has a meaning.
    resident += static_cast<std::uint64_t>(
                    std::count_if(pages.begin(), end, [](unsigned char page) { return (page & 1U) != 0; })) *
                pageSize();
    rest = rest.subspan(count * pageSize());
  }
  return resident;
}

void Mapping::pin(std::size_t offset, std::size_t length) {
  const std::span<std::byte> pages = pagesAround(bytes_, offset, length);
  if (mlock(pages.data(), pages.size()) != 0) throw Error("mlock", errno, state_->path);
}

void Mapping::unpin(std::size_t offset, std::size_t length) {
  const std::span<std::byte> pages = pagesAround(bytes_, offset, length);
  if (munlock(pages.data(), pages.size()) != 0) throw Error("munlock", errno, state_->path);
}

bool Mapping::faulted() const noexcept {
  return state_->guard && state_->guard->faulted();
}

std::size_t pageSize() noexcept {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t mappingGranularity() noexcept {
  return pageSize();
}

}  // namespace vgpu::os
