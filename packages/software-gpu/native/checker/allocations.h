// What the program has allocated, and what it has given back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "vgpu/software_gpu/memory_checker.h"

namespace vgpu::software::checker {

/// Changed between launches only, so reading it during one takes no lock.
class Allocations {
 public:
  struct Entry {
    std::size_t bytes;
    bool initialized;
  };
  struct Range {
    DeviceAddress begin;
    DeviceAddress end;
    bool initialized;
  };

  void add(DeviceAddress base, std::size_t bytes, bool initialized);
  /// `when` is for people, such as "after 3 launches". False when no live allocation begins there.
  bool remove(DeviceAddress base, const std::string& when);

  [[nodiscard]] const std::map<DeviceAddress, Entry>& live() const { return live_; }
  /// The live allocation that contains the address.
  [[nodiscard]] std::optional<Range> find(DeviceAddress address) const;
  /// Whether some live allocation lies in [begin, end).
  [[nodiscard]] bool any_in(DeviceAddress begin, DeviceAddress end) const;
  /// When the allocation that began there was freed.
  [[nodiscard]] const std::string* freed_at(DeviceAddress base) const;

  /// The freed allocation that contains the access; otherwise the nearest live one, if any is near.
  [[nodiscard]] std::optional<FindingAllocation> explain(DeviceAddress address, std::uint32_t bytes) const;

 private:
  struct Freed {
    std::size_t bytes;
    std::string when;
  };
  std::map<DeviceAddress, Entry> live_;
  std::map<DeviceAddress, Freed> freed_;  // as far as its addresses have no new owner
};

/// "4 bytes behind the allocation of 512 bytes at 0x…", of an access
std::string describe(const FindingAllocation& allocation);

}  // namespace vgpu::software::checker
