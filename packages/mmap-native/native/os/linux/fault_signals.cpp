#include "../posix/fault_signals.h"

#include <array>

namespace vgpu::os {

std::span<const int> faultSignals() noexcept {
  static constexpr std::array signals{SIGBUS};
  return signals;
}

bool isLostPage(const siginfo_t& info) noexcept {
  // Only the kernel's own signals carry an address. A page that the hardware lost (BUS_MCEERR_*) is not ours
  // to hide.
  return info.si_code == BUS_ADRERR || info.si_code == BUS_OBJERR;
}

bool wasSent(const siginfo_t& info) noexcept {
  return info.si_code <= 0;
}

void keepCodeLoaded() {
  // The addon is linked with -z nodelete.
}

}  // namespace vgpu::os
