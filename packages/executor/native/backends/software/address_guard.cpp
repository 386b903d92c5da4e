#include "backends/software/address_guard.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace vgpu::executor {
namespace {

constexpr std::uintptr_t kPage = 4096;

std::atomic<std::uintptr_t> guarded_base{0};
std::atomic<std::uintptr_t> guarded_bytes{0};
std::atomic<std::uintptr_t> first_fault{0};
struct sigaction handler_before {};

/// Makes no call that is not allowed in a handler; mprotect is a bare system call.
void on_fault(int signal, siginfo_t* information, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(information->si_addr);
  const int saved_errno = errno;
  const bool ours = address - guarded_base.load() < guarded_bytes.load();
  if (ours &&
      mprotect(reinterpret_cast<void*>(address / kPage * kPage), kPage, PROT_READ | PROT_WRITE) == 0) {
    std::uintptr_t none = 0;
    first_fault.compare_exchange_strong(none, address);
    errno = saved_errno;
    return;
  }
  // The instruction runs again, and then meets whoever was there before.
  sigaction(signal, &handler_before, nullptr);
  errno = saved_errno;
}

}  // namespace

void AddressGuard::arm(std::uint64_t base, std::uint64_t bytes) {
  guarded_base = base;
  guarded_bytes = bytes;
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGSEGV, &action, &handler_before) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot guard device addresses");
  }
}

void AddressGuard::disarm() {
  guarded_bytes = 0;
  // Nothing that could be done about it; the handler passes on what is not ours.
  static_cast<void>(sigaction(SIGSEGV, &handler_before, nullptr));
}

std::optional<std::uint64_t> AddressGuard::take_fault() {
  const std::uintptr_t fault = first_fault.exchange(0);
  return fault == 0 ? std::nullopt : std::optional<std::uint64_t>(fault);
}

}  // namespace vgpu::executor
