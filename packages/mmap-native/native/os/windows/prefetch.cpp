#include "prefetch.h"

namespace vgpu::os {

DWORD prefetchMemory(const std::byte* begin, std::size_t length) noexcept {
  static const auto prefetch = kernelFunction<decltype(&PrefetchVirtualMemory)>("PrefetchVirtualMemory");
  if (prefetch == nullptr || length == 0) return ERROR_SUCCESS;
  WIN32_MEMORY_RANGE_ENTRY range{};
  // The function only reads; its type does not say so.
  range.VirtualAddress = const_cast<std::byte*>(begin);
  range.NumberOfBytes = length;
  if (prefetch(GetCurrentProcess(), 1, &range, 0)) return ERROR_SUCCESS;
  const DWORD error = GetLastError();
  // Present, but not implemented (Wine).
  return error == ERROR_CALL_NOT_IMPLEMENTED ? ERROR_SUCCESS : error;
}

}  // namespace vgpu::os
