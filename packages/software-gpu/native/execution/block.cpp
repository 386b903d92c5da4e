#include "execution/block.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "execution/compiled/compilation.h"
#include "execution/observer.h"
#include "vgpu/software_gpu/device_runtime.h"

namespace vgpu::software {
namespace {

/// What a call itself takes of a thread's stack: a return address, aligned.
constexpr std::uint64_t kCallBytes = 16;
/// The registers of nested calls lie outside the stack; some bug must not take all memory of this machine.
constexpr std::uint64_t kMaximumFrameBytes = std::uint64_t{1} << 30;

std::uint64_t special_value(const Block& block, const ScheduledWarp& warp, const Frame& frame,
                            Special special, std::uint32_t lane) {
  const Dim3& grid = block.launch->configuration.grid;
  const Dim3& size = block.launch->configuration.block;
  const std::uint32_t thread = warp.number * kLanes + lane;
  const std::uint32_t bit = std::uint32_t{1} << lane;
  switch (special) {
    case Special::tid_x:
      return thread % size.x;
    case Special::tid_y:
      return thread / size.x % size.y;
    case Special::tid_z:
      return thread / size.x / size.y;
    case Special::ntid_x:
      return size.x;
    case Special::ntid_y:
      return size.y;
    case Special::ntid_z:
      return size.z;
    case Special::ctaid_x:
      return block.index[0];
    case Special::ctaid_y:
      return block.index[1];
    case Special::ctaid_z:
      return block.index[2];
    case Special::nctaid_x:
      return grid.x;
    case Special::nctaid_y:
      return grid.y;
    case Special::nctaid_z:
      return grid.z;
    case Special::laneid:
      return lane;
    case Special::warpid:
      return warp.number;
    case Special::nwarpid:
      return 32;  // of a multiprocessor, not of the block
    case Special::smid:
      return block.worker;
    case Special::nsmid:
      return block.launch->worker_count;
    case Special::gridid:
      return block.launch->grid_id;
    case Special::lanemask_eq:
      return bit;
    case Special::lanemask_le:
      return bit | (bit - 1);
    case Special::lanemask_lt:
      return bit - 1;
    case Special::lanemask_ge:
      return ~(bit - 1);
    case Special::lanemask_gt:
      return ~(bit | (bit - 1));
    case Special::dynamic_smem_size:
      return block.launch->configuration.dynamic_shared_bytes;
    case Special::total_smem_size:
      return block.shared_bytes;
    case Special::envreg1:
      return block.launch->grid_workspace >> 32;
    case Special::envreg2:
      return block.launch->grid_workspace & 0xffff'ffff;
    case Special::local_base:
      return frame.local_base;
    case Special::zero:
      return 0;
  }
  return 0;
}

void write_lane(std::byte* row, Width width, std::uint32_t lane, std::uint64_t value) {
  switch (width) {
    case Width::predicate: {
      auto* mask = reinterpret_cast<std::uint32_t*>(row);
      const std::uint32_t bit = std::uint32_t{1} << lane;
      *mask = (value & 1) != 0 ? *mask | bit : *mask & ~bit;
      break;
    }
    case Width::half:
      reinterpret_cast<std::uint16_t*>(row)[lane] = static_cast<std::uint16_t>(value);
      break;
    case Width::word:
      reinterpret_cast<std::uint32_t*>(row)[lane] = static_cast<std::uint32_t>(value);
      break;
    case Width::doubleword:
      reinterpret_cast<std::uint64_t*>(row)[lane] = value;
      break;
  }
}

void fill_constants(const DecodedFunction& function, std::byte* frame) {
  for (const ConstantRow& constant : function.constants) {
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      write_lane(frame + constant.offset, constant.width, lane, constant.bits);
    }
  }
}

void fill_specials(const Block& block, const ScheduledWarp& warp, const Frame& frame) {
  for (const SpecialRow& row : block.launch->kernel->functions[frame.function].specials) {
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      write_lane(frame.bytes.get() + row.offset, row.width, lane,
                 special_value(block, warp, frame, row.special, lane) + row.addend);
    }
  }
}

bool depends_on_block(Special special) {
  return special == Special::ctaid_x || special == Special::ctaid_y || special == Special::ctaid_z;
}

template <class T>
void fill_row(std::byte* row, std::uint64_t value) {
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) reinterpret_cast<T*>(row)[lane] = static_cast<T>(value);
}

