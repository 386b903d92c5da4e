// What happens when a file turns out shorter than its mapping.
#pragma once

#include <cstddef>
#include <span>

namespace vgpu::os {

struct GuardedRange;

/**
 * Keeps an access to pages that the file no longer has, or that the disk cannot read, from killing the
 * process.
 *
 * The kernel answers such an access with SIGBUS (macOS: sometimes SIGSEGV). While a guard lives, the handler
 * puts zeros in the place of everything from the page that failed to the end of the range, and remembers it.
 * Any other such signal goes to whoever handled it before. The handler is installed once, by the first guard,
 * and stays.
 *
 * Concurrency: the handler may run in any thread at any moment, also while another thread adds a guard, so it
 * takes no lock and the table never shrinks. A guard waits in its destructor until no handler looks at its
 * range: afterwards the addresses may belong to somebody else.
 */
class FaultGuard {
 public:
  /** Watches the pages that hold `bytes`, a mapping that starts at a page. Throws os::Error. */
  explicit FaultGuard(std::span<const std::byte> bytes);
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;
  FaultGuard(FaultGuard&&) = delete;
  FaultGuard& operator=(FaultGuard&&) = delete;
  ~FaultGuard();

  /** True once zeros stand in for some of the file's bytes. */
  [[nodiscard]] bool faulted() const noexcept;

 private:
  GuardedRange& range_;
};

}  // namespace vgpu::os
