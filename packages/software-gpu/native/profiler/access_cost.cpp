#include "profiler/access_cost.h"

#include <algorithm>
#include <array>
#include <vector>

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

std::uint32_t count_distinct(std::vector<std::uint64_t>& numbers) {
  // Most accesses are in order already.
  if (!std::is_sorted(numbers.begin(), numbers.end())) std::sort(numbers.begin(), numbers.end());
  return static_cast<std::uint32_t>(std::unique(numbers.begin(), numbers.end()) - numbers.begin());
}

/// Passes that these lanes need together.
std::uint32_t passes_of(const MemoryAccess& access, LaneMask lanes) {
  std::vector<std::uint64_t> words;
  words.reserve(kLanes);
  for_each_lane(lanes, [&](std::uint32_t lane) {
    const std::uint64_t address = access.addresses[lane];
    const std::uint64_t last = (address + access.bytes - 1) / kWordBytes;
    for (std::uint64_t word = address / kWordBytes; word <= last; ++word) words.push_back(word);
  });
  words.resize(count_distinct(words));
  std::array<std::uint32_t, kBanks> used{};
  for (const std::uint64_t word : words) ++used[word % kBanks];
  return *std::max_element(used.begin(), used.end());
}

}  // namespace

std::uint32_t sectors_of(const MemoryAccess& access) {
  std::vector<std::uint64_t> sectors;
  sectors.reserve(kLanes);
  for_each_lane(access.lanes, [&](std::uint32_t lane) {
    const std::uint64_t begin = access.addresses[lane];
    const std::uint64_t last = begin + access.bytes - 1;
    if (access.space == Space::local) {
      for (std::uint64_t word = begin / kWordBytes; word <= last / kWordBytes; ++word) {
        sectors.push_back(interleaved(word, lane) * kWordBytes / kSectorBytes);
      }
    } else {
      for (std::uint64_t sector = begin / kSectorBytes; sector <= last / kSectorBytes; ++sector) {
        if (sectors.empty() || sectors.back() != sector) sectors.push_back(sector);
      }
    }
  });
  return count_distinct(sectors);
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
