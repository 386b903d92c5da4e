// Operations that change which lanes run, where, and when: branches, calls, barriers. They are compiled once,
// for every vector path.
#include "execution/control.h"

#include <cstring>
#include <ctime>

#include "execution/block.h"

namespace vgpu::software {
namespace {

std::uint32_t& predicate(const Warp* warp, std::uint32_t offset) {
  return *frame_row<std::uint32_t>(warp, offset);
}

std::uint32_t predicate_operand(const Instruction* in, const Warp* warp, std::uint32_t offset) {
  return (predicate(warp, offset) ^ ((in->flags & kNegated) != 0 ? kAllLanes : 0)) & warp->active;
}

void set_predicate(const Warp* warp, std::uint32_t offset, std::uint32_t lanes) {
  std::uint32_t& mask = predicate(warp, offset);
  mask = (mask & ~warp->active) | (lanes & warp->active);
}

template <class T>
void set_all_lanes(const Warp* warp, std::uint32_t offset, T value) {
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    if ((warp->active >> lane & 1) != 0) frame_row<T>(warp, offset)[lane] = value;
  }
}

Split& current_split(ScheduledWarp* warp) {
  return warp->splits[static_cast<std::size_t>(warp->current)];
}

const Instruction* at(const Warp* warp, std::uint32_t index) {
  return index == kNoJoin ? nullptr : warp->block->code + index;
}

/// After a change of splits: `next`, or nullptr when it is the next warp's turn. The split that was to go on
/// is runnable and knows where it is.
const Instruction* within_slice(const Warp* warp, const Instruction* next) {
  return warp->budget > 0 ? next : nullptr;
}

/// Goes to `target`, or lets the next warp have its turn. Only backward branches can make a loop.
const Instruction* jump(const Instruction* in, Warp* warp, const Instruction* target) {
  count_instructions(warp, in, target);
  if (target > in) return target;
  const bool ends_turn = (in->flags & kStreamingLoop) != 0 && --warp->rounds <= 0;
  if (!ends_turn && warp->budget > 0) return target;
  current_split(scheduled(warp)).next = target;
  return nullptr;
}

// --- Branches
// -----------------------------------------------------------------------------------------------

const Instruction* run_guard(const Instruction* in, Warp* warp) {
  const std::uint32_t all = warp->active;
  const std::uint32_t lanes = predicate_operand(in, warp, in->a);
  const Instruction* first = in + 1;
  const Instruction* after = first + in->immediate;
  count_instructions(warp, in - 1, first);  // the guard is part of the guarded instruction
  if (lanes == all) return first;
  if (lanes != 0) {
    set_active(warp, lanes);
    for (const Instruction* guarded = first; guarded != after; ++guarded) {
      warp->handlers[static_cast<std::uint16_t>(guarded->operation)](guarded, warp);
    }
    count_instructions(warp, after - 1, after);
    set_active(warp, all);
  } else {
    warp->warp_instructions += static_cast<std::uint64_t>(in->immediate);
    warp->counted_from = after;
  }
  return after;
}

const Instruction* run_branch(const Instruction* in, Warp* warp) {
  return jump(in, warp, at(warp, in->b));
}

struct Side {
  const Instruction* target;
  std::uint32_t lanes;
};

/// The lanes of the current split go on at different places until they meet at `join`.
template <std::size_t kSides>
const Instruction* diverge(ScheduledWarp* warp, const Instruction* join, const Side (&sides)[kSides],
                           std::size_t count) {
  const int index = warp->current;
  Split& split = current_split(warp);
  if (join == nullptr) join = split.join;
  Split child = split;
  child.join = join;
  child.children = 0;
  if (join == split.join) {
    // The sides meet where this split ends anyway: they take its place instead of waiting inside it.
    bool replaced = false;
    for (std::size_t i = 0; i < count; ++i) {
      if (sides[i].target == join) continue;
      child.mask = sides[i].lanes;
      child.next = sides[i].target;
      if (!replaced) {
        Split& place = warp->splits[static_cast<std::size_t>(index)];
        place.mask = child.mask;
        place.next = child.next;
        replaced = true;
      } else {
        if (child.parent >= 0) ++warp->splits[static_cast<std::size_t>(child.parent)].children;
        add_split(warp, child);
      }
    }
    return within_slice(warp, run_next_split(warp));
  }
  split.state = Split::State::waiting_for_children;
  split.next = join;
  child.parent = index;
  for (std::size_t i = 0; i < count; ++i) {
    if (sides[i].target == join) continue;
    child.mask = sides[i].lanes;
    child.next = sides[i].target;
    ++warp->splits[static_cast<std::size_t>(index)].children;
    add_split(warp, child);
  }
  return within_slice(warp, run_next_split(warp));
}

const Instruction* run_branch_if(const Instruction* in, Warp* warp) {
  const std::uint32_t taken = predicate_operand(in, warp, in->a);
  const Instruction* target = at(warp, in->b);
  if (taken == 0) {
    count_instructions(warp, in, in + 1);
    return in + 1;
  }
  if (taken == warp->active || target == in + 1) return jump(in, warp, target);
  count_instructions(warp, in, in + 1);
  const Side sides[] = {{target, taken}, {in + 1, warp->active & ~taken}};
  return diverge(scheduled(warp), at(warp, in->c), sides, 2);
}

const Instruction* run_branch_indexed(const Instruction* in, Warp* warp) {
  const auto& table = warp->block->launch->kernel->branch_tables[in->b];
  const auto* indices = frame_row<const std::uint32_t>(warp, in->a);
  Side sides[kLanes];
  std::size_t count = 0;
  for (std::uint32_t lanes = warp->active; lanes != 0;) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    if (indices[lane] >= table.size()) {
      fail(Status::invalid_pc, in, warp, lane,
           "brx.idx with index " + std::to_string(indices[lane]) + " of " + std::to_string(table.size()) +
               " targets");
    }
    std::uint32_t same = 0;
    for (std::uint32_t other = lane; other < kLanes; ++other) {
      if ((lanes >> other & 1) != 0 && indices[other] < table.size() &&
          table[indices[other]] == table[indices[lane]]) {
        same |= std::uint32_t{1} << other;
      }
    }
    sides[count++] = {at(warp, table[indices[lane]]), same};
    lanes &= ~same;
  }
  if (count == 1) return jump(in, warp, sides[0].target);
  count_instructions(warp, in, in + 1);
  return diverge(scheduled(warp), at(warp, in->c), sides, count);
}

