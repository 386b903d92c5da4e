// Barriers that not all threads reach, or not together.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "checker/finding_log.h"

namespace vgpu::software::checker {

/// Of one thread that runs blocks.
class SynchronizationCheck {
 public:
  explicit SynchronizationCheck(FindingLog& log) : log_(log) {}

  void block_begins() { expected_ = {}; }
  void arrives(const BarrierArrival& arrival);
  void barrier_completes(const Block& block, std::uint32_t number);
  void arrives_for_exchange(const ScheduledWarp& warp, const Instruction& instruction, LaneMask lanes,
                            LaneMask members);
  void lanes_meet(const ScheduledWarp& warp, LaneMask arrived);
  void block_hangs(const Block& block);

 private:
  void report(const char* kind, const ScheduledWarp& warp, const Instruction& instruction, LaneMask lanes,
              const std::string& message, const Instruction* other = nullptr);
  void report_exited(const ScheduledWarp& warp, const Instruction& instruction, LaneMask lanes,
                     LaneMask exited);
  void report_hanging_barrier(const Block& block, const ScheduledWarp& warp, const Split& split);

  FindingLog& log_;
  std::array<std::optional<std::uint32_t>, 16> expected_;  // threads, by those that have arrived already
};

}  // namespace vgpu::software::checker
