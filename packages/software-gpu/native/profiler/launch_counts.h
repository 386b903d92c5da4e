// What is counted while the blocks of a launch run: numbers by instruction, and by space and kind of access.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "execution/observer.h"

namespace vgpu::software::profiler {

struct InstructionCounts {
  std::uint64_t warps = 0;
  std::uint64_t threads = 0;
  std::uint64_t bytes = 0;
  std::uint64_t sectors = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t divergent = 0;

  void add(const InstructionCounts& other);
};

struct TrafficCounts {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  std::uint64_t sectors = 0;
  std::uint64_t passes = 0;
  std::uint64_t conflicts = 0;

  void add(const TrafficCounts& other);
};

inline constexpr std::size_t kSpaces = 6;  // Space
inline constexpr std::size_t kKinds = 3;   // AccessKind

struct LaunchCounts {
  std::vector<InstructionCounts> instructions;  // as in DecodedKernel::code
  std::array<std::array<TrafficCounts, kKinds>, kSpaces> traffic{};
  std::uint64_t branches = 0;

  void add(const LaunchCounts& other);
};

/// Counts for one thread of the GPU, in `counts`.
class CountingBlocks final : public BlockObserver {
 public:
  using Finish = std::function<void(const LaunchCounts&)>;
  /// `finish` is called when the blocks are done; it must not throw.
  CountingBlocks(const Launch& launch, Finish finish);
  ~CountingBlocks() override;

  void executes(const ScheduledWarp& warp, const Instruction& instruction) override;
  LaneMask accesses(const MemoryAccess& access) override;

 private:
  const Launch& launch_;
  const Finish finish_;
  LaunchCounts counts_;
};

}  // namespace vgpu::software::profiler
