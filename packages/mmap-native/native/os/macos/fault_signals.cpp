// Written from Apple's documentation and never run on a Mac.
#include "../posix/fault_signals.h"

#include <dlfcn.h>

#include <array>
#include <cerrno>

#include "../error.h"

namespace vgpu::os {

std::span<const int> faultSignals() noexcept {
  // Which of the two comes depends on how the kernel failed to find the page. Our mappings may be read and
  // written, so that inside them neither has another meaning.
  static constexpr std::array signals{SIGBUS, SIGSEGV};
  return signals;
}

bool isLostPage(const siginfo_t& info) noexcept {
  return !wasSent(info);
}

// Codes of signals that processes send begin with SI_USER here, above those of faults.
bool wasSent(const siginfo_t& info) noexcept {
  return info.si_code == 0 || info.si_code >= SI_USER;
}

void keepCodeLoaded() {
  Dl_info image{};
  if (dladdr(reinterpret_cast<const void*>(&keepCodeLoaded), &image) == 0) throw Error("dladdr", EINVAL, "");
  // The handle is given up on purpose: it stands for the image that stays.
  if (dlopen(image.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) == nullptr) {
    throw Error("dlopen", EINVAL, image.dli_fname);
  }
}

}  // namespace vgpu::os
