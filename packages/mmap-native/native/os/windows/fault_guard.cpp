#include "fault_guard.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "../mapping.h"
#include "system.h"

namespace vgpu::os {
namespace {

struct View {
  std::size_t length = 0;
  bool faulted = false;
};

std::atomic<std::uint64_t> faults{0};

struct Views {
  std::mutex mutex;
  std::map<std::uintptr_t, View> byAddress;
};

Views& views() {
  // Never destroyed: the handler stays until the process ends.
  static Views& all = *std::make_unique<Views>().release();
  return all;
}

std::uintptr_t addressOf(std::span<const std::byte> view) noexcept {
  return reinterpret_cast<std::uintptr_t>(view.data());
}

/** False when the address is in no view of ours, or zeros cannot be had. */
bool replaceWithZeros(std::uintptr_t address) {
  const std::scoped_lock lock(views().mutex);
  auto found = views().byAddress.upper_bound(address);
  if (found == views().byAddress.begin()) return false;
  --found;
  auto& [begin, view] = *found;
  if (address - begin >= view.length) return false;
  // Another thread that met the same page has been here before.
  if (view.faulted) return true;
  void* const start = reinterpret_cast<void*>(begin);
  if (!UnmapViewOfFile(start)) return false;
  if (VirtualAlloc(start, view.length, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) == nullptr) {
    // Somebody took the addresses, or memory ran out: they are not ours any more.
    views().byAddress.erase(found);
    faults.fetch_add(1);
    return false;
  }
  view.faulted = true;
  faults.fetch_add(1);
  return true;
}

LONG CALLBACK onException(EXCEPTION_POINTERS* exception) {
  const EXCEPTION_RECORD& record = *exception->ExceptionRecord;
  // The second parameter is the address, the third the reason.
  if (record.ExceptionCode == static_cast<DWORD>(EXCEPTION_IN_PAGE_ERROR) && record.NumberParameters >= 2 &&
      replaceWithZeros(record.ExceptionInformation[1])) {
    return EXCEPTION_CONTINUE_EXECUTION;
  }
  return EXCEPTION_CONTINUE_SEARCH;
}

void installHandler() {
  constexpr ULONG beforeOthers = 1;
  if (AddVectoredExceptionHandler(beforeOthers, onException) == nullptr) {
    throwLastError("AddVectoredExceptionHandler", {});
  }
}

}  // namespace

FaultGuard::FaultGuard(std::span<std::byte> view) : view_(view) {
  static std::once_flag installed;
  std::call_once(installed, installHandler);
  const std::scoped_lock lock(views().mutex);
  views().byAddress[addressOf(view)] = {.length = view.size()};
}

FaultGuard::~FaultGuard() {
  const std::scoped_lock lock(views().mutex);
  const auto found = views().byAddress.find(addressOf(view_));
  if (found == views().byAddress.end()) return;
  if (found->second.faulted) {
    VirtualFree(view_.data(), 0, MEM_RELEASE);
  } else {
    UnmapViewOfFile(view_.data());
  }
  views().byAddress.erase(found);
}

bool FaultGuard::faulted() const noexcept {
  const std::scoped_lock lock(views().mutex);
  const auto found = views().byAddress.find(addressOf(view_));
  return found == views().byAddress.end() || found->second.faulted;
}

std::uint64_t faultCount() noexcept {
  return faults.load();
}

}  // namespace vgpu::os
