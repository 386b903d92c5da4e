// shfl.sync: each lane reads a register of another lane.
#include <cstring>
#include <type_traits>

#include "execution/vector/families.h"
#include "execution/vector/rows.h"

namespace vgpu::software::VGPU_VECTOR_PATH {
namespace {

enum class Direction { up, down, butterfly, index };

/// PTX: bits 0-4 of c bound the source lane, bits 8-12 cut the warp into segments of equal size.
template <Direction kDirection>
struct Shuffle {
  template <bool kMasked>
  static const Instruction* run(const Instruction* in, Warp* warp) {
    const u32* values = row<const u32>(warp, in->a);
    const u32* distances = row<const u32>(warp, in->b);
    const u32* bounds = row<const u32>(warp, in->c);
    u32 exchanged[kLanes];
    if constexpr (kMasked) {
      const u32* named = row<const u32>(warp, in->d);
      if (lanes_are_apart(warp, named_lanes(warp, named))) [[unlikely]] {
        u64 wide[kLanes];
        for (u32 lane = 0; lane < kLanes; ++lane) wide[lane] = values[lane];
        if (exchange_with_other_branches(in, warp, named, wide) == 0) return run_other_lanes(warp);
        for (u32 lane = 0; lane < kLanes; ++lane) exchanged[lane] = static_cast<u32>(wide[lane]);
        values = exchanged;
      }
    }
    u32 results[kLanes];
    if (all_lanes_alike(distances, bounds)) {
      const u32 inside = exchange_whole_warp(values, distances[0] & 31, results);
      for_lanes<kMasked>(warp, row<u32>(warp, in->destination), [&](u32 lane) { return results[lane]; });
      if (in->immediate >= 0) set_predicate<kMasked>(warp, static_cast<u32>(in->immediate), inside);
      return in + 1;
    }
    s32 in_range[kLanes];
    for (u32 lane = 0; lane < kLanes; ++lane) {
      const s32 distance = static_cast<s32>(distances[lane] & 0x1f);
      const s32 bound = static_cast<s32>(bounds[lane] & 0x1f);
      const s32 segment = static_cast<s32>(bounds[lane] >> 8 & 0x1f);
      const s32 self = static_cast<s32>(lane);
      const s32 last = (self & segment) | (bound & ~segment);
      s32 source = 0;
      bool inside = false;
      if constexpr (kDirection == Direction::up) {
        source = self - distance;
        inside = source >= last;
      } else if constexpr (kDirection == Direction::down) {
        source = self + distance;
        inside = source <= last;
      } else if constexpr (kDirection == Direction::butterfly) {
        source = self ^ distance;
        inside = source <= last;
      } else {
        source = (self & segment) | (distance & ~segment);
        inside = source <= last;
      }
      results[lane] = values[(inside ? source : self) & 31];
      in_range[lane] = inside ? -1 : 0;
    }
    for_lanes<kMasked>(warp, row<u32>(warp, in->destination), [&](u32 lane) { return results[lane]; });
    if (in->immediate >= 0) set_predicate<kMasked>(warp, static_cast<u32>(in->immediate), mask_of(in_range));
    return in + 1;
  }

 private:
  /// One distance for the whole warp, which is one segment: what nearly every program does.
  static bool all_lanes_alike(const u32* distances, const u32* bounds) {
    constexpr u32 kWholeWarp = kDirection == Direction::up ? 0 : 31;
    u32 difference = 0;
    for (u32 lane = 0; lane < kLanes; ++lane) {
      difference |= (distances[lane] ^ distances[0]) | (bounds[lane] ^ kWholeWarp);
    }
    return difference == 0;
  }

  /// Returns the lanes whose source is inside the warp; the others keep their own value.
  static u32 exchange_whole_warp(const u32* values, u32 distance, u32* results) {
    if constexpr (kDirection == Direction::butterfly) {
      exchange_pairs(values, distance, results);
      return ~u32{0};
    } else if constexpr (kDirection == Direction::index) {
      for (u32 lane = 0; lane < kLanes; ++lane) results[lane] = values[distance];
      return ~u32{0};
    } else {
      std::memcpy(results, values, kLanes * sizeof(u32));
      const std::size_t moved = (kLanes - distance) * sizeof(u32);
      if constexpr (kDirection == Direction::up) {
        std::memcpy(results + distance, values, moved);
        return ~u32{0} << distance;
      }
      std::memcpy(results, values + distance, moved);
      return ~u32{0} >> distance;
    }
  }

  /// With the distance known to the compiler the loop becomes a permutation of a vector.
  static void exchange_pairs(const u32* values, u32 distance, u32* results) {
    const auto exchange = [&](auto known) {
      for (u32 lane = 0; lane < kLanes; ++lane) results[lane] = values[lane ^ known];
    };
    switch (distance) {
      case 1:
        return exchange(std::integral_constant<u32, 1>{});
      case 2:
        return exchange(std::integral_constant<u32, 2>{});
      case 4:
        return exchange(std::integral_constant<u32, 4>{});
      case 8:
        return exchange(std::integral_constant<u32, 8>{});
      case 16:
        return exchange(std::integral_constant<u32, 16>{});
      default:
        return exchange(distance);
    }
  }
};

}  // namespace

void add_shuffle_handlers(Handler* full, Handler* masked) {
#define ADD(id, direction)                                                                     \
  full[static_cast<u32>(Operation::id)] = &Shuffle<Direction::direction>::template run<false>; \
  masked[static_cast<u32>(Operation::id)] = &Shuffle<Direction::direction>::template run<true>;
  ADD(shfl_up, up)
  ADD(shfl_down, down)
  ADD(shfl_bfly, butterfly)
  ADD(shfl_idx, index)
#undef ADD
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
