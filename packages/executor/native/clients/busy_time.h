// How long a client's kernels ran: in all, and in the last second.
//
// The client's worker writes, others read, without a lock. Times are nanoseconds of the monotonic clock,
// which all processes of the machine share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace vgpu::executor {

std::uint64_t monotonic_nanoseconds();

class BusyTime {
 public:
  void begin(std::uint64_t now) { since_.store(now); }
  void end(std::uint64_t now);

  /// With the kernel that runs now. Who reads while a kernel ends may miss that one.
  [[nodiscard]] std::uint64_t total(std::uint64_t now) const;
  /// Of the ten tenths of a second before the one that has begun.
  [[nodiscard]] std::uint64_t in_last_second(std::uint64_t now) const;
  void clear();

 private:
  /// More than the last second, so that nobody reads what is being replaced.
  static constexpr std::size_t kSlots = 16;
  struct Slot {
    std::atomic<std::uint64_t> tenth{0};  // since the clock's beginning
    std::atomic<std::uint64_t> busy{0};
  };

  std::atomic<std::uint64_t> since_{0};  // 0: no kernel runs
  std::atomic<std::uint64_t> ended_{0};
  std::array<Slot, kSlots> slots_;
};

/// Whole percent, rounded; 100 for more than a second, which several clients at once may have.
unsigned percent_of_second(std::uint64_t nanoseconds);

}  // namespace vgpu::executor