const Instruction* run_join(const Instruction* in, Warp* warp) {
  count_instructions(warp, in - 1, in + 1);  // not an instruction of the program
  if (current_split(scheduled(warp)).join != in) return in + 1;
  return within_slice(warp, finish_current_split(scheduled(warp)));
}

// --- The end of threads and functions
// -----------------------------------------------------------------------

const Instruction* run_exit(const Instruction* in, Warp* warp) {
  count_instructions(warp, in, in + 1);
  if (scheduled(warp)->splits.size() > 1) fail_where_warp_is_awaited(*scheduled(warp));
  warp->live &= ~warp->active;
  warp->block->live_threads -= warp->active_count;
  if (warp->block->barriers_in_use != 0) release_barriers(warp->block);
  if (!scheduled(warp)->meetings.empty()) release_meetings(scheduled(warp));
  if (warp->live == 0 && scheduled(warp)->splits.size() == 1) {
    current_split(scheduled(warp)).state = Split::State::unused;
    return nullptr;  // as most warps end
  }
  return finish_current_split(scheduled(warp));
}

/// Each lane's part of a region lies `bytes` apart.
void copy_region(const Warp* warp, const std::byte* from_frame, const ParameterRegion& from,
                 std::byte* to_frame, const ParameterRegion& to) {
  const std::uint32_t bytes = from.bytes < to.bytes ? from.bytes : to.bytes;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    if ((warp->active >> lane & 1) == 0) continue;
    __builtin_memcpy(to_frame + to.offset + std::size_t{lane} * to.bytes,
                     from_frame + from.offset + std::size_t{lane} * from.bytes, bytes);
  }
}

