// What happens when a mapped file cannot be read.
#pragma once

#include <cstddef>
#include <span>

namespace vgpu::os {

/**
 * Keeps an access to a view whose file cannot be read (a disk that fails, a server that is gone) from ending
 * the process. Windows answers such an access with EXCEPTION_IN_PAGE_ERROR; it lets nobody cut a mapped file
 * short.
 *
 * While a guard lives, the handler puts zeroed memory in the place of the whole view, whose parts Windows
 * cannot replace, and remembers it. Any other exception goes on to the next handler. The handler is installed
 * once, by the first guard, and stays.
 *
 * Concurrency: exceptions come up in the thread that made the access, which holds none of our locks, so that
 * the handler may take one. Between the end of the view and the start of the zeros there is a moment in which
 * another thread's access to the same view still ends the process.
 */
class FaultGuard {
 public:
  /** Watches a view, all of it. Throws os::Error. */
  explicit FaultGuard(std::span<std::byte> view);
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;
  FaultGuard(FaultGuard&&) = delete;
  FaultGuard& operator=(FaultGuard&&) = delete;
  /** Gives the view, or the zeros in its place, back to the system. */
  ~FaultGuard();

  /** True once zeros stand in for the file's bytes. */
  [[nodiscard]] bool faulted() const noexcept;

 private:
  std::span<std::byte> view_;
};

}  // namespace vgpu::os
