#include "clients/xid_log.h"

#include <algorithm>

namespace vgpu::executor {

void XidLog::write(std::uint32_t xid) {
  const std::uint64_t number = count_.fetch_add(1) + 1;
  entries_.at(number % kKept).store(number << 32 | xid);
}

XidEntry XidLog::after(std::uint64_t seen) const {
  const std::uint64_t count = count_.load();
  if (seen >= count) return {.next = count};
  const std::uint64_t first = std::max(seen, count - std::min(count, kKept)) + 1;
  for (std::uint64_t number = first; number <= count; ++number) {
    const std::uint64_t entry = entries_.at(number % kKept).load();
    // Not yet written: it is for the next time.
    if (entry >> 32 < (number & UINT32_MAX)) return {.next = number - 1};
    // Replaced meanwhile: too old.
    if (entry >> 32 != (number & UINT32_MAX)) continue;
    return {.xid = static_cast<std::uint32_t>(entry), .next = number};
  }
  return {.next = count};
}

std::optional<std::uint32_t> xid_of(CUresult result) {
  constexpr std::uint32_t kGraphicsEngineException = 13;
  constexpr std::uint32_t kMemoryPageFault = 31;
  switch (result) {
    case CUDA_ERROR_ILLEGAL_ADDRESS:
      return kMemoryPageFault;
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
      return kGraphicsEngineException;
    default:
      return std::nullopt;
  }
}

}  // namespace vgpu::executor
