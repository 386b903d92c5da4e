// Instructions that involve lanes of the warp which are in different branches at the moment: the lanes wait
// for each other and exchange their values.
#include <algorithm>
#include <array>
#include <string>

#include "execution/block.h"
#include "execution/observer.h"

namespace vgpu::software {
namespace {

void complete(ScheduledWarp* warp, std::size_t index) {
  Meeting& meeting = warp->meetings[index];
  if (warp->block->observer != nullptr) warp->block->observer->lanes_meet(*warp, meeting.arrived);
  meeting.splits = 0;
  for (Split& split : warp->splits) {
    if (split.state != Split::State::waiting_for_lanes || split.meeting != index) continue;
    split.state = Split::State::runnable;
    split.released = true;
    ++meeting.splits;
  }
  if (meeting.splits == 0) meeting = Meeting{};
}

bool is_complete(const ScheduledWarp* warp, const Meeting& meeting) {
  return (meeting.members & warp->live & ~meeting.arrived) == 0;
}

/// The meeting of exactly these lanes that is still waiting for some, or a new one.
std::size_t find_meeting(ScheduledWarp* warp, std::uint32_t members) {
  for (std::size_t i = 0; i < warp->meetings.size(); ++i) {
    if (warp->meetings[i].members == members && warp->meetings[i].splits == 0) return i;
  }
  const auto unused = std::ranges::find(warp->meetings, 0U, &Meeting::members);
  const auto index = static_cast<std::size_t>(unused - warp->meetings.begin());
  if (unused == warp->meetings.end()) warp->meetings.emplace_back();
  warp->meetings[index] = Meeting{.members = members, .awaited = members & warp->live};
  return index;
}

/// The active lanes name different members, some of whom are in other branches: each group that has to wait
/// becomes a split of its own, those that need not stay together. All come to this instruction again.
void part_lanes(const Instruction* in, ScheduledWarp* warp, const std::uint32_t* named) {
  std::array<std::uint32_t, kLanes> parts{};
  std::size_t count = 0;
  std::uint32_t complete = 0;
  for (std::uint32_t lanes = warp->active; lanes != 0;) {
    const std::uint32_t members = named[__builtin_ctz(lanes)];
    const std::uint32_t group = lanes_naming(warp, named, members);
    if (lanes_are_apart(warp, members)) {
      parts[count++] = group;
    } else {
      complete |= group;
    }
    lanes &= ~group;
  }
  if (complete != 0) parts[count++] = complete;
  count_instructions(warp, in - 1, in);
  const auto current = static_cast<std::size_t>(warp->current);
  Split part = warp->splits[current];
  part.next = in;
  part.mask = parts[0];
  warp->splits[current] = part;
  for (std::size_t i = 1; i < count; ++i) {
    part.mask = parts[i];
    if (part.parent >= 0) ++warp->splits[static_cast<std::size_t>(part.parent)].children;
    add_split(warp, part);
  }
}

}  // namespace

bool lanes_are_apart(const Warp* warp, std::uint32_t members) {
  return warp->released || (members & warp->live & ~warp->active) != 0;
}

std::uint32_t named_lanes(const Warp* warp, const std::uint32_t* named) {
  std::uint32_t lanes = 0;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    lanes |= named[lane] & static_cast<std::uint32_t>(warp->lane_words[lane]);
  }
  return lanes;
}

std::uint32_t lanes_naming(const Warp* warp, const std::uint32_t* named, std::uint32_t members) {
  std::uint32_t differences = 0;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    differences |= (named[lane] ^ members) & static_cast<std::uint32_t>(warp->lane_words[lane]);
  }
  if (differences == 0) return warp->active;
  std::uint32_t lanes = 0;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    lanes |= static_cast<std::uint32_t>(named[lane] == members) << lane;
  }
  return lanes & warp->active;
}

bool lanes_must_part(const Warp* warp, const std::uint32_t* named) {
  return !warp->released && lanes_are_apart(warp, named_lanes(warp, named)) &&
         lanes_naming(warp, named, named[__builtin_ctz(warp->active)]) != warp->active;
}

std::uint32_t exchange_with_other_branches(const Instruction* in, Warp* base, const std::uint32_t* named,
                                           std::uint64_t values[kLanes]) {
  ScheduledWarp* warp = scheduled(base);
  if (lanes_must_part(warp, named)) {
    part_lanes(in, warp, named);
    return 0;
  }
  Split& split = warp->splits[static_cast<std::size_t>(warp->current)];
  if (warp->released) {
    Meeting& meeting = warp->meetings[split.meeting];
    std::ranges::copy(meeting.values, values);
    const std::uint32_t arrived = meeting.arrived;
    if (--meeting.splits == 0) meeting = Meeting{};
    warp->released = false;
    split.released = false;
    return arrived;
  }
  const std::uint32_t members = named[__builtin_ctz(warp->active)];
  const std::size_t index = find_meeting(warp, members);
  Meeting& meeting = warp->meetings[index];
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    if ((warp->active >> lane & 1) != 0) meeting.values[lane] = values[lane];
  }
  meeting.arrived |= warp->active;
  if (is_complete(warp, meeting)) {
    std::ranges::copy(meeting.values, values);
    const std::uint32_t arrived = meeting.arrived;
    complete(warp, index);
    return arrived;
  }
  split.state = Split::State::waiting_for_lanes;
  split.meeting = index;
  split.next = in;
  count_instructions(warp, in - 1, in);
  return 0;
}

const Instruction* wait_for_whole_warp(const Instruction* in, Warp* base) {
  ScheduledWarp* warp = scheduled(base);
  count_instructions(warp, in - 1, in);
  Split& split = warp->splits[static_cast<std::size_t>(warp->current)];
  split.mask &= warp->live;
  for (Split& other : warp->splits) {
    // Lanes that stopped waiting for each other at a join are children of one split, as they were before.
    const bool waits_here = other.state == Split::State::waiting_for_warp && other.next == in &&
                            other.frame == split.frame && other.parent == split.parent;
    if (!waits_here) continue;
    other.mask |= split.mask;
    if (other.mask == warp->live) other.state = Split::State::runnable;
    return finish_current_split(warp);
  }
  split.state = Split::State::waiting_for_warp;
  split.next = in;
  return run_next_split(warp);
}

void fail_where_warp_is_awaited(const ScheduledWarp& warp) {
  for (const Split& split : warp.splits) {
    if (split.state != Split::State::waiting_for_warp) continue;
    fail(Status::illegal_instruction, split.next, &warp,
         static_cast<std::uint32_t>(__builtin_ctz(split.mask)),
         "an instruction on matrices is executed by " + std::to_string(__builtin_popcount(split.mask)) +
             " of the warp's " + std::to_string(__builtin_popcount(warp.live)) +
             " threads; it takes all of them");
  }
}

const Instruction* run_other_lanes(Warp* warp) {
  return run_next_split(scheduled(warp));
}

void release_meetings(ScheduledWarp* warp) {
  for (std::size_t i = 0; i < warp->meetings.size(); ++i) {
    const Meeting& meeting = warp->meetings[i];
    if (meeting.members != 0 && meeting.splits == 0 && is_complete(warp, meeting)) complete(warp, i);
  }
}

}  // namespace vgpu::software
