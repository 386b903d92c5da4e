// The one place where Windows' headers come in.
#pragma once

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
// clang-format off
#include <windows.h>
#include <winioctl.h>
#include <psapi.h>
// clang-format on

#include <cstdint>
#include <string>

#include "../error.h"

namespace vgpu::os {

/** Closes what CreateFileW and CreateFileMappingW return. */
class OwnedHandle {
 public:
  explicit OwnedHandle(HANDLE handle) noexcept : handle_(handle) {}
  OwnedHandle(const OwnedHandle&) = delete;
  OwnedHandle& operator=(const OwnedHandle&) = delete;
  ~OwnedHandle() {
    if (isValid()) CloseHandle(handle_);
  }

  [[nodiscard]] bool isValid() const noexcept {
    return handle_ != nullptr && handle_ != INVALID_HANDLE_VALUE;
  }
  [[nodiscard]] HANDLE get() const noexcept { return handle_; }
  [[nodiscard]] HANDLE release() noexcept {
    const HANDLE handle = handle_;
    handle_ = nullptr;
    return handle;
  }

 private:
  HANDLE handle_;
};

/** Throws what GetLastError() says. */
[[noreturn]] void throwLastError(const char* call, const std::string& path);

/** A file's offset where Windows wants it in halves. */
[[nodiscard]] inline OVERLAPPED overlappedAt(std::uint64_t offset) noexcept {
  OVERLAPPED overlapped{};
  overlapped.Offset = static_cast<DWORD>(offset);
  overlapped.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return overlapped;
}

/**
 * A function that old systems (and Wine) lack: nullptr there. Linking to it would keep the whole addon from
 * loading. `Function` is a pointer type.
 */
template <typename Function>
[[nodiscard]] Function kernelFunction(const char* name) noexcept {
  const HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
  // The detour over void* says that the change of type is meant.
  return kernel == nullptr
             ? nullptr
             : reinterpret_cast<Function>(reinterpret_cast<void*>(GetProcAddress(kernel, name)));
}

}  // namespace vgpu::os