/// Between two blocks only these rows of the kernel's own frame change, and not all of them; all lanes get
/// the same value.
void refill_block_index(Block& block) {
  const ScheduledWarp& first = block.warps.front();
  for (BlockRow& filled : block.block_rows) {
    const SpecialRow& row = filled.row;
    const std::uint64_t value =
        special_value(block, first, *first.frames.front(), row.special, 0) + row.addend;
    if (value == filled.value) continue;
    filled.value = value;
    for (const ScheduledWarp& warp : block.warps) {
      std::byte* place = warp.frames.front()->bytes.get() + row.offset;
      if (row.width == Width::half) fill_row<std::uint16_t>(place, value);
      if (row.width == Width::word) fill_row<std::uint32_t>(place, value);
      if (row.width == Width::doubleword) fill_row<std::uint64_t>(place, value);
    }
  }
}

std::vector<BlockRow> rows_of_block_index(const DecodedKernel& kernel) {
  std::vector<BlockRow> rows;
  for (const SpecialRow& row : kernel.functions.front().specials) {
    if (depends_on_block(row.special)) rows.push_back({row, {}});
  }
  return rows;
}

void close_frame(ScheduledWarp* warp, Frame* frame) {
  if (--frame->users == 0 && frame->function != 0) warp->spare_frames.push_back(frame);
}

const Instruction* activate(ScheduledWarp* warp, int index) {
  Split& split = warp->splits[static_cast<std::size_t>(index)];
  warp->current = index;
  warp->frame = split.frame->bytes.get();
  warp->counted_from = split.next;
  warp->released = split.released;
  warp->join = split.join;
  set_active(warp, split.mask & warp->live);
  return split.next;
}

void free_split(ScheduledWarp* warp, int index) {
  Split& split = warp->splits[static_cast<std::size_t>(index)];
  split.state = Split::State::unused;
  close_frame(warp, split.frame);
  if (split.parent < 0) return;
  Split& parent = warp->splits[static_cast<std::size_t>(split.parent)];
  if (--parent.children == 0) parent.state = Split::State::runnable;
}

int highest_runnable(const ScheduledWarp& warp) {
  if (warp.splits.size() == 1) return warp.splits.front().state == Split::State::runnable ? 0 : -1;
  int best = -1;
  for (std::size_t i = 0; i < warp.splits.size(); ++i) {
    if (warp.splits[i].state != Split::State::runnable) continue;
    if (best < 0 || warp.splits[i].rank > warp.splits[static_cast<std::size_t>(best)].rank) {
      best = static_cast<int>(i);
    }
  }
  return best;
}

/// The lanes of a waiting split that have already come to its join.
std::uint32_t arrived_lanes(const ScheduledWarp& warp, int index) {
  std::uint32_t lanes = warp.splits[static_cast<std::size_t>(index)].mask & warp.live;
  for (const Split& split : warp.splits) {
    if (split.state != Split::State::unused && split.parent == index) lanes &= ~split.mask;
  }
  return lanes;
}

/// Lanes that wait at a join, or for a function's return, may wait for lanes that do not come: these spin
/// until a waiting lane lets them go, or wait at another barrier. Then the waiting lanes go on alone, and all
/// meet at the next join further out. This is the forward progress that CUDA guarantees to each thread.
/// Returns whether there were such lanes.
bool give_up_a_join(ScheduledWarp* warp) {
  int chosen = -1;
  for (std::size_t i = 0; i < warp->splits.size(); ++i) {
    const Split& split = warp->splits[i];
    if (split.state != Split::State::waiting_for_children) continue;
    if (arrived_lanes(*warp, static_cast<int>(i)) == 0) continue;
    if (chosen < 0 || split.rank > warp->splits[static_cast<std::size_t>(chosen)].rank)
      chosen = static_cast<int>(i);
  }
  if (chosen < 0) return false;

  Split& waiting = warp->splits[static_cast<std::size_t>(chosen)];
  Split alone = waiting;
  alone.state = Split::State::runnable;
  alone.mask = arrived_lanes(*warp, chosen);
  alone.children = 0;
  waiting.mask &= ~alone.mask;
  if (alone.parent >= 0) ++warp->splits[static_cast<std::size_t>(alone.parent)].children;
  add_split(warp, alone);
  warp->patience = std::max(warp->patience / 2, 1);
  return true;
}

/// After a slice that ended only because it was used up.
void rotate_splits(ScheduledWarp* warp) {
  if (++warp->slices_without_progress < warp->patience) return;
  warp->slices_without_progress = 0;
  give_up_a_join(warp);
  if (warp->current >= 0) warp->splits[static_cast<std::size_t>(warp->current)].rank = --warp->lowest_rank;
}

