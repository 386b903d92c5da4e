// Accesses outside of what the program may touch, and misaligned ones.
#pragma once

#include <functional>
#include <mutex>
#include <optional>

#include "checker/allocations.h"
#include "checker/finding_log.h"

namespace vgpu::software::checker {

/// What the launch fails with in the end: the mistake of the earliest block.
class FirstFault {
 public:
  void note(std::uint64_t block, const std::function<Error()>& error);
  /// And forgets it.
  std::optional<Error> take();

 private:
  std::mutex mutex_;
  std::uint64_t block_ = 0;
  std::optional<Error> error_;
};

/// Of one thread that runs blocks.
class AccessCheck {
 public:
  AccessCheck(FindingLog& log, const Allocations& allocations, FirstFault& fault)
      : log_(log), allocations_(allocations), fault_(fault) {}

  /// The lanes whose access is right. The others' are reported and become the launch's fault.
  LaneMask check(const MemoryAccess& access);
  /// The same without the report.
  [[nodiscard]] LaneMask right_lanes(const MemoryAccess& access);

 private:
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  [[nodiscard]] Range range_of(const MemoryAccess& access, std::uint64_t address);
  [[nodiscard]] Range device_range(const MemoryAccess& access, std::uint64_t address) const;
  void report(const MemoryAccess& access, std::uint32_t lane);
  [[nodiscard]] Finding describe(const MemoryAccess& access, std::uint32_t lane, const char* kind);

  FindingLog& log_;
  const Allocations& allocations_;
  FirstFault& fault_;
  Range recent_;  // of device memory
};

}  // namespace vgpu::software::checker
