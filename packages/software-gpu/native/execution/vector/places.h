// Where the data of a load or store lie. The addresses of a warp nearly always follow a pattern: lanes next
// to each other, which is a copy of a row; all lanes at one place; or anywhere within one allocation.
// Everything else (local memory, several allocations, mistakes) takes the slow path, lane by lane.
#pragma once

#include "execution/vector/rows.h"

namespace vgpu::software::VGPU_VECTOR_PATH {

[[gnu::always_inline]] inline Space space_of(const Instruction* in) {
  return static_cast<Space>(in->flags & memory_flag::space_mask);
}

/// What a lane's address must be within, and what turns it into an address of this process.
struct Window {
  u64 translation;
  u64 begin;  // addresses of this process
  u64 end;
};

/// `address`: some lane's.
[[gnu::always_inline]] inline Window window_of(const Instruction* in, const Warp* warp, u64 address) {
  const Space space = space_of(in);
  if (space == Space::shared) return {warp->shared.begin, warp->shared.begin, warp->shared.end};
  if (space == Space::generic && address - kSharedWindow < kWindowBytes) {
    return {warp->shared.begin - kSharedWindow, warp->shared.begin, warp->shared.end};
  }
  if (space == Space::local || space == Space::parameter) return {0, 0, 0};
  const AddressRange& range = warp->recent_ranges[static_cast<u64>(in->immediate) >> 32];
  return {0, range.begin, range.end};
}

/// Whether the active lanes' addresses are `bytes` apart, one after the other. `first` is an active lane.
template <bool kMasked, class A>
[[gnu::always_inline]] inline bool follow_each_other(const Warp* warp, const A* lanes, u32 first, u32 bytes) {
  const A begin = lanes[first] - first * bytes;
  [[maybe_unused]] const s32* active = warp->lane_words;
  return all_zero<kLanes>([=](u32 i) -> A {
    const A wrong = lanes[i] ^ static_cast<A>(begin + i * bytes);
    return kMasked ? wrong & static_cast<A>(active[i]) : wrong;
  });
}

/// The place of `all` bytes, aligned to `bytes`, of which lane `first` has those `before` bytes behind the
/// first; nullptr if they are not all within the window.
template <class A>
[[gnu::always_inline]] inline std::byte* find_bytes(const Instruction* in, const Warp* warp, A lane_address,
                                                    u64 before, u64 all, u32 alignment) {
  const u64 address = static_cast<A>(lane_address + static_cast<A>(static_cast<s32>(in->immediate)));
  const Window window = window_of(in, warp, address);
  const u64 begin = address + window.translation - before;
  const bool inside = begin >= window.begin && begin <= window.end && window.end - begin >= all &&
                      (begin & (alignment - 1)) == 0;
  return inside ? reinterpret_cast<std::byte*>(begin) : nullptr;
}

/// Where lane 0's `bytes` (a power of two) lie if the active lanes' lie behind each other, aligned, and if
/// those of all 32 lanes are within one allocation that this instruction knows already; otherwise nullptr.
template <bool kMasked>
[[gnu::always_inline]] inline std::byte* find_row(const Instruction* in, const Warp* warp, u32 bytes) {
  const u32 first = kMasked ? static_cast<u32>(__builtin_ctz(warp->active)) : 0;
  if ((in->flags & memory_flag::wide_address) != 0) {
    const u64* lanes = row<const u64>(warp, in->a);
    if (!follow_each_other<kMasked>(warp, lanes, first, bytes)) return nullptr;
    return find_bytes(in, warp, lanes[first], u64{first} * bytes, u64{kLanes} * bytes, bytes);
  }
  const u32* lanes = row<const u32>(warp, in->a);
  if (!follow_each_other<kMasked>(warp, lanes, first, bytes)) return nullptr;
  return find_bytes(in, warp, lanes[first], u64{first} * bytes, u64{kLanes} * bytes, bytes);
}

/// Where the active lanes' data lie when they are not a row.
struct Places {
  enum class Pattern : u8 { same, near, anywhere };
  Pattern pattern;
  std::byte* origin;                // same: of all lanes; near: lane i at origin + offsets[i]
  alignas(64) s32 offsets[kLanes];  // inactive lanes: 0
  std::byte* pointers[kLanes];      // anywhere
};

/// Offsets from lane `first`; whether they fit into 32 bits.
template <bool kMasked, class A>
[[gnu::always_inline]] inline bool find_offsets(const Warp* warp, const A* lanes, u32 first,
                                                s32 offsets[kLanes]) {
  [[maybe_unused]] const s32* active = warp->lane_words;
  const A origin = lanes[first];
  A beyond = 0;
  for (u32 i = 0; i < kLanes; ++i) {
    A offset = lanes[i] - origin;
    if constexpr (kMasked) offset &= static_cast<A>(active[i]);
    offsets[i] = static_cast<s32>(offset);
    if constexpr (sizeof(A) == 8) beyond |= (offset + 0x8000'0000) >> 32;
  }
  return beyond == 0;
}

/// All lanes' data lie within the window, aligned. Sets the origin.
template <class A>
[[gnu::always_inline]] inline bool are_inside(const Instruction* in, const Warp* warp, A lane_address,
                                              u32 bytes, Places& places) {
  const u64 address = static_cast<A>(lane_address + static_cast<A>(static_cast<s32>(in->immediate)));
  const Window window = window_of(in, warp, address);
  const u64 origin = address + window.translation;
  places.origin = reinterpret_cast<std::byte*>(origin);
  const s32* offsets = places.offsets;
  const bool same = all_zero<kLanes>([=](u32 i) { return offsets[i]; });
  places.pattern = same ? Places::Pattern::same : Places::Pattern::near;
  auto lowest = static_cast<s64>(window.begin - origin);
  auto highest = static_cast<s64>(window.end - origin) - bytes;
  if ((origin & (bytes - 1)) != 0 || lowest > 0 || highest < 0) return false;
  lowest = lowest < -0x7fffffff ? -0x7fffffff : lowest;
  highest = highest > 0x7fffffff ? 0x7fffffff : highest;
  const auto begin = static_cast<u32>(lowest);
  const auto span = static_cast<u32>(highest) - begin;
  return same || all_zero<kLanes>([=](u32 i) {
           const auto offset = static_cast<u32>(offsets[i]);
           return (offset & (bytes - 1)) | (offset - begin > span ? u32{1} : u32{0});
         });
}

template <bool kMasked>
[[gnu::always_inline]] inline bool are_near(const Instruction* in, const Warp* warp, u32 bytes,
                                            Places& places) {
  const u32 first = kMasked ? static_cast<u32>(__builtin_ctz(warp->active)) : 0;
  if ((in->flags & memory_flag::wide_address) != 0) {
    const u64* lanes = row<const u64>(warp, in->a);
    return find_offsets<kMasked>(warp, lanes, first, places.offsets) &&
           are_inside(in, warp, lanes[first], bytes, places);
  }
  const u32* lanes = row<const u32>(warp, in->a);
  return find_offsets<kMasked>(warp, lanes, first, places.offsets) &&
         are_inside(in, warp, lanes[first], bytes, places);
}

template <bool kMasked>
[[gnu::always_inline]] inline void find_places(const Instruction* in, Warp* warp, u32 bytes, Places& places) {
  if (are_near<kMasked>(in, warp, bytes, places)) return;
  places.pattern = Places::Pattern::anywhere;
  resolve_pointers(in, warp, warp->active, bytes, places.pointers);
}

[[gnu::always_inline]] inline std::byte* place_of(const Places& places, u32 lane) {
  return places.pattern == Places::Pattern::anywhere ? places.pointers[lane]
                                                     : places.origin + places.offsets[lane];
}

template <bool kMasked, class F>
[[gnu::always_inline]] inline void for_active_lanes(const Warp* warp, F action) {
  if constexpr (kMasked) {
    for (u32 lanes = warp->active; lanes != 0; lanes &= lanes - 1)
      action(static_cast<u32>(__builtin_ctz(lanes)));
  } else {
    for (u32 i = 0; i < kLanes; ++i) action(i);
  }
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
