// The Xid errors of the device: what a GPU's kernel driver writes into the system log, and NVML tells as
// events.
//
// Workers write, workers read, without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "cuda_abi.h"

namespace vgpu::executor {

/// Found by a reader who had seen everything up to it.
struct XidEntry {
  std::uint32_t xid = 0;   // 0: there was none since
  std::uint64_t next = 0;  // how many there were, up to and with this one
};

class XidLog {
 public:
  /// 1 or more.
  void write(std::uint32_t xid);
  /// The first one after the `seen` first ones, as far back as they are kept; of nothing that has not
  /// happened anybody has seen more than all.
  [[nodiscard]] XidEntry after(std::uint64_t seen) const;

 private:
  static constexpr std::uint64_t kKept = 64;

  std::atomic<std::uint64_t> count_{0};
  /// In the upper half the number in the log, from 1, which tells an entry from the one that it replaces.
  std::array<std::atomic<std::uint64_t>, kKept> entries_{};
};

/// What a GPU logs when a kernel ends with this result (NVIDIA, "XID Errors"); nothing for most.
std::optional<std::uint32_t> xid_of(CUresult result);

}  // namespace vgpu::executor
