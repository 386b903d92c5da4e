#include "profiler/launch_counts.h"

#include <utility>

#include "profiler/access_cost.h"

namespace vgpu::software::profiler {
namespace {

/// Whether lanes go to different places.
bool diverges(const Launch& launch, const ScheduledWarp& warp, const Instruction& in) {
  if (in.operation == Operation::branch_if) {
    std::uint32_t taken = *frame_row<const std::uint32_t>(&warp, in.a);
    if ((in.flags & kNegated) != 0) taken = ~taken;
    taken &= warp.active;
    return taken != 0 && taken != warp.active;
  }
  const auto& targets = launch.kernel->branch_tables[in.b];
  const auto* indices = frame_row<const std::uint32_t>(&warp, in.a);
  const auto target = [&](LaneMask lanes) {
    const std::uint32_t index = indices[__builtin_ctz(lanes)];
    return index < targets.size() ? targets[index] : kNoJoin;  // an error that the branch reports
  };
  for (LaneMask rest = warp.active; rest != 0; rest &= rest - 1) {
    if (target(rest) != target(warp.active)) return true;
  }
  return false;
}

}  // namespace

void InstructionCounts::add(const InstructionCounts& other) {
  warps += other.warps;
  threads += other.threads;
  bytes += other.bytes;
  sectors += other.sectors;
  conflicts += other.conflicts;
  divergent += other.divergent;
}

void TrafficCounts::add(const TrafficCounts& other) {
  requests += other.requests;
  bytes += other.bytes;
  sectors += other.sectors;
  passes += other.passes;
  conflicts += other.conflicts;
}

void LaunchCounts::add(const LaunchCounts& other) {
  instructions.resize(other.instructions.size());
  for (std::size_t i = 0; i < instructions.size(); ++i) instructions[i].add(other.instructions[i]);
  for (std::size_t space = 0; space < kSpaces; ++space) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) traffic[space][kind].add(other.traffic[space][kind]);
  }
  branches += other.branches;
}

CountingBlocks::CountingBlocks(const Launch& launch, Finish finish)
    : launch_(launch), finish_(std::move(finish)) {
  counts_.instructions.resize(launch.kernel->code.size());
}

CountingBlocks::~CountingBlocks() {
  finish_(counts_);
}

void CountingBlocks::executes(const ScheduledWarp& warp, const Instruction& instruction) {
  InstructionCounts& counts = counts_.instructions[instruction_index(*launch_.kernel, instruction)];
  ++counts.warps;
  counts.threads += static_cast<std::uint64_t>(__builtin_popcount(warp.active));
  const bool may_diverge =
      instruction.operation == Operation::branch_if || instruction.operation == Operation::branch_indexed;
  if (!may_diverge) return;
  ++counts_.branches;
  if (diverges(launch_, warp, instruction)) ++counts.divergent;
}

LaneMask CountingBlocks::accesses(const MemoryAccess& access) {
  TrafficCounts traffic{
      .requests = 1,
      .bytes = std::uint64_t{access.bytes} * static_cast<std::uint64_t>(__builtin_popcount(access.lanes))};
  if (access.space == Space::shared) {
    const BankPasses passes = bank_passes_of(access);
    traffic.passes = passes.passes;
    traffic.conflicts = passes.conflicts;
  } else {
    traffic.sectors = sectors_of(access);
  }
  counts_.traffic[static_cast<std::size_t>(access.space)][static_cast<std::size_t>(access.kind)].add(traffic);
  InstructionCounts& counts = counts_.instructions[instruction_index(*launch_.kernel, access.instruction)];
  counts.bytes += traffic.bytes;
  counts.sectors += traffic.sectors;
  counts.conflicts += traffic.conflicts;
  return access.lanes;
}

}  // namespace vgpu::software::profiler