const Instruction* run_return(const Instruction* in, Warp* warp) {
  const Frame* frame = current_split(scheduled(warp)).frame;
  if (frame->caller == nullptr) return run_exit(in, warp);
  count_instructions(warp, in, in + 1);
  const DecodedFunction& function = warp->block->launch->kernel->functions[frame->function];
  for (std::size_t i = 0; i < frame->call_site->return_values.size(); ++i) {
    copy_region(warp, frame->bytes.get(), function.return_values[i], frame->caller->bytes.get(),
                frame->call_site->return_values[i]);
  }
  return finish_current_split(scheduled(warp));
}

void add_call(ScheduledWarp* warp, const Instruction* in, std::uint32_t function, std::uint32_t lanes) {
  const DecodedKernel& kernel = *warp->block->launch->kernel;
  const CallSite& site = kernel.call_sites[in->b];
  const DecodedFunction& callee = kernel.functions[function];
  if (site.arguments.size() != callee.parameters.size() ||
      site.return_values.size() != callee.return_values.size()) {
    fail(Status::invalid_pc, in, warp, static_cast<std::uint32_t>(__builtin_ctz(lanes)),
         "call of '" + callee.name + "' with " + std::to_string(site.arguments.size()) + " arguments and " +
             std::to_string(site.return_values.size()) + " return values");
  }
  Frame* caller = current_split(warp).frame;
  Frame* frame = open_frame(warp, function, caller);
  frame->call_site = &site;
  for (std::size_t i = 0; i < site.arguments.size(); ++i) {
    copy_region(warp, caller->bytes.get(), site.arguments[i], frame->bytes.get(), callee.parameters[i]);
  }
  Split child;
  child.state = Split::State::runnable;
  child.mask = lanes;
  child.next = warp->block->code + callee.entry;
  child.parent = warp->current;
  child.frame = frame;
  add_split(warp, child);
}

const Instruction* run_call(const Instruction* in, Warp* base) {
  ScheduledWarp* warp = scheduled(base);
  count_instructions(warp, in, in + 1);
  current_split(warp).next = in + 1;
  current_split(warp).state = Split::State::waiting_for_children;
  current_split(warp).children = 1;
  add_call(warp, in, in->a, warp->active);
  return within_slice(warp, run_next_split(warp));
}

const Instruction* run_call_indirect(const Instruction* in, Warp* base) {
  ScheduledWarp* warp = scheduled(base);
  count_instructions(warp, in, in + 1);
  const auto& numbers = warp->block->launch->kernel->function_numbers;
  const auto* addresses = frame_row<const std::uint64_t>(warp, in->a);
  current_split(warp).next = in + 1;
  current_split(warp).state = Split::State::waiting_for_children;
  current_split(warp).children = 0;
  const int caller = warp->current;
  for (std::uint32_t lanes = warp->active; lanes != 0;) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    std::uint32_t same = 0;
    for (std::uint32_t other = lane; other < kLanes; ++other) {
      if ((lanes >> other & 1) != 0 && addresses[other] == addresses[lane]) same |= std::uint32_t{1} << other;
    }
    std::uint32_t function = 0;
    for (std::uint32_t i = 1; i < numbers.size(); ++i) {
      if (kFunctionWindow + kFunctionStride * numbers[i] == addresses[lane]) function = i;
    }
    if (function == 0)
      fail(Status::invalid_pc, in, warp, lane, "indirect call of an address that is no function's");
    ++warp->splits[static_cast<std::size_t>(caller)].children;
    add_call(warp, in, function, same);
    lanes &= ~same;
  }
  return within_slice(warp, run_next_split(warp));
}

const Instruction* run_trap(const Instruction* in, Warp* warp) {
  fail(Status::launch_failed, in, warp, static_cast<std::uint32_t>(__builtin_ctz(warp->active)), "trap");
}