void start_warp(Block& block, ScheduledWarp& warp) {
  const std::uint32_t first = warp.number * kLanes;
  const std::uint32_t threads = std::min(block.threads - first, kLanes);
  warp.live = threads == kLanes ? kAllLanes : (std::uint32_t{1} << threads) - 1;
  warp.meetings.clear();
  warp.highest_rank = 0;
  warp.lowest_rank = 0;
  warp.slices_without_progress = 0;
  Frame* frame = warp.frames.front().get();
  frame->users = 1;
  warp.current = 0;
  warp.splits.resize(1);
  Split& split = warp.splits.front();
  split = Split{};
  split.state = Split::State::runnable;
  split.mask = warp.live;
  split.next = block.code + block.launch->kernel->functions.front().entry;
  split.frame = frame;
}

/// If it has come into being since the last block.
void use_compiled_code(Block& block) {
  const Launch& launch = *block.launch;
  const CompiledKernel* compiled = launch.compilation == nullptr ? nullptr : launch.compilation->compiled();
  if (compiled == block.compiled && block.code != nullptr) return;
  block.compiled = compiled;
  block.code = compiled == nullptr ? launch.kernel->code.data() : compiled->code.data();
  if (compiled == nullptr) return;
  for (ScheduledWarp& warp : block.warps) {
    warp.lines_hold = compiled->lines_hold(warp.frames.front()->bytes.get());
  }
}

/// Of a loop through device memory in one turn of a warp. The lines of memory that warps next to each other
/// touch so are in the second-level cache together: their distance is often a power of two, so that only some
/// of its sets are used.
constexpr std::int32_t kRounds = 16;

/// Returns whether the warp could run at all.
bool run_slice(ScheduledWarp* warp) {
  const Instruction* instruction = run_next_split(warp);
  if (instruction == nullptr) return false;
  const bool goes_on = warp->rounds == 0 && warp->budget > 0;
  if (!goes_on) warp->budget = warp->block->launch->slice_instructions;
  warp->rounds = kRounds;
  while (instruction != nullptr) {
    instruction = warp->handlers[static_cast<std::uint16_t>(instruction->operation)](instruction, warp);
  }
  if (warp->budget <= 0) rotate_splits(warp);
  return true;
}

bool is_done(const ScheduledWarp& warp) {
  return warp.live == 0;
}

[[noreturn]] void fail_deadlock(const Block& block) {
  for (const ScheduledWarp& warp : block.warps) {
    fail_where_warp_is_awaited(warp);
    for (const Split& split : warp.splits) {
      if (split.state == Split::State::waiting_at_barrier) {
        fail(Status::launch_failed, split.next, &warp, static_cast<std::uint32_t>(__builtin_ctz(split.mask)),
             "barrier " + std::to_string(split.barrier) +
                 " can never complete: every other thread of the block has exited or waits elsewhere");
      }
      if (split.state == Split::State::waiting_for_lanes) {
        fail(Status::launch_failed, split.next, &warp, static_cast<std::uint32_t>(__builtin_ctz(split.mask)),
             "lanes of the warp wait for others that never come");
      }
    }
  }
  throw Error(Status::launch_failed, "kernel '" + block.launch->kernel->name + "': no warp can run");
}

void check_deadline(const Block& block) {
  if (block.launch->deadline == std::chrono::steady_clock::time_point::max()) return;
  if (std::chrono::steady_clock::now() < block.launch->deadline) return;
  throw Error(Status::launch_timeout,
              "kernel '" + block.launch->kernel->name + "' ran longer than its time limit of " +
                  std::to_string(block.launch->configuration.time_limit.count()) + " ms");
}

[[noreturn]] void fail_stack(const Block& block, const std::string& function, const std::string& what) {
  throw Error(Status::stack_error, "kernel '" + block.launch->kernel->name + "': the nested calls up to '" +
                                       function + "' " + what);
}

}  // namespace

ZeroedBytes::ZeroedBytes(std::size_t bytes) {
  constexpr std::size_t kAlignment = 64;
  storage_.reset(static_cast<std::byte*>(std::calloc(bytes + kAlignment, 1)));
  if (!storage_) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(storage_.get());
  begin_ = storage_.get() + (kAlignment - address % kAlignment) % kAlignment;
}

