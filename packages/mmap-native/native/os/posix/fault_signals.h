// The signals that stand for an access to a page that cannot be had.
#pragma once

#include <csignal>
#include <span>

namespace vgpu::os {

/** Those that the system may send for such an access. */
[[nodiscard]] std::span<const int> faultSignals() noexcept;
/** For use in a handler. False for a signal that a process sent, and for a kind of fault that is not ours to
 * hide. */
[[nodiscard]] bool isLostPage(const siginfo_t& info) noexcept;
/** For use in a handler: a process sent it, so that it does not come again by itself. */
[[nodiscard]] bool wasSent(const siginfo_t& info) noexcept;
/** Keeps the handler's code in memory until the process ends. */
void keepCodeLoaded();

}  // namespace vgpu::os
