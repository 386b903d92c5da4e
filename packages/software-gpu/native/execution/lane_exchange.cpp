// Instructions that involve lanes of the warp which are in different branches at the moment: the lanes wait
// for each other and exchange their values.
#include <algorithm>

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
  warp->meetings[index] = Meeting{members, 0, 0, {}};
  return index;
}

}  // namespace

bool lanes_are_apart(const Warp* warp, std::uint32_t members) {
  return warp->released || (members & warp->live & ~warp->active) != 0;
}

bool exchange_with_other_branches(const Instruction* in, Warp* base, std::uint32_t members,
                                  std::uint64_t values[kLanes]) {
  ScheduledWarp* warp = scheduled(base);
  Split& split = warp->splits[static_cast<std::size_t>(warp->current)];
  if (warp->released) {
    Meeting& meeting = warp->meetings[split.meeting];
    std::ranges::copy(meeting.values, values);
    if (--meeting.splits == 0) meeting = Meeting{};
    warp->released = false;
    split.released = false;
    return true;
  }
  const std::size_t index = find_meeting(warp, members);
  Meeting& meeting = warp->meetings[index];
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    if ((warp->active >> lane & 1) != 0) meeting.values[lane] = values[lane];
  }
  meeting.arrived |= warp->active;
  if (is_complete(warp, meeting)) {
    std::ranges::copy(meeting.values, values);
    complete(warp, index);
    return true;
  }
  split.state = Split::State::waiting_for_lanes;
  split.meeting = index;
  split.next = in;
  count_instructions(warp, in - 1, in);
  return false;
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
