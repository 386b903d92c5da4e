#include "fault_guard.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>

#include "../error.h"
#include "../mapping.h"
#include "fault_signals.h"

namespace vgpu::os {

struct GuardedRange {
  // 0: free. Written last when a range is added, and first when it is removed.
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  // Where zeros stand in for the file, up to the end; the end itself before the first fault.
  std::atomic<std::uintptr_t> zerosFrom{0};
  // Handlers that are looking at the range.
  std::atomic<unsigned> visitors{0};
};

namespace {

static_assert(std::atomic<std::uintptr_t>::is_always_lock_free && std::atomic<void*>::is_always_lock_free &&
                  std::atomic<unsigned>::is_always_lock_free &&
                  std::atomic<std::uint64_t>::is_always_lock_free,
              "a signal handler takes no lock");

struct Block {
  std::array<GuardedRange, 128> ranges;
  // Set once. Blocks live as long as the process: a handler may stand in one at any time.
  std::atomic<Block*> next{nullptr};
};

// Constant-initialised, so that neither start-up nor exit order matters.
constinit Block firstBlock;
constinit std::mutex tableMutex;
constinit std::size_t pageBytes = 0;
constinit std::atomic<std::uint64_t> faults{0};
// By signal.
constinit std::array<struct sigaction, NSIG> previousActions{};

/**
 * Puts zeros from the failing page to the end, or to where an earlier fault has put them, which others may
 * have written to since. False when the range is somebody else's, or that fails.
 */
bool replaceWithZeros(GuardedRange& range, std::uintptr_t address) noexcept {
  const std::uintptr_t begin = range.begin.load();
  const std::uintptr_t end = range.end.load();
  if (begin == 0 || address < begin || address >= end) return false;
  const std::uintptr_t page = address & ~(pageBytes - 1);
  const std::uintptr_t zeros = range.zerosFrom.load();
  // Another thread that met the same page has been here before.
  if (page >= zeros) return true;
  const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* const mapped =
      mmap(reinterpret_cast<void*>(page), zeros - page, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (mapped == MAP_FAILED) return false;
  range.zerosFrom.store(page);
  faults.fetch_add(1);
  return true;
}

bool absorb(std::uintptr_t address) noexcept {
  for (Block* block = &firstBlock; block != nullptr; block = block->next.load()) {
    for (GuardedRange& range : block->ranges) {
      if (range.begin.load() == 0) continue;
      range.visitors.fetch_add(1);
      const bool done = replaceWithZeros(range, address);
      range.visitors.fetch_sub(1);
      if (done) return true;
    }
  }
  return false;
}

void passOn(int signal, siginfo_t* info, void* context) noexcept {
  const struct sigaction& previousAction = previousActions[static_cast<std::size_t>(signal)];
  if ((previousAction.sa_flags & SA_SIGINFO) != 0) {
    previousAction.sa_sigaction(signal, info, context);
  } else if (previousAction.sa_handler == SIG_IGN && wasSent(*info)) {
    // Sent by a process, and ignored.
  } else if (previousAction.sa_handler == SIG_DFL || previousAction.sa_handler == SIG_IGN) {
    // On return a failing access fails again, and the default ends the process, with a core file that shows
    // the place. A signal that was sent does not come by itself a second time.
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    static_cast<void>(sigaction(signal, &standard, nullptr));
    if (wasSent(*info)) static_cast<void>(raise(signal));
  } else {
    previousAction.sa_handler(signal);
  }
}

void onFault(int signal, siginfo_t* info, void* context) {
  const int savedErrno = errno;
  if (!isLostPage(*info) || !absorb(reinterpret_cast<std::uintptr_t>(info->si_addr))) {
    passOn(signal, info, context);
  }
  errno = savedErrno;
}

/** With tableMutex held. */
void installHandlers() {
  if (pageBytes != 0) return;
  keepCodeLoaded();
  pageBytes = pageSize();
  struct sigaction action {};
  action.sa_sigaction = onFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  for (const int signal : faultSignals()) {
    struct sigaction& previous = previousActions[static_cast<std::size_t>(signal)];
    if (sigemptyset(&action.sa_mask) != 0 || sigaction(signal, nullptr, &previous) != 0 ||
        sigaction(signal, &action, nullptr) != 0) {
      const int error = errno;
      pageBytes = 0;
      throw Error("sigaction", error, "");
    }
  }
}

/** With tableMutex held. */
GuardedRange& freeRange() {
  Block* block = &firstBlock;
  while (true) {
    for (GuardedRange& range : block->ranges) {
      if (range.begin.load() == 0) return range;
    }
    Block* next = block->next.load();
    if (next == nullptr) {
      auto fresh = std::make_unique<Block>();
      next = fresh.get();
      block->next.store(fresh.release());
    }
    block = next;
  }
}

/** With tableMutex held, so that nobody else takes the same free range. */
GuardedRange& add(std::span<const std::byte> bytes) {
  const std::scoped_lock lock(tableMutex);
  installHandlers();
  GuardedRange& range = freeRange();
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t end = (begin + bytes.size() + pageBytes - 1) & ~(pageBytes - 1);
  range.zerosFrom.store(end);
  range.end.store(end);
  range.begin.store(begin);
  return range;
}

}  // namespace

FaultGuard::FaultGuard(std::span<const std::byte> bytes) : range_(add(bytes)) {}

FaultGuard::~FaultGuard() {
  const std::scoped_lock lock(tableMutex);
  range_.begin.store(0);
  // A handler that looked before sees its mmap() through; one that looks later finds nothing.
  while (range_.visitors.load() != 0) static_cast<void>(sched_yield());
}

bool FaultGuard::faulted() const noexcept {
  return range_.zerosFrom.load() < range_.end.load();
}

std::uint64_t faultCount() noexcept {
  return faults.load();
}

}  // namespace vgpu::os
