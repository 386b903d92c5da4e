#include "checker/allocations.h"

#include <cstdio>
#include <iterator>

#include "text.h"

namespace vgpu::software::checker {
namespace {

/// What is farther away than this is not near.
constexpr std::uint64_t kFarthest = std::uint64_t{1} << 30;

/// The last entry that begins at or before the address.
template <class Map>
typename Map::const_iterator at_or_before(const Map& map, DeviceAddress address) {
  const auto after = map.upper_bound(address);
  return after == map.begin() ? map.end() : std::prev(after);
}

}  // namespace

void Allocations::add(DeviceAddress base, std::size_t bytes, bool initialized) {
  auto overlapped = freed_.upper_bound(base);
  if (overlapped != freed_.begin()) {
    if (const auto before = std::prev(overlapped); before->first + before->second.bytes > base) {
      overlapped = before;
    }
  }
  while (overlapped != freed_.end() && overlapped->first < base + bytes)
    overlapped = freed_.erase(overlapped);
  live_[base] = {bytes, initialized};
}

bool Allocations::remove(DeviceAddress base, const std::string& when) {
  const auto found = live_.find(base);
  if (found == live_.end()) return false;
  freed_[base] = {found->second.bytes, when};
  live_.erase(found);
  return true;
}

std::optional<Allocations::Range> Allocations::find(DeviceAddress address) const {
  const auto found = at_or_before(live_, address);
  if (found == live_.end() || address - found->first >= found->second.bytes) return std::nullopt;
  return Range{found->first, found->first + found->second.bytes, found->second.initialized};
}

bool Allocations::any_in(DeviceAddress begin, DeviceAddress end) const {
  const auto first = live_.lower_bound(begin);
  return first != live_.end() && first->first < end;
}

const std::string* Allocations::freed_at(DeviceAddress base) const {
  const auto found = freed_.find(base);
  return found == freed_.end() ? nullptr : &found->second.when;
}

std::optional<FindingAllocation> Allocations::explain(DeviceAddress address, std::uint32_t bytes) const {
  if (const auto freed = at_or_before(freed_, address);
      freed != freed_.end() && address - freed->first < freed->second.bytes) {
    return FindingAllocation{.base = freed->first,
                             .bytes = freed->second.bytes,
                             .position = "inside",
                             .distance = address - freed->first,
                             .freed = freed->second.when};
  }
  std::optional<FindingAllocation> nearest;
  const auto before = at_or_before(live_, address);
  if (before != live_.end()) {
    const DeviceAddress end = before->first + before->second.bytes;
    nearest = FindingAllocation{before->first, before->second.bytes, "after", 0, {}};
    if (address < end) {
      nearest->position = "inside";
      nearest->distance = address - before->first;
      return nearest;
    }
    nearest->distance = address - end;
  }
  const auto after = live_.upper_bound(address);
  if (after != live_.end() && (!nearest || after->first - address < nearest->distance)) {
    const std::uint64_t gap = after->first - address;
    nearest =
        FindingAllocation{after->first, after->second.bytes, "before", gap < bytes ? 0 : gap - bytes, {}};
  }
  // A null pointer, say, has nothing to do with any allocation.
  if (nearest && nearest->distance > kFarthest) return std::nullopt;
  return nearest;
}

std::string describe(const FindingAllocation& allocation) {
  const std::string what =
      "the allocation of " + std::to_string(allocation.bytes) + " bytes at " + hexadecimal(allocation.base);
  const std::string distance =
      allocation.distance == 0 ? "right " : std::to_string(allocation.distance) + " bytes ";
  if (allocation.position == "before") return distance + "before " + what;
  if (allocation.position == "after") return distance + "behind " + what;
  const std::string inside = std::to_string(allocation.distance) + " bytes into " + what;
  return allocation.freed.empty() ? inside : inside + ", which was freed " + allocation.freed;
}

}  // namespace vgpu::software::checker
