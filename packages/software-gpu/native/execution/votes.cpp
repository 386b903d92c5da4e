// Instructions by which lanes of a warp compare or add up what they have: vote, match and redux. Lanes that
// name the same members execute them together, and several such groups may come to one at the same time.
#include <algorithm>

#include "execution/block.h"
#include "execution/control.h"

namespace vgpu::software {
namespace {

struct Group {
  std::uint32_t lanes;    // that are active now
  std::uint32_t members;  // that have come, from all branches
};

template <class F>
void for_each_lane(std::uint32_t lanes, F visit) {
  for (; lanes != 0; lanes &= lanes - 1) visit(static_cast<std::uint32_t>(__builtin_ctz(lanes)));
}

/// Calls `finish(group)` for each group of active lanes when all its members have come; `values` are then
/// those of all members. Returns the next instruction. Operand b has the member masks.
template <class F>
const Instruction* run_in_groups(const Instruction* in, Warp* warp, std::uint64_t (&values)[kLanes],
                                 F finish) {
  const auto* named = frame_row<const std::uint32_t>(warp, in->b);
  if (lanes_are_apart(warp, named_lanes(warp, named))) {
    const std::uint32_t arrived = exchange_with_other_branches(in, warp, named, values);
    if (arrived == 0) return run_other_lanes(warp);
    finish(Group{warp->active, named[__builtin_ctz(warp->active)] & arrived});
    return in + 1;
  }
  for (std::uint32_t lanes = warp->active; lanes != 0;) {
    const std::uint32_t members = named[__builtin_ctz(lanes)];
    const Group group{lanes_naming(warp, named, members), members & warp->active};
    finish(group);
    lanes &= ~group.lanes;
  }
  return in + 1;
}

void set_predicate(const Warp* warp, std::uint32_t offset, std::uint32_t lanes, bool value) {
  std::uint32_t& predicate = *frame_row<std::uint32_t>(warp, offset);
  predicate = value ? predicate | lanes : predicate & ~lanes;
}

void set_words(const Warp* warp, std::uint32_t offset, std::uint32_t lanes, std::uint32_t value) {
  auto* words = frame_row<std::uint32_t>(warp, offset);
  for_each_lane(lanes, [&](std::uint32_t lane) { words[lane] = value; });
}

// --- Votes
// --------------------------------------------------------------------------------------------------

/// a: predicates. Calls `finish(group, set)` with the members whose predicate is set.
template <class F>
const Instruction* run_vote(const Instruction* in, Warp* warp, F finish) {
  const std::uint32_t negated = (in->flags & kNegated) != 0 ? kAllLanes : 0;
  std::uint64_t values[kLanes];  // each lane's has the predicates of all lanes of its branch
  std::fill_n(values, kLanes, *frame_row<const std::uint32_t>(warp, in->a) ^ negated);
  return run_in_groups(in, warp, values, [&](const Group& group) {
    std::uint64_t set = 0;
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) set |= values[lane] & std::uint64_t{1} << lane;
    finish(group, static_cast<std::uint32_t>(set) & group.members);
  });
}

const Instruction* run_vote_all(const Instruction* in, Warp* warp) {
  return run_vote(in, warp, [&](const Group& group, std::uint32_t set) {
    set_predicate(warp, in->destination, group.lanes, set == group.members);
  });
}

const Instruction* run_vote_any(const Instruction* in, Warp* warp) {
  return run_vote(in, warp, [&](const Group& group, std::uint32_t set) {
    set_predicate(warp, in->destination, group.lanes, set != 0);
  });
}

const Instruction* run_vote_uni(const Instruction* in, Warp* warp) {
  return run_vote(in, warp, [&](const Group& group, std::uint32_t set) {
    set_predicate(warp, in->destination, group.lanes, set == 0 || set == group.members);
  });
}

const Instruction* run_vote_ballot(const Instruction* in, Warp* warp) {
  return run_vote(in, warp, [&](const Group& group, std::uint32_t set) {
    set_words(warp, in->destination, group.lanes, set);
  });
}

const Instruction* run_activemask(const Instruction* in, Warp* warp) {
  set_words(warp, in->destination, warp->active, warp->active);
  return in + 1;
}

// --- Matches and reductions
// ---------------------------------------------------------------------------------

template <class T>
void read_values(const Instruction* in, const Warp* warp, std::uint64_t (&values)[kLanes]) {
  std::copy_n(frame_row<const T>(warp, in->a), kLanes, values);
}

std::uint32_t lanes_with(const std::uint64_t (&values)[kLanes], std::uint32_t lanes, std::uint64_t value) {
  std::uint32_t same = 0;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    same |= static_cast<std::uint32_t>(values[lane] == value) << lane;
  }
  return same & lanes;
}

