#include "../mapping.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "fault_guard.h"
#include "keep_loaded.h"
#include "prefetch.h"
#include "system.h"

namespace vgpu::os {

struct Mapping::State {
  // For messages; empty for anonymous memory.
  std::string path;
  bool shared = false;
  // Owns a file's view; anonymous memory has none.
  std::unique_ptr<FaultGuard> guard;
  // Taken before pages are pinned, unpinned or freed.
  std::mutex pinnedMutex;
  // A bit for each page, from the first pin() on: Windows unpins pages that it is asked to free, without a
  // word.
  std::vector<bool> pinned;
};

namespace {

constexpr std::size_t pagesAtATime = std::size_t{1} << 16;
constexpr std::size_t zeroBlock = std::size_t{1} << 20;
constexpr ULONGLONG flushPatience = 30'000;

SYSTEM_INFO systemInfo() noexcept {
  SYSTEM_INFO info{};
  GetSystemInfo(&info);
  return info;
}

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

/** Numbers of pages, the first one's being 0. */
struct Pages {
  std::size_t begin;
  std::size_t end;
};

Pages pagesIn(std::span<const std::byte> bytes, std::span<const std::byte> pages) {
  const auto begin = static_cast<std::size_t>(pages.data() - bytes.data()) / pageSize();
  return {.begin = begin, .end = begin + pages.size() / pageSize()};
}

bool anyPinned(const std::vector<bool>& pinned, Pages pages) {
  if (pinned.empty()) return false;
  const auto first = pinned.begin();
  return std::find(first + static_cast<std::ptrdiff_t>(pages.begin),
                   first + static_cast<std::ptrdiff_t>(pages.end),
                   true) != first + static_cast<std::ptrdiff_t>(pages.end);
}

void mark(std::vector<bool>& pinned, Pages pages, bool value) {
  for (std::size_t page = pages.begin; page < pages.end; ++page) pinned[page] = value;
}

void flushView(std::span<std::byte> pages, const std::string& path) {
  const ULONGLONG deadline = GetTickCount64() + flushPatience;
  while (!FlushViewOfFile(pages.data(), pages.size())) {
    // The system is writing some of these pages itself: it does not wait, so we do.
    if (GetLastError() != ERROR_LOCK_VIOLATION || GetTickCount64() > deadline) {
      throwLastError("FlushViewOfFile", path);
    }
    Sleep(1);
  }
}

/** VirtualUnlock() of pages that are not locked takes them out of the working set, and says that they are
 * not. */
void leaveWorkingSet(std::span<std::byte> pages, const std::string& path) {
  if (!VirtualUnlock(pages.data(), pages.size()) && GetLastError() != ERROR_NOT_LOCKED) {
    throwLastError("VirtualUnlock", path);
  }
}

/**
 * Decommitting would be simpler, but for a moment the pages are not there at all, and another thread's access
 * would end the process. What discarded pages hold is undefined, either what they held before or zeros: both
 * are zeros here.
 */
void forget(std::span<std::byte> pages) {
  static const auto discard = kernelFunction<decltype(&DiscardVirtualMemory)>("DiscardVirtualMemory");
  for (std::size_t done = 0; done < pages.size(); done += zeroBlock) {
    const std::span<std::byte> block = pages.subspan(done, std::min(zeroBlock, pages.size() - done));
    std::memset(block.data(), 0, block.size());
    if (discard != nullptr) {
      const DWORD error = discard(block.data(), block.size());
      if (error == ERROR_SUCCESS) continue;
      if (error != ERROR_CALL_NOT_IMPLEMENTED) throw Error("DiscardVirtualMemory", error, {});
    }
    // Before Windows 8.1: the pages need not be saved, and leave the working set, so that others get their
    // memory.
    if (VirtualAlloc(block.data(), block.size(), MEM_RESET, PAGE_READWRITE) == nullptr) {
      throwLastError("VirtualAlloc", {});
    }
    leaveWorkingSet(block, {});
  }
}

/** The least that a process may lock is small; it grows on request. */
bool growWorkingSet(std::size_t bytes) noexcept {
  SIZE_T least = 0;
  SIZE_T most = 0;
  const HANDLE process = GetCurrentProcess();
  return GetProcessWorkingSetSize(process, &least, &most) &&
         SetProcessWorkingSetSize(process, least + bytes, most + bytes);
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
  if (!bytes_.empty() && !state_->guard) VirtualFree(bytes_.data(), 0, MEM_RELEASE);
}

Mapping Mapping::ofFile(const File& file, std::uint64_t offset, std::size_t length, Sharing sharing) {
  keepCodeLoaded();
  auto state = std::make_unique<State>();
  state->path = file.path();
  state->shared = sharing == Sharing::shared;
  const DWORD protection = state->shared ? PAGE_READWRITE : PAGE_WRITECOPY;
  const DWORD access = state->shared ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_COPY;
  // The view keeps the section alive.
  const OwnedHandle section(CreateFileMappingW(file.handle(), nullptr, protection, 0, 0, nullptr));
  if (!section.isValid()) throwLastError("CreateFileMappingW", file.path());
  auto* const view = static_cast<std::byte*>(MapViewOfFile(
      section.get(), access, static_cast<DWORD>(offset >> 32), static_cast<DWORD>(offset), length));
  if (view == nullptr) throwLastError("MapViewOfFile", file.path());
  try {
    state->guard = std::make_unique<FaultGuard>(std::span(view, length));
  } catch (...) {
    UnmapViewOfFile(view);
    throw;
  }
  return {{view, length}, std::move(state)};
}

Mapping Mapping::anonymous(std::size_t length) {
  keepCodeLoaded();
  auto state = std::make_unique<State>();
  // Counts against the commit limit as a whole, but takes pages only where it is touched.
  auto* const pages =
      static_cast<std::byte*>(VirtualAlloc(nullptr, length, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
  if (pages == nullptr) throwLastError("VirtualAlloc", {});
  return {{pages, length}, std::move(state)};
}

void Mapping::writeBack(std::size_t offset, std::size_t length) {
  // To FlushViewOfFile a length of 0 means the rest of the view.
  if (!state_->shared || length == 0 || faulted()) return;
  flushView(pagesAround(bytes_, offset, length), state_->path);
}

void Mapping::discard(std::size_t offset, std::size_t length) {
  const std::size_t begin = roundUp(offset);
  const bool toTheEnd = offset + length == bytes_.size();
  const std::size_t end = toTheEnd ? roundUp(offset + length) : roundDown(offset + length);
  if (begin >= end) return;
  const std::span<std::byte> pages{bytes_.data() + begin, end - begin};
  const std::scoped_lock lock(state_->pinnedMutex);
  if (anyPinned(state_->pinned, pagesIn(bytes_, pages)))
    throw Error("VirtualUnlock", ERROR_LOCKED, state_->path);
  if (state_->guard) {
    writeBack(begin, end - begin);
    leaveWorkingSet(pages, state_->path);
  } else {
    forget(pages);
  }
}

void Mapping::advise(Advice /*advice*/, std::size_t /*offset*/, std::size_t /*length*/) {
  // Windows takes such advice when a file is opened, not for parts of a mapping, and finds the pattern
  // itself.
}

void Mapping::prefetch(std::size_t offset, std::size_t length) const {
  const std::span<std::byte> pages = pagesAround(bytes_, offset, length);
  const DWORD error = prefetchMemory(pages.data(), pages.size());
  if (error != ERROR_SUCCESS) throw Error("PrefetchVirtualMemory", error, state_->path);
}

std::uint64_t Mapping::residentBytes(std::size_t offset, std::size_t length) const {
  std::span<std::byte> rest = pagesAround(bytes_, offset, length);
  std::vector<PSAPI_WORKING_SET_EX_INFORMATION> pages(std::min(pagesAtATime, rest.size() / pageSize()));
  std::uint64_t resident = 0;
  while (!rest.empty()) {
    const std::size_t count = std::min(pages.size(), rest.size() / pageSize());
    for (std::size_t page = 0; page < count; ++page) pages[page].VirtualAddress = &rest[page * pageSize()];
    const auto bytes = static_cast<DWORD>(count * sizeof pages[0]);
    if (!QueryWorkingSetEx(GetCurrentProcess(), pages.data(), bytes)) {
      throwLastError("QueryWorkingSetEx", state_->path);
    }
    for (std::size_t page = 0; page < count; ++page) {
      if (pages[page].VirtualAttributes.Valid != 0) resident += pageSize();
    }
    rest = rest.subspan(count * pageSize());
  }
  return resident;
}

void Mapping::pin(std::size_t offset, std::size_t length) {
  if (length == 0) return;
  const std::span<std::byte> pages = pagesAround(bytes_, offset, length);
  const std::scoped_lock lock(state_->pinnedMutex);
  if (!VirtualLock(pages.data(), pages.size())) {
    const bool tooSmall = GetLastError() == ERROR_WORKING_SET_QUOTA;
    if (!tooSmall || !growWorkingSet(pages.size()) || !VirtualLock(pages.data(), pages.size())) {
      throwLastError("VirtualLock", state_->path);
    }
  }
  if (state_->pinned.empty()) state_->pinned.resize(roundUp(bytes_.size()) / pageSize());
  mark(state_->pinned, pagesIn(bytes_, pages), true);
}

void Mapping::unpin(std::size_t offset, std::size_t length) {
  const std::span<std::byte> pages = pagesAround(bytes_, offset, length);
  const std::scoped_lock lock(state_->pinnedMutex);
  const Pages numbers = pagesIn(bytes_, pages);
  if (!anyPinned(state_->pinned, numbers)) return;
  leaveWorkingSet(pages, state_->path);
  mark(state_->pinned, numbers, false);
}

bool Mapping::faulted() const noexcept {
  return state_->guard && state_->guard->faulted();
}

std::size_t pageSize() noexcept {
  static const std::size_t size = systemInfo().dwPageSize;
  return size;
}

std::size_t mappingGranularity() noexcept {
  static const std::size_t granularity = systemInfo().dwAllocationGranularity;
  return granularity;
}

}  // namespace vgpu::os
