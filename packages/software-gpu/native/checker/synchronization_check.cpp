#include "checker/synchronization_check.h"

#include <set>

namespace vgpu::software::checker {
namespace {

LaneMask lanes_of_block(const ScheduledWarp& warp) {
  const std::uint32_t threads = std::min(warp.block->threads - warp.number * kLanes, kLanes);
  return kAllLanes >> (kLanes - threads);
}

bool waits_at(const Split& split, std::uint32_t number) {
  return split.state == Split::State::waiting_at_barrier && split.barrier == number;
}

std::string count_of(std::uint32_t threads) {
  return threads == 0 ? "all threads of the block" : std::to_string(threads) + " threads";
}

std::string line_of(const DecodedKernel& kernel, const Instruction& instruction) {
  const CodePlace place = code_place(kernel, instruction);
  if (place.source_file.empty()) return "PTX line " + std::to_string(place.ptx_line);
  const bool inlined = !place.caller_file.empty();
  return std::string(inlined ? place.caller_file : place.source_file) + ":" +
         std::to_string(inlined ? place.caller_line : place.source_line);
}

std::uint32_t count(LaneMask lanes) {
  return static_cast<std::uint32_t>(__builtin_popcount(lanes));
}

}  // namespace

void SynchronizationCheck::arrives(const BarrierArrival& arrival) {
  if (arrival.number >= expected_.size()) return;  // an error of its own
  if (arrival.expected % kLanes != 0) {
    report("barrier-thread-count", arrival.warp, arrival.instruction, arrival.lanes,
           "barrier " + std::to_string(arrival.number) + " for " + std::to_string(arrival.expected) +
               " threads, which is not a multiple of the warp's 32");
  }
  auto& expected = expected_[arrival.number];
  if (expected && *expected != arrival.expected) {
    report("barrier-mismatch", arrival.warp, arrival.instruction, arrival.lanes,
           "barrier " + std::to_string(arrival.number) + " for " + count_of(arrival.expected) +
               ", where others wait at it for " + count_of(*expected));
  }
  expected = arrival.expected;
}

/// Lanes of a warp must come to an aligned barrier by one instruction.
void SynchronizationCheck::barrier_completes(const Block& block, std::uint32_t number) {
  expected_[number].reset();
  for (const ScheduledWarp& warp : block.warps) {
    const Split* first = nullptr;
    for (const Split& split : warp.splits) {
      if (!waits_at(split, number) || (split.next->flags & kUnalignedBarrier) != 0) continue;
      if (first == nullptr) {
        first = &split;
      } else if (split.next != first->next) {
        report("divergent-barrier", warp, *split.next, split.mask & warp.live,
               std::to_string(count(split.mask & warp.live)) + " threads of a warp wait here at barrier " +
                   std::to_string(number) + ", others of the same warp at " +
                   line_of(*block.launch->kernel, *first->next),
               first->next);
      }
    }
  }
}

void SynchronizationCheck::arrives_for_exchange(const ScheduledWarp& warp, const Instruction& instruction,
                                                LaneMask lanes, LaneMask members) {
  if (const LaneMask outside = lanes & ~members; outside != 0) {
    report("mask-without-caller", warp, instruction, outside,
           "the mask of this operation does not name the thread that executes it");
  }
  report_exited(warp, instruction, lanes, members & lanes_of_block(warp) & ~warp.live);
}

/// Lanes may have exited while others waited for them.
void SynchronizationCheck::lanes_meet(const ScheduledWarp& warp, LaneMask arrived) {
  for (const Split& split : warp.splits) {
    if (split.state != Split::State::waiting_for_lanes) continue;
    const Meeting& meeting = warp.meetings[split.meeting];
    const LaneMask missing = meeting.awaited & ~meeting.arrived;
    const bool meets = meeting.arrived == arrived && (missing & warp.live) == 0;
    if (meets) report_exited(warp, *split.next, split.mask & warp.live, missing);
  }
}

void SynchronizationCheck::report_exited(const ScheduledWarp& warp, const Instruction& instruction,
                                         LaneMask lanes, LaneMask exited) {
  if (exited == 0) return;
  report("mask-names-exited-thread", warp, instruction, lanes,
         "the mask of this operation names " + std::to_string(count(exited)) +
             " threads of the warp that have exited");
}

void SynchronizationCheck::block_hangs(const Block& block) {
  bool found = false;
  for (const ScheduledWarp& warp : block.warps) {
    for (const Split& split : warp.splits) {
      if (split.state == Split::State::waiting_at_barrier && !found) {
        report_hanging_barrier(block, warp, split);
        found = true;  // it tells where all the others are
      }
      if (split.state == Split::State::waiting_for_lanes) {
        const Meeting& meeting = warp.meetings[split.meeting];
        report("lanes-not-reached", warp, *split.next, split.mask & warp.live,
               "threads of the warp wait here for " +
                   std::to_string(count(meeting.members & warp.live & ~meeting.arrived)) +
                   " others, which never come");
      }
    }
  }
}

void SynchronizationCheck::report_hanging_barrier(const Block& block, const ScheduledWarp& warp,
                                                  const Split& split) {
  std::uint32_t here = 0;
  std::uint32_t elsewhere = 0;
  std::set<std::string> places;
  for (const ScheduledWarp& other : block.warps) {
    for (const Split& waiting : other.splits) {
      const LaneMask lanes = waiting.mask & other.live;
      if (waits_at(waiting, split.barrier) && waiting.next == split.next) {
        here += count(lanes);
      } else if (waiting.state == Split::State::waiting_at_barrier ||
                 waiting.state == Split::State::waiting_for_lanes) {
        elsewhere += count(lanes);
        places.insert(line_of(*block.launch->kernel, *waiting.next));
      }
    }
  }
  std::string message = "barrier " + std::to_string(split.barrier) +
                        " is never complete: " + std::to_string(here) + " of the block's " +
                        std::to_string(block.threads) + " threads wait here";
  if (elsewhere != 0) {
    message += ", " + std::to_string(elsewhere) + " at";
    for (const std::string& place : places) message += " " + place;
  }
  if (const std::uint32_t exited = block.threads - block.live_threads; exited != 0) {
    message += ", " + std::to_string(exited) + " have exited";
  }
  report("barrier-not-reached", warp, *split.next, split.mask & warp.live, message);
}

void SynchronizationCheck::report(const char* kind, const ScheduledWarp& warp, const Instruction& instruction,
                                  LaneMask lanes, const std::string& message, const Instruction* other) {
  log_.add(kind, warp, instruction, other, [&] {
    Finding finding;
    finding.check = "sync";
    finding.kind = kind;
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    finding.place = place_of(warp, instruction, lane);
    if (other != nullptr) finding.other = place_of(warp, *other, lane);
    finding.message = message;
    return finding;
  });
}

}  // namespace vgpu::software::checker