std::uint64_t local_bytes_per_thread(const Launch& launch) {
  const auto& functions = launch.kernel->functions;
  std::uint64_t bytes = 0;
  for (const DecodedFunction& function : functions) bytes += function.local_bytes;
  if (functions.size() > 1)
    bytes += launch.runtime != nullptr ? launch.runtime->limits.stack : RuntimeLimits{}.stack;
  return (bytes + 15) / 16 * 16;
}

void set_active(Warp* warp, std::uint32_t mask) {
  if (mask == warp->active && warp->handlers != nullptr) return;
  warp->active = mask;
  warp->active_count = static_cast<std::uint32_t>(__builtin_popcount(mask));
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    warp->lane_words[lane] = (mask & (std::uint32_t{1} << lane)) != 0 ? -1 : 0;
  }
  const HandlerTables& tables = warp->block->launch->tables;
  warp->handlers = mask == kAllLanes ? tables.full : tables.masked;
}

Frame* open_frame(ScheduledWarp* warp, std::uint32_t function, Frame* caller) {
  Block& block = *warp->block;
  const DecodedFunction& decoded = block.launch->kernel->functions[function];
  Frame* frame = nullptr;
  for (auto spare = warp->spare_frames.begin(); spare != warp->spare_frames.end(); ++spare) {
    if ((*spare)->function != function) continue;
    frame = *spare;
    warp->spare_frames.erase(spare);
    break;
  }
  if (frame == nullptr) {
    if (block.frame_bytes + decoded.frame_bytes > kMaximumFrameBytes) {
      fail_stack(block, decoded.name,
                 "keep more than " + std::to_string(kMaximumFrameBytes) + " bytes of registers");
    }
    block.frame_bytes += decoded.frame_bytes;
    warp->frames.push_back(std::make_unique<Frame>());
    frame = warp->frames.back().get();
    frame->bytes = ZeroedBytes(decoded.frame_bytes);
    frame->function = function;
    fill_constants(decoded, frame->bytes.get());
  }
  frame->caller = caller;
  frame->users = 0;
  frame->local_base = 0;
  frame->depth = 0;
  if (caller != nullptr) {
    frame->local_base = caller->local_base + block.launch->kernel->functions[caller->function].local_bytes;
    frame->depth = caller->depth + 1;
    const std::uint64_t used = frame->local_base + decoded.local_bytes;
    if (used > block.local_bytes || used + kCallBytes * frame->depth > block.stack_bytes) {
      fail_stack(block, decoded.name,
                 "need more than the stack of " + std::to_string(block.stack_bytes) +
                     " bytes per thread (cudaLimitStackSize, with what calls without recursion need)");
    }
  }
  fill_specials(block, *warp, *frame);
  return frame;
}

int add_split(ScheduledWarp* warp, const Split& split) {
  const auto unused = std::ranges::find(warp->splits, Split::State::unused, &Split::state);
  const auto index = static_cast<int>(unused - warp->splits.begin());
  if (unused == warp->splits.end()) warp->splits.emplace_back();
  Split& added = warp->splits[static_cast<std::size_t>(index)];
  added = split;
  added.rank = ++warp->highest_rank;
  ++added.frame->users;
  return index;
}

const Instruction* finish_current_split(ScheduledWarp* warp) {
  free_split(warp, warp->current);
  warp->current = -1;
  warp->slices_without_progress = 0;
  return run_next_split(warp);
}

const Instruction* run_next_split(ScheduledWarp* warp) {
  for (;;) {
    const int index = highest_runnable(*warp);
    if (index < 0) {
      if (warp->live != 0 && warp->splits.size() > 1 && give_up_a_join(warp)) continue;
      warp->current = -1;
      return nullptr;
    }
    if ((warp->splits[static_cast<std::size_t>(index)].mask & warp->live) != 0) return activate(warp, index);
    free_split(warp, index);  // all its lanes have exited meanwhile
  }
}