const Instruction* run_breakpoint(const Instruction* in, Warp* warp) {
  fail(Status::launch_failed, in, warp, static_cast<std::uint32_t>(__builtin_ctz(warp->active)),
       "brkpt without a debugger");
}

// --- Barriers
// -----------------------------------------------------------------------------------------------

std::uint32_t barrier_number(const Instruction* in, const Warp* warp) {
  const std::uint32_t number = uniform_value(warp, in->a);
  if (number >= warp->block->barriers.size()) {
    fail(Status::illegal_instruction, in, warp, static_cast<std::uint32_t>(__builtin_ctz(warp->active)),
         "barrier number " + std::to_string(number) + " is above 15");
  }
  return number;
}

Barrier& arrive(const Instruction* in, Warp* warp, std::uint32_t number) {
  Barrier& barrier = warp->block->barriers[number];
  warp->block->barriers_in_use |= std::uint32_t{1} << number;
  barrier.lanes += warp->active_count;
  // Thread counts are multiples of the warp size: a warp whose lanes are all here counts as a whole one.
  barrier.threads += warp->active == warp->live ? kLanes : warp->active_count;
  if ((in->flags & kNoThreadCount) == 0) barrier.expected = uniform_value(warp, in->b);
  return barrier;
}

/// Waits at the barrier; when it is complete, gives `result` the number of set predicates, with bit 31 set if
/// those were all, and goes on.
template <class F>
const Instruction* wait_at_barrier(const Instruction* in, Warp* warp, std::uint32_t count, F result) {
  Split* split = &current_split(scheduled(warp));
  if (!warp->released) {
    const std::uint32_t number = barrier_number(in, warp);
    arrive(in, warp, number).count += count;
    split->state = Split::State::waiting_at_barrier;
    split->barrier = number;
    split->next = in;
    release_barriers(warp->block);
    if (split->state == Split::State::waiting_at_barrier) {
      count_instructions(warp, in - 1, in);
      return run_next_split(scheduled(warp));
    }
  }
  warp->released = false;
  split->released = false;
  result(split->barrier_result);
  return in + 1;
}

const Instruction* run_barrier_sync(const Instruction* in, Warp* warp) {
  return wait_at_barrier(in, warp, 0, [](std::uint32_t) {});
}

const Instruction* run_barrier_arrive(const Instruction* in, Warp* warp) {
  arrive(in, warp, barrier_number(in, warp));
  release_barriers(warp->block);
  return in + 1;
}

std::uint32_t set_predicates(const Instruction* in, const Warp* warp) {
  return static_cast<std::uint32_t>(__builtin_popcount(predicate_operand(in, warp, in->c)));
}

