// What a tool such as the memory checker or a profiler is told about kernels while they run. It derives from
// Observer and BlockObserver; GpuOptions::observer makes a GPU tell it. A GPU without one runs other handlers
// and spends nothing on all this (observation.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "execution/block.h"
#include "vgpu/software_gpu/error.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software {

/// Bit i stands for lane i of a warp.
using LaneMask = std::uint32_t;

enum class AccessKind : std::uint8_t { load, store, atomic };

/// One instruction's access to one state space, about to be made. An instruction that touches two spaces,
/// such as cp.async or a generic load whose lanes disagree, makes several.
struct MemoryAccess {
  const ScheduledWarp& warp;
  const Instruction& instruction;
  AccessKind kind;
  Space space;          // where the addresses lie: never generic
  bool strong;          // volatile, relaxed, acquire, release or atomic: may meet others' strong accesses
  LaneMask lanes;       // that make the access, never 0
  std::uint32_t bytes;  // of each lane
  std::uint32_t alignment;
  std::array<std::uint64_t, kLanes> addresses;  // by lane: device addresses; elsewhere offsets in the space
};

/// Lanes come to a barrier of the block: bar.sync, bar.arrive, bar.red.
struct BarrierArrival {
  const ScheduledWarp& warp;
  const Instruction& instruction;
  LaneMask lanes;
  std::uint32_t number;    // may be above 15, which is an error
  std::uint32_t expected;  // threads; 0 means all of the block
  bool waits;              // false: bar.arrive
};

/// Sees the blocks that one thread of the GPU runs of one launch, one block after the other; in a cooperative
/// launch, whose blocks take turns, one block only. All its methods are called on that thread. What they
/// throw ends the launch.
class BlockObserver {
 public:
  BlockObserver() = default;
  virtual ~BlockObserver() = default;
  BlockObserver(const BlockObserver&) = delete;
  BlockObserver& operator=(const BlockObserver&) = delete;

  virtual void block_begins(const Block& /*block*/) {}
  /// Not called for a block that fails.
  virtual void block_ends(const Block& /*block*/) {}

  /// An instruction of the program is about to be executed by the lanes in warp.active. One that has to wait
  /// is told once. Guards and joins are no instructions of the program; of a guarded instruction only the
  /// lanes that execute it are active, and without any it is not told.
  virtual void executes(const ScheduledWarp& /*warp*/, const Instruction& /*instruction*/) {}

  /// Returns those of access.lanes that may go on; the others' access is left out, their destination keeps
  /// its value. Kernel parameters read by name are not told, nor are parameters of device functions: they
  /// cannot go wrong.
  virtual LaneMask accesses(const MemoryAccess& access) { return access.lanes; }

  virtual void arrives(const BarrierArrival& /*arrival*/) {}
  /// All have come: the waiting splits (Split::State::waiting_at_barrier) are about to go on.
  virtual void barrier_completes(const Block& /*block*/, std::uint32_t /*number*/) {}

  /// Lanes come to an instruction that `members` execute together: bar.warp.sync, shfl, vote, match, redux.
  virtual void arrives_for_exchange(const ScheduledWarp& /*warp*/, const Instruction& /*instruction*/,
                                    LaneMask /*lanes*/, LaneMask /*members*/) {}
  /// These have all come to it.
  virtual void lanes_meet(const ScheduledWarp& /*warp*/, LaneMask /*members*/) {}

  /// No warp of the block can go on; an Error follows.
  virtual void block_hangs(const Block& /*block*/) {}
};

/// Sees the launches of a GPU, one after the other.
class Observer {
 public:
  Observer() = default;
  virtual ~Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  virtual void launch_begins(const Launch& /*launch*/) {}
  /// Called by each thread that takes part, numbered from 0, and at once by several; in a cooperative launch
  /// for each block.
  virtual std::unique_ptr<BlockObserver> observe_blocks(const Launch& launch, unsigned thread) = 0;
  /// All block observers are gone. `error` is what ended the launch early, or nullptr; the launch fails with
  /// it, or with what this throws.
  virtual void launch_ends(const Launch& /*launch*/, const LaunchStatistics& /*statistics*/,
                           const Error* /*error*/) {}
};

// --- What observers ask
// ------------------------------------------------------------------------------------------

/// Where in the program an instruction stands.
struct CodePlace {
  std::string_view function;     // mangled, the kernel's or that of a device function
  std::uint32_t ptx_line = 0;    // in the module's text
  std::string_view source_file;  // empty without -lineinfo
  std::uint32_t source_line = 0;
  std::string_view caller_file;  // of inlined code: where it was called; otherwise empty
  std::uint32_t caller_line = 0;
};
CodePlace code_place(const DecodedKernel& kernel, const Instruction& instruction);
inline std::uint32_t instruction_index(const DecodedKernel& kernel, const Instruction& instruction) {
  return static_cast<std::uint32_t>(&instruction - kernel.code.data());
}

/// threadIdx of a lane.
std::array<std::uint32_t, 3> thread_index(const ScheduledWarp& warp, std::uint32_t lane);

/// "_Z5scalePffi" as "scale(float*, float, int)"; a name that is not mangled as it is.
std::string demangled(std::string_view name);

/// What a lane of a st instruction is about to write, access.bytes bytes. False for every other instruction.
bool stored_bytes(const MemoryAccess& access, std::uint32_t lane, std::byte* bytes);

}  // namespace vgpu::software