void release_barriers(Block* block) {
  for (std::uint32_t numbers = block->barriers_in_use; numbers != 0; numbers &= numbers - 1) {
    const auto number = static_cast<std::uint32_t>(__builtin_ctz(numbers));
    Barrier& barrier = block->barriers[number];
    const bool complete = barrier.expected != 0 ? barrier.threads >= barrier.expected
                                                : barrier.lanes != 0 && barrier.lanes >= block->live_threads;
    if (!complete) continue;
    if (block->observer != nullptr) block->observer->barrier_completes(*block, number);
    for (ScheduledWarp& warp : block->warps) {
      for (Split& split : warp.splits) {
        if (split.state != Split::State::waiting_at_barrier || split.barrier != number) continue;
        split.state = Split::State::runnable;
        split.released = true;
        split.barrier_result = barrier.count | (barrier.count == barrier.lanes ? 0x8000'0000U : 0);
      }
    }
    barrier = Barrier{};
    block->barriers_in_use &= ~(std::uint32_t{1} << number);
  }
}

void fail(Status status, const Instruction* instruction, const Warp* warp, std::uint32_t lane,
          const std::string& message) {
  const Block& block = *warp->block;
  const Dim3& size = block.launch->configuration.block;
  const auto& scheduled_warp = static_cast<const ScheduledWarp&>(*warp);
  const std::uint32_t thread = scheduled_warp.number * kLanes + lane;
  const auto triple = [](std::uint64_t x, std::uint64_t y, std::uint64_t z) {
    return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")";
  };
  const std::vector<Instruction>& code = block.launch->kernel->code;
  const bool is_own = instruction >= code.data() && instruction < code.data() + code.size();
  const auto position = static_cast<std::size_t>(instruction - (is_own ? code.data() : block.code));
  throw Error(status, "kernel '" + block.launch->kernel->name + "', block " +
                          triple(block.index[0], block.index[1], block.index[2]) + ", thread " +
                          triple(thread % size.x, thread / size.x % size.y, thread / size.x / size.y) +
                          ", PTX line " + std::to_string(block.launch->kernel->lines[position]) + ": " +
                          message);
}

const std::byte* sample_frame(const Block& block) {
  return block.warps.front().frames.front()->bytes.get();
}

void prepare_block(Block& block, const Launch& launch, std::uint32_t worker) {
  const DecodedKernel& kernel = *launch.kernel;
  const Dim3& size = launch.configuration.block;
  block.launch = &launch;
  block.worker = worker;
  block.threads = size.x * size.y * size.z;
  block.shared_bytes = kernel.static_shared_bytes + launch.configuration.dynamic_shared_bytes;
  block.shared = ZeroedBytes(block.shared_bytes);
  const std::uint32_t warps = (block.threads + kLanes - 1) / kLanes;
  block.local_bytes = local_bytes_per_thread(launch);
  block.stack_bytes = block.local_bytes + kCallBytes * (kernel.functions.size() - 1);
  block.local = ZeroedBytes(block.local_bytes * kLanes * warps);
  block.recent_ranges.assign(kernel.access_sites, AddressRange{});
  block.block_rows = rows_of_block_index(kernel);
  block.warps = std::vector<ScheduledWarp>(warps);
  for (std::uint32_t number = 0; number < warps; ++number) {
    ScheduledWarp& warp = block.warps[number];
    warp.number = number;
    warp.block = &block;
    warp.recent_ranges = block.recent_ranges.data();
    warp.parameters = launch.parameters.data();
    warp.operand_rows = launch.kernel->operand_rows.data();
    const auto begin = reinterpret_cast<std::uint64_t>(block.shared.get());
    warp.shared = {begin, begin + block.shared_bytes};
    warp.frame = open_frame(&warp, 0, nullptr)->bytes.get();
    for (const Instruction& instruction : kernel.preamble) {
      launch.plain_tables.full[static_cast<std::uint16_t>(instruction.operation)](&instruction, &warp);
    }
  }
}

void start_block(Block& block, std::uint64_t linear_index) {
  const Launch& launch = *block.launch;
  const Dim3& grid = launch.configuration.grid;
  use_compiled_code(block);
  block.index = {static_cast<std::uint32_t>(linear_index % grid.x),
                 static_cast<std::uint32_t>(linear_index / grid.x % grid.y),
                 static_cast<std::uint32_t>(linear_index / grid.x / grid.y)};
  block.live_threads = block.threads;
  if (block.barriers_in_use != 0) block.barriers = {};
  block.barriers_in_use = 0;
  std::memset(block.shared.get(), 0, block.shared_bytes);  // what it holds must not depend on earlier blocks
  refill_block_index(block);
  for (ScheduledWarp& warp : block.warps) start_warp(block, warp);
  if (block.observer != nullptr) block.observer->block_begins(block);
}

bool advance_block(Block& block) {
  bool any_ran = false;
  for (ScheduledWarp& warp : block.warps) {
    if (is_done(warp)) continue;
    any_ran |= run_slice(&warp);
  }
  if (!any_ran) {
    if (block.observer != nullptr) block.observer->block_hangs(block);
    fail_deadlock(block);
  }
  check_deadline(block);
  if (block.live_threads != 0) return true;
  if (block.observer != nullptr) block.observer->block_ends(block);
  return false;
}

}  // namespace vgpu::software
