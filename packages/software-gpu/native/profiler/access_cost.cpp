#include "profiler/access_cost.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace vgpu::software::profiler {
namespace {

constexpr std::uint64_t kSectorBytes = 32;
constexpr std::uint64_t kWordBytes = 4;
constexpr std::uint32_t kBanks = 32;

/// Where a word of a thread's local memory lies among those of the warp, in words.
std::uint64_t interleaved(std::uint64_t word, std::uint32_t lane) {
  return word * kLanes + lane;
}

template <class F>
void for_each_lane(LaneMask lanes, F action) {
  for (; lanes != 0; lanes &= lanes - 1) action(static_cast<std::uint32_t>(__builtin_ctz(lanes)));
}

/// Words or sectors of one access. Of a fixed size, because there is one for every access of the program.
class Numbers {
 public:
  void add(std::uint64_t number) {
    if (size_ != 0 && numbers_[size_ - 1] == number) return;
    numbers_.at(size_++) = number;
  }

  /// Leaves each number once.
  std::span<const std::uint64_t> distinct() {
    const auto begin = numbers_.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(size_);
    // Most accesses are in order already.
    if (!std::is_sorted(begin, end)) std::sort(begin, end);
    size_ = static_cast<std::size_t>(std::unique(begin, end) - begin);
    return {numbers_.data(), size_};
  }

 private:
  static constexpr std::size_t kLargestAccess = 32;  // bytes of a lane
  std::array<std::uint64_t, kLanes*(kLargestAccess / kWordBytes + 1)> numbers_;
  std::size_t size_ = 0;
};

/// Passes that these lanes need together.
std::uint32_t passes_of(const MemoryAccess& access, LaneMask lanes) {
  Numbers words;
  for_each_lane(lanes, [&](std::uint32_t lane) {
    const std::uint64_t address = access.addresses[lane];
    const std::uint64_t last = (address + access.bytes - 1) / kWordBytes;
    for (std::uint64_t word = address / kWordBytes; word <= last; ++word) words.add(word);
  });
  std::array<std::uint32_t, kBanks> used{};
  for (const std::uint64_t word : words.distinct()) ++used[word % kBanks];
  return *std::max_element(used.begin(), used.end());
}

}  // namespace

std::uint32_t sectors_of(const MemoryAccess& access) {
  Numbers sectors;
  for_each_lane(access.lanes, [&](std::uint32_t lane) {
    const std::uint64_t begin = access.addresses[lane];
    const std::uint64_t last = begin + access.bytes - 1;
    if (access.space == Space::local) {
      for (std::uint64_t word = begin / kWordBytes; word <= last / kWordBytes; ++word) {
        sectors.add(interleaved(word, lane) * kWordBytes / kSectorBytes);
      }
    } else {
      for (std::uint64_t sector = begin / kSectorBytes; sector <= last / kSectorBytes; ++sector) {
        sectors.add(sector);
      }
    }
  });
  return static_cast<std::uint32_t>(sectors.distinct().size());
}

BankPasses bank_passes_of(const MemoryAccess& access) {
  const std::uint32_t lanes_at_once =
      std::clamp(kBanks * static_cast<std::uint32_t>(kWordBytes) / access.bytes, 1U, kLanes);
  BankPasses result;
  for (std::uint32_t first = 0; first < kLanes; first += lanes_at_once) {
    const LaneMask part = (kAllLanes >> (kLanes - lanes_at_once)) << first;
    if ((access.lanes & part) == 0) continue;
    const std::uint32_t passes = passes_of(access, access.lanes & part);
    result.passes += passes;
    result.conflicts += passes - 1;
  }
  return result;
}

}  // namespace vgpu::software::profiler
