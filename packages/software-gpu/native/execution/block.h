// A block of threads while it runs: its warps, their divergent parts, its barriers and its shared memory.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "execution/decoded_kernel.h"
#include "execution/warp.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software {

class BlockObserver;
class Compilation;
struct CompiledKernel;
class Observer;

/// What all blocks of a launch share.
struct Launch {
  const DecodedKernel* kernel;
  std::string_view ptx;  // the text of its module
  LaunchConfiguration configuration;
  std::vector<std::byte> parameters;
  const DeviceMemory* memory;
  const TextureTable* textures;
  DeviceRuntime* runtime;  // of kernels that print or allocate never nullptr
  HandlerTables tables;
  HandlerTables plain_tables;  // the vector path's; the same as `tables` unless the launch is observed
  Observer* observer;          // or nullptr
  Compilation* compilation;    // of the kernel, or nullptr where it is to be interpreted
  bool compile_at_once;
  unsigned worker_count;
  std::uint64_t grid_id;
  DeviceAddress grid_workspace;                    // of a cooperative launch, otherwise 0
  std::int64_t slice_instructions;                 // after so many another warp has its turn
  std::chrono::steady_clock::time_point deadline;  // max() when there is none
};

/// Zeroed memory aligned to a cache line. Large pieces take no memory until they are touched.
class ZeroedBytes {
 public:
  ZeroedBytes() = default;
  explicit ZeroedBytes(std::size_t bytes);
  [[nodiscard]] std::byte* get() const { return begin_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte[], Free> storage_;
  std::byte* begin_ = nullptr;
};

/// The registers of one call of a function. Frames are kept for reuse, their constants stay filled.
struct Frame {
  ZeroedBytes bytes;
  std::uint32_t function = 0;
  std::uint32_t users = 0;  // splits that run in it
  Frame* caller = nullptr;
  const CallSite* call_site = nullptr;
  std::uint64_t local_base = 0;
  std::uint32_t depth = 0;  // how many calls lie between the kernel and this
};

/// Lanes of a warp that run together. A warp starts as one split. At a divergent branch a split waits, and
/// its lanes go on as two children, until both have come to the point where the branch's sides meet (`join`).
struct Split {
  enum class State : std::uint8_t {
    unused,
    runnable,
    waiting_for_children,
    waiting_at_barrier,
    waiting_for_lanes,
    waiting_for_warp
  };

  State state = State::unused;
  std::uint32_t mask = 0;
  const Instruction* next = nullptr;
  const Instruction* join = nullptr;  // nullptr: never before the function ends
  int parent = -1;                    // index in ScheduledWarp::splits
  std::uint32_t children = 0;
  std::int64_t rank = 0;  // of several runnable splits the highest runs
  Frame* frame = nullptr;

