// Races in shared memory: two threads of a block touch a byte, one of them writes, and nothing orders the
// two.
//
// Each byte of shared memory remembers its last write and two reads, in the manner of C. Flanagan and S.
// Freund, "FastTrack: Efficient and Precise Dynamic Race Detection", PLDI 2009.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "checker/finding_log.h"
#include "checker/thread_clocks.h"

namespace vgpu::software::checker {

/// Of one thread that runs blocks.
class RaceCheck {
 public:
  explicit RaceCheck(FindingLog& log) : log_(log) {}

  void block_begins(const Block& block);
  void accesses(const MemoryAccess& access);
  void arrives(const BarrierArrival& arrival);
  void barrier_completes(const Block& block, std::uint32_t number);
  void lanes_meet(const ScheduledWarp& warp, LaneMask members) { clocks_.meet_lanes(warp.number, members); }

 private:
  struct Mark {
    Time time = 0;  // 0: none
    std::uint32_t instruction = 0;
    std::uint16_t thread = 0;
    bool strong = false;
  };
  struct Byte {
    Mark write;
    std::array<Mark, 2> reads;
    std::uint8_t value = 0;  // that the write left
    bool known = false;      // `value` is
  };
  struct Lane {
    std::uint32_t number;
    Mark mark;
    const std::byte* stored;  // what a plain store writes, or nullptr
  };

  void check_lane(const MemoryAccess& access, const Lane& lane);
  /// False when a race was reported.
  bool check_byte(const MemoryAccess& access, const Lane& lane, Byte& byte, std::uint32_t index);
  bool collides(const Mark& mark, const Mark& earlier) const;
  void note_read(Byte& byte, const Mark& mark) const;
  void synchronise_by(const MemoryAccess& access);
  void report(const char* kind, const MemoryAccess& access, const Lane& lane, const Mark& earlier,
              std::uint32_t byte) const;

  FindingLog& log_;
  ThreadClocks clocks_;
  std::vector<Byte> bytes_;
  std::array<Clock, 16> arrivals_;  // at barriers, of those that do not wait
};

}  // namespace vgpu::software::checker