/// a: values
template <class T>
const Instruction* run_match_any(const Instruction* in, Warp* warp) {
  std::uint64_t values[kLanes];
  read_values<T>(in, warp, values);
  return run_in_groups(in, warp, values, [&](const Group& group) {
    auto* matches = frame_row<std::uint32_t>(warp, in->destination);
    for_each_lane(group.lanes, [&](std::uint32_t lane) {
      matches[lane] = lanes_with(values, group.members, values[lane]);
    });
  });
}

/// a: values; immediate: the predicate's place or -1
template <class T>
const Instruction* run_match_all(const Instruction* in, Warp* warp) {
  std::uint64_t values[kLanes];
  read_values<T>(in, warp, values);
  return run_in_groups(in, warp, values, [&](const Group& group) {
    const bool same = group.members != 0 && lanes_with(values, group.members,
                                                       values[__builtin_ctz(group.members)]) == group.members;
    set_words(warp, in->destination, group.lanes, same ? group.members : 0);
    if (in->immediate >= 0) set_predicate(warp, static_cast<std::uint32_t>(in->immediate), group.lanes, same);
  });
}

std::uint32_t reduced(AtomicOperation operation, bool is_signed, std::uint32_t a, std::uint32_t b) {
  const bool less = is_signed ? static_cast<std::int32_t>(a) < static_cast<std::int32_t>(b) : a < b;
  switch (operation) {
    case AtomicOperation::add:
      return a + b;
    case AtomicOperation::min:
      return less ? a : b;
    case AtomicOperation::max:
      return less ? b : a;
    case AtomicOperation::bit_and:
      return a & b;
    case AtomicOperation::bit_or:
      return a | b;
    default:
      return a ^ b;  // the decoder makes no others
  }
}

/// a: values; c: the AtomicOperation; d: not 0 for signed values
const Instruction* run_redux(const Instruction* in, Warp* warp) {
  std::uint64_t values[kLanes];
  read_values<std::uint32_t>(in, warp, values);
  return run_in_groups(in, warp, values, [&](const Group& group) {
    if (group.members == 0) return;
    auto result = static_cast<std::uint32_t>(values[__builtin_ctz(group.members)]);
    for_each_lane(group.members & (group.members - 1), [&](std::uint32_t lane) {
      result = reduced(static_cast<AtomicOperation>(in->c), in->d != 0, result,
                       static_cast<std::uint32_t>(values[lane]));
    });
    set_words(warp, in->destination, group.lanes, result);
  });
}

}  // namespace

void add_vote_handlers(Handler* table) {
  const auto add = [table](Operation operation, Handler handler) {
    table[static_cast<std::uint16_t>(operation)] = handler;
  };
  add(Operation::vote_all, run_vote_all);
  add(Operation::vote_any, run_vote_any);
  add(Operation::vote_uni, run_vote_uni);
  add(Operation::vote_ballot, run_vote_ballot);
  add(Operation::activemask, run_activemask);
  add(Operation::match_any_32, run_match_any<std::uint32_t>);
  add(Operation::match_any_64, run_match_any<std::uint64_t>);
  add(Operation::match_all_32, run_match_all<std::uint32_t>);
  add(Operation::match_all_64, run_match_all<std::uint64_t>);
  add(Operation::redux, run_redux);
}

}  // namespace vgpu::software