  std::uint32_t barrier = 0;         // number, while waiting_at_barrier
  std::size_t meeting = 0;           // index in ScheduledWarp::meetings, while waiting_for_lanes
  bool released = false;             // from waiting; `next` is still the instruction that waited
  std::uint32_t barrier_result = 0;  // of bar.red
};

/// Lanes of several splits that wait for each other: bar.warp.sync, vote.sync, shfl.sync, match.sync.
struct Meeting {
  std::uint32_t members = 0;  // 0: not in use
  std::uint32_t awaited = 0;  // members that had not exited when the first ones came
  std::uint32_t arrived = 0;
  std::uint32_t splits = 0;  // that still have to fetch the values
  std::array<std::uint64_t, kLanes> values{};
};

struct ScheduledWarp : Warp {
  std::uint32_t number = 0;  // in the block
  std::vector<Split> splits;
  std::vector<Meeting> meetings;
  int current = -1;
  std::int64_t highest_rank = 0;
  std::int64_t lowest_rank = 0;
  int slices_without_progress = 0;
  int patience = 16;  // slices until lanes stop waiting for others that do not come
  std::vector<std::unique_ptr<Frame>> frames;
  std::vector<Frame*> spare_frames;
};

struct Barrier {
  std::uint32_t lanes = 0;     // that have arrived
  std::uint32_t threads = 0;   // the same, with whole warps counted as 32
  std::uint32_t expected = 0;  // threads; 0 means all that have not exited
  std::uint32_t count = 0;     // predicates set, for bar.red
};

/// A row of every warp that depends on the block's place in the grid.
struct BlockRow {
  SpecialRow row;
  std::optional<std::uint64_t> value;  // that the rows have
};

struct Block {
  const Launch* launch = nullptr;
  const Instruction* code = nullptr;         // as long as the kernel's, or the kernel's itself
  const CompiledKernel* compiled = nullptr;  // that the code belongs to
  std::array<std::uint32_t, 3> index{};
  std::uint32_t worker = 0;
  std::uint32_t threads = 0;
  std::uint32_t live_threads = 0;
  std::vector<ScheduledWarp> warps;
  std::array<Barrier, 16> barriers{};
  std::uint32_t barriers_in_use = 0;  // bit n: threads have arrived at barrier n
  ZeroedBytes shared;
  std::uint32_t shared_bytes = 0;
  ZeroedBytes local;  // lane after lane, `local_bytes` each
  std::uint64_t local_bytes = 0;
  std::uint64_t stack_bytes = 0;  // of each thread: `local_bytes` and what its calls themselves may take
  std::uint64_t frame_bytes = 0;  // of all calls that have been open at once
  std::vector<AddressRange> recent_ranges;
  std::vector<BlockRow> block_rows;
  BlockObserver* observer = nullptr;
};

/// Bytes of local memory of each thread: room for the variables of each function once, which is all that a
/// program without recursion can need, and the limit of the stack for recursion.
std::uint64_t local_bytes_per_thread(const Launch& launch);

/// Where the values of its first warp are, for compile_runs.
const std::byte* sample_frame(const Block& block);

void prepare_block(Block& block, const Launch& launch, std::uint32_t worker);
/// Puts block number `linear_index` at its beginning.
void start_block(Block& block, std::uint64_t linear_index);
/// Gives each warp a turn; false when all threads have exited. Throws Error.
bool advance_block(Block& block);

// --- What the control operations use
// ------------------------------------------------------------------------

inline ScheduledWarp* scheduled(Warp* warp) {
  return static_cast<ScheduledWarp*>(warp);
}

void set_active(Warp* warp, std::uint32_t mask);
/// A frame of function number `function` whose constants and special registers are filled.
Frame* open_frame(ScheduledWarp* warp, std::uint32_t function, Frame* caller);
int add_split(ScheduledWarp* warp, const Split& split);
/// The current split has come to its end; returns where the warp goes on, or nullptr.
const Instruction* finish_current_split(ScheduledWarp* warp);
/// The current split cannot run now (its state says why); returns where the warp goes on, or nullptr.
const Instruction* run_next_split(ScheduledWarp* warp);
/// Lanes may have exited for which others of the warp wait.
void release_meetings(ScheduledWarp* warp);
/// Throws Error where an instruction on matrices waits for all lanes, of which some now exit or wait
/// elsewhere.
void fail_where_warp_is_awaited(const ScheduledWarp& warp);
/// A barrier may have become complete because threads arrived or exited.
void release_barriers(Block* block);

/// Where an instruction's address operand, moved by `offset`, lies for one lane: `bytes` of memory there are
/// checked, aligned to `alignment`. Throws Error naming the instruction and the lane.
std::byte* resolve_pointer(const Instruction* instruction, Warp* warp, std::uint32_t lane,
                           std::uint64_t offset, std::uint32_t bytes, std::uint32_t alignment);

/// The same for any address.
std::byte* resolve_address(const Instruction* instruction, Warp* warp, std::uint32_t lane, Space space,
                           std::uint64_t address, std::uint32_t bytes, std::uint32_t alignment);

/// `error` with kernel, block, thread and PTX line in front of the message.
[[noreturn]] void fail(Status status, const Instruction* instruction, const Warp* warp, std::uint32_t lane,
                       const std::string& message);

/// Counts the straight-line code that ends with `last`, and starts anew at `next`.
inline void count_instructions(Warp* warp, const Instruction* last, const Instruction* next) {
  const std::int64_t instructions = last + 1 - warp->counted_from;
  warp->warp_instructions += static_cast<std::uint64_t>(instructions);
  warp->thread_instructions += static_cast<std::uint64_t>(instructions) * warp->active_count;
  warp->budget -= instructions;
  warp->counted_from = next;
}

template <class T>
T* frame_row(const Warp* warp, std::uint32_t offset) {
  return reinterpret_cast<T*>(warp->frame + offset);
}

/// The value that all active lanes should agree on, such as a barrier's number.
inline std::uint32_t uniform_value(const Warp* warp, std::uint32_t offset) {
  return frame_row<const std::uint32_t>(warp, offset)[__builtin_ctz(warp->active)];
}

}  // namespace vgpu::software
