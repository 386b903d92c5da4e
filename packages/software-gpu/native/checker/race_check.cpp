#include "checker/race_check.h"

#include <algorithm>

#include "checker/allocations.h"
#include "text.h"

namespace vgpu::software::checker {
namespace {

constexpr std::uint32_t kMostBytes = 16;  // of a lane's store

const char* verb(AccessKind kind) {
  switch (kind) {
    case AccessKind::load:
      return "load";
    case AccessKind::store:
      return "store";
    case AccessKind::atomic:
      return "atomic operation";
  }
  __builtin_unreachable();
}

}  // namespace

void RaceCheck::block_begins(const Block& block) {
  if (bytes_.size() < block.shared_bytes) bytes_.resize(block.shared_bytes);
  if (clocks_.start(block.threads)) std::ranges::fill(bytes_, Byte{});
  arrivals_ = {};
}

void RaceCheck::accesses(const MemoryAccess& access) {
  if (access.space != Space::shared) return;
  const std::uint32_t instruction = instruction_index(*access.warp.block->launch->kernel, access.instruction);
  std::byte stored[kMostBytes];
  for (LaneMask rest = access.lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(rest));
    const bool known = access.bytes <= kMostBytes && stored_bytes(access, lane, stored);
    const auto thread = static_cast<std::uint16_t>(access.warp.number * kLanes + lane);
    check_lane(access, {lane, {clocks_.now(), instruction, thread, access.strong}, known ? stored : nullptr});
  }
  if (access.strong) synchronise_by(access);
}

void RaceCheck::check_lane(const MemoryAccess& access, const Lane& lane) {
  const std::uint64_t address = access.addresses[lane.number];
  bool fine = true;
  for (std::uint32_t i = 0; i < access.bytes; ++i) {
    Byte& byte = bytes_[address + i];
    if (fine) fine = check_byte(access, lane, byte, i);
    if (access.kind != AccessKind::store) note_read(byte, lane.mark);
    if (access.kind == AccessKind::load) continue;
    byte.write = lane.mark;
    byte.known = lane.stored != nullptr;
    if (byte.known) byte.value = std::to_integer<std::uint8_t>(lane.stored[i]);
    // Who races with these reads later on races with this write, too.
    if (access.kind == AccessKind::store) byte.reads = {};
  }
}

bool RaceCheck::check_byte(const MemoryAccess& access, const Lane& lane, Byte& byte, std::uint32_t index) {
  const bool writes = access.kind != AccessKind::load;
  if (collides(lane.mark, byte.write)) {
    const bool same_value = lane.stored != nullptr && byte.known &&
                            byte.value == std::to_integer<std::uint8_t>(lane.stored[index]);
    if (!same_value) {
      report(writes ? "write-after-write" : "read-after-write", access, lane, byte.write, index);
      return false;
    }
  }
  if (!writes) return true;
  for (const Mark& read : byte.reads) {
    if (!collides(lane.mark, read)) continue;
    report("write-after-read", access, lane, read, index);
    return false;
  }
  return true;
}

bool RaceCheck::collides(const Mark& mark, const Mark& earlier) const {
  if (earlier.time == 0 || (mark.strong && earlier.strong)) return false;
  return !clocks_.has_seen(mark.thread, earlier.thread, earlier.time);
}

/// Of reads that nothing orders two are kept, of different warps where there are such: a later write that
/// races with any of the reads nearly always races with one of these.
void RaceCheck::note_read(Byte& byte, const Mark& mark) const {
  for (Mark& read : byte.reads) {
    if (read.time == 0 || clocks_.has_seen(mark.thread, read.thread, read.time)) {
      read = mark;
      return;
    }
  }
  if (byte.reads[0].thread / kLanes == byte.reads[1].thread / kLanes) byte.reads[1] = mark;
}

/// Threads that meet at a place by atomic or volatile accesses, such as a lock or a flag, are taken to do so
/// with the fences that this needs.
void RaceCheck::synchronise_by(const MemoryAccess& access) {
  for (LaneMask rest = access.lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(rest));
    const std::uint32_t thread = access.warp.number * kLanes + lane;
    Clock& clock = clocks_.clock_at(access.addresses[lane]);
    if (access.kind != AccessKind::store) clocks_.acquire(clock, thread);
    if (access.kind != AccessKind::load) clocks_.release(clock, thread);
  }
}

void RaceCheck::arrives(const BarrierArrival& arrival) {
  if (arrival.waits || arrival.number >= arrivals_.size()) return;
  for (LaneMask rest = arrival.lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(rest));
    clocks_.release(arrivals_[arrival.number], arrival.warp.number * kLanes + lane);
  }
}

void RaceCheck::barrier_completes(const Block& block, std::uint32_t number) {
  std::vector<std::uint32_t> waiting;
  for (const ScheduledWarp& warp : block.warps) {
    for (const Split& split : warp.splits) {
      if (split.state != Split::State::waiting_at_barrier || split.barrier != number) continue;
      for (LaneMask rest = split.mask & warp.live; rest != 0; rest &= rest - 1) {
        waiting.push_back(warp.number * kLanes + static_cast<std::uint32_t>(__builtin_ctz(rest)));
      }
    }
  }
  Clock& arrived = arrivals_[number];
  if (arrived.threads.empty() && waiting.size() == block.live_threads) {
    clocks_.meet_all();
  } else {
    clocks_.meet(waiting, arrived);
  }
  arrived = {};
}

void RaceCheck::report(const char* kind, const MemoryAccess& access, const Lane& lane, const Mark& earlier,
                       std::uint32_t byte) const {
  const DecodedKernel& kernel = *access.warp.block->launch->kernel;
  const Instruction& other = kernel.code[earlier.instruction];
  log_.add(kind, access.warp, access.instruction, &other, [&] {
    const ScheduledWarp& warp = access.warp.block->warps[earlier.thread / kLanes];
    Finding finding;
    finding.check = "race";
    finding.kind = kind;
    finding.place = place_of(access.warp, access.instruction, lane.number);
    finding.other = place_of(warp, other, earlier.thread % kLanes);
    finding.access = describe_access(access, lane.number);
    finding.message = std::to_string(access.bytes) + "-byte " + verb(access.kind) + " at " +
                      hexadecimal(access.addresses[lane.number] + byte) +
                      " of shared memory races with an earlier " +
                      (std::string_view(kind) == "write-after-read" ? "read" : "write") +
                      " by another thread; no barrier lies between them";
    return finding;
  });
}

}  // namespace vgpu::software::checker
