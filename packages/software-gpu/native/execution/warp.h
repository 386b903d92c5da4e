// The state of a warp while it runs, and the type of the functions that execute instructions.
//
// Plain data only: code that is compiled for several instruction sets reads these structures, so nothing here
// may be an inline function (see lane_math.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "execution/decoded_kernel.h"

namespace vgpu::software {

struct Block;
struct Warp;

/// Executes one instruction for the warp's active lanes and returns the next one, or nullptr when the warp
/// cannot go on now.
using Handler = const Instruction* (*)(const Instruction*, Warp*);

/// One entry per Operation. The first table is for warps with all lanes active and need not look at the mask.
struct HandlerTables {
  const Handler* full;
  const Handler* masked;
};

inline constexpr std::uint32_t kAllLanes = 0xffff'ffff;

/// Device addresses of one allocation: [begin, end).
struct AddressRange {
  std::uint64_t begin;
  std::uint64_t end;
};

/// What the instructions of a warp touch all the time.
struct Warp {
  std::byte* frame = nullptr;
  const Handler* handlers = nullptr;  // of HandlerTables, by whether all lanes are active
  std::uint32_t active = 0;
  std::uint32_t active_count = 0;
  bool released = false;                        // the lanes have waited at this instruction and may go on now
  std::uint32_t live = 0;                       // lanes that have not exited
  alignas(64) std::int32_t lane_words[kLanes];  // `active` as 32 words, 0 or -1

  AddressRange* recent_ranges = nullptr;  // per memory instruction: the allocation it touched last
  AddressRange shared{};                  // host addresses of the block's shared memory
  const std::byte* parameters = nullptr;
  const std::uint32_t* operand_rows = nullptr;  // of DecodedKernel
  bool lines_hold = false;                      // see CompiledKernel::lines_hold
  const Instruction* join = nullptr;            // of the lanes that run: where they wait for others

  // For counting instructions: straight-line code is counted at its end, see count_instructions().
  const Instruction* counted_from = nullptr;
  std::int64_t budget = 0;  // instructions until the next warp has its turn
  std::int32_t rounds = 0;  // the same for loops with kStreamingLoop
  std::uint64_t warp_instructions = 0;
  std::uint64_t thread_instructions = 0;

  Block* block = nullptr;
};

// Slow paths that the handlers of all vector paths share.

/// Turns the addresses of these lanes into host pointers, one by one, with every check and every state
/// space; throws Error naming the instruction and the lane.
void resolve_pointers(const Instruction* instruction, Warp* warp, std::uint32_t lanes, std::uint32_t bytes,
                      std::byte* pointers[kLanes]);

/// Whether an instruction that takes values from all of `members` (lanes) must exchange them, because some of
/// these lanes are in another branch.
bool lanes_are_apart(const Warp* warp, std::uint32_t members);
/// All lanes that active lanes name; `named` is the row of their member masks, one for each lane.
std::uint32_t named_lanes(const Warp* warp, const std::uint32_t* named);
/// The active lanes that name exactly these members: they execute the instruction together.
std::uint32_t lanes_naming(const Warp* warp, const std::uint32_t* named, std::uint32_t members);
/// Whether the active lanes cannot wait together for lanes in other branches, because they name different
/// ones: exchange_with_other_branches() will let them come to the instruction again, group by group.
bool lanes_must_part(const Warp* warp, const std::uint32_t* named);
/// Waits for the named lanes to come to such an instruction, too. `values` has the active lanes' values when
/// it is called and those of all that have come when it returns these lanes. If it returns 0, the lanes have
/// to wait: the handler returns run_other_lanes(), and the instruction is executed again later.
std::uint32_t exchange_with_other_branches(const Instruction* instruction, Warp* warp,
                                           const std::uint32_t* named, std::uint64_t values[kLanes]);
const Instruction* run_other_lanes(Warp* warp);

/// Whether lanes are missing for an instruction on matrices, which lie in the registers of a whole warp.
inline bool lanes_are_missing(const Warp* warp) {
  return warp->active != warp->live;
}
/// What the handler of such an instruction returns then: the lanes wait until all others have come to it,
/// too, and execute it with them. It is an error when these exit or come to wait for something else.
const Instruction* wait_for_whole_warp(const Instruction* instruction, Warp* warp);

/// Makes a whole vector path's tables: fills them from operations.def.
namespace portable {
HandlerTables handler_tables();
}
namespace avx2 {
HandlerTables handler_tables();
}
namespace avx512 {
HandlerTables handler_tables();
}

/// The handlers that are compiled once (CONTROL, ROUNDED and CONVERT rows).
void add_common_handlers(Handler* full, Handler* masked);

}  // namespace vgpu::software