const Instruction* run_barrier_red_popc(const Instruction* in, Warp* warp) {
  return wait_at_barrier(in, warp, set_predicates(in, warp), [&](std::uint32_t result) {
    set_all_lanes<std::uint32_t>(warp, in->destination, result & 0x7fff'ffff);
  });
}

const Instruction* run_barrier_red_and(const Instruction* in, Warp* warp) {
  return wait_at_barrier(in, warp, set_predicates(in, warp), [&](std::uint32_t result) {
    set_predicate(warp, in->destination, (result & 0x8000'0000) != 0 ? kAllLanes : 0);
  });
}

const Instruction* run_barrier_red_or(const Instruction* in, Warp* warp) {
  return wait_at_barrier(in, warp, set_predicates(in, warp), [&](std::uint32_t result) {
    set_predicate(warp, in->destination, (result & 0x7fff'ffff) != 0 ? kAllLanes : 0);
  });
}

const Instruction* run_warp_sync(const Instruction* in, Warp* warp) {
  const auto* named = frame_row<const std::uint32_t>(warp, in->a);
  if (lanes_are_apart(warp, named_lanes(warp, named))) {
    std::uint64_t values[kLanes] = {};
    if (exchange_with_other_branches(in, warp, named, values) == 0) return run_other_lanes(warp);
  }
  return in + 1;
}

/// Sleeping threads let the others run.
const Instruction* run_nanosleep(const Instruction* in, Warp* warp) {
  count_instructions(warp, in, in + 1);
  warp->budget = 0;
  current_split(scheduled(warp)).next = in + 1;
  return nullptr;
}

const Instruction* run_compiled(const Instruction* in, Warp* warp) {
  const Instruction* next = reinterpret_cast<Handler>(in->immediate)(in, warp);
  if (next != in) return next;
  // The run was left in front of its first instruction, a load or store, which goes on behind itself.
  const Block& block = *warp->block;
  const Instruction& first = block.launch->kernel->code[static_cast<std::size_t>(in - block.code)];
  warp->handlers[static_cast<std::uint16_t>(first.operation)](&first, warp);
  return in + 1;
}

const Instruction* run_nothing(const Instruction* in, Warp* /*warp*/) {
  return in + 1;
}

// --- Clocks
// -------------------------------------------------------------------------------------------------

std::uint64_t nanoseconds(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) return 0;  // cannot fail for the clocks used here
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

const Instruction* run_clock_32(const Instruction* in, Warp* warp) {
  set_all_lanes(warp, in->destination, static_cast<std::uint32_t>(nanoseconds(CLOCK_MONOTONIC)));
  return in + 1;
}

const Instruction* run_clock_64(const Instruction* in, Warp* warp) {
  set_all_lanes(warp, in->destination, nanoseconds(CLOCK_MONOTONIC));
  return in + 1;
}

const Instruction* run_globaltimer_32(const Instruction* in, Warp* warp) {
  set_all_lanes(warp, in->destination, static_cast<std::uint32_t>(nanoseconds(CLOCK_REALTIME)));
  return in + 1;
}

const Instruction* run_globaltimer_hi(const Instruction* in, Warp* warp) {
  set_all_lanes(warp, in->destination, static_cast<std::uint32_t>(nanoseconds(CLOCK_REALTIME) >> 32));
  return in + 1;
}

const Instruction* run_globaltimer_64(const Instruction* in, Warp* warp) {
  set_all_lanes(warp, in->destination, nanoseconds(CLOCK_REALTIME));
  return in + 1;
}

}  // namespace

void add_control_handlers(Handler* table) {
  const auto add = [table](Operation operation, Handler handler) {
    table[static_cast<std::uint16_t>(operation)] = handler;
  };
  add(Operation::guard, run_guard);
  add(Operation::join, run_join);
  add(Operation::branch, run_branch);
  add(Operation::branch_if, run_branch_if);
  add(Operation::branch_indexed, run_branch_indexed);
  add(Operation::call, run_call);
  add(Operation::call_indirect, run_call_indirect);
  add(Operation::return_, run_return);
  add(Operation::exit_, run_exit);
  add(Operation::trap, run_trap);
  add(Operation::breakpoint, run_breakpoint);
  add(Operation::barrier_sync, run_barrier_sync);
  add(Operation::barrier_arrive, run_barrier_arrive);
  add(Operation::barrier_red_popc, run_barrier_red_popc);
  add(Operation::barrier_red_and, run_barrier_red_and);
  add(Operation::barrier_red_or, run_barrier_red_or);
  add(Operation::warp_sync, run_warp_sync);
  add(Operation::nanosleep, run_nanosleep);
  add(Operation::nothing, run_nothing);
  add(Operation::compiled_run, run_compiled);
  add(Operation::clock_32, run_clock_32);
  add(Operation::clock_64, run_clock_64);
  add(Operation::globaltimer_32, run_globaltimer_32);
  add(Operation::globaltimer_hi, run_globaltimer_hi);
  add(Operation::globaltimer_64, run_globaltimer_64);
}

void add_common_handlers(Handler* full, Handler* masked) {
  for (Handler* table : {full, masked}) {
    add_control_handlers(table);
    add_vote_handlers(table);
    add_access_handlers(table);
    add_atomic_handlers(table);
    add_texture_handlers(table);
    add_matrix_handlers(table);
    add_asynchronous_handlers(table);
    add_runtime_handlers(table);
    add_conversion_handlers(table);
  }
}

}  // namespace vgpu::software
