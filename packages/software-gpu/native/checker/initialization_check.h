// Reads of memory that nothing has written.
#pragma once

#include <vector>

#include "checker/allocations.h"
#include "checker/finding_log.h"
#include "checker/shadow_bits.h"

namespace vgpu::software::checker {

/// Which bytes of device memory have been written; shared by all threads.
struct DeviceShadow {
  DeviceShadow(DeviceAddress memory_base, std::size_t memory_bytes) : base(memory_base), bits(memory_bytes) {}
  const DeviceAddress base;
  ShadowBits bits;
};

/// Of one thread that runs blocks.
class InitializationCheck {
 public:
  InitializationCheck(FindingLog& log, const Allocations& allocations, DeviceShadow& device,
                      const Launch& launch);

  void block_begins();
  void accesses(const MemoryAccess& access);

 private:
  /// The bits of a space, and where the lane's address is in them; no bits where everything is initialised.
  struct Place {
    ShadowBits* bits = nullptr;
    std::size_t first = 0;
  };
  [[nodiscard]] Place place_of_lane(const MemoryAccess& access, std::uint32_t lane);
  void report(const MemoryAccess& access, std::uint32_t lane, std::size_t byte);

  FindingLog& log_;
  const Allocations& allocations_;
  DeviceShadow& device_;
  std::size_t shared_bytes_;
  std::size_t local_bytes_;  // of all threads
  ShadowBits shared_;
  ShadowBits local_;
  bool local_was_written_ = false;
  Allocations::Range recent_{};
};

}  // namespace vgpu::software::checker
