// Short names for the types of a lane, as operations.def uses them.
#pragma once

#include <cstdint>

namespace vgpu::software {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using f32 = float;
using f64 = double;
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;

/// An IEEE half as it lies in memory; arithmetic is done in f32.
struct f16 {
  u16 bits;
};

/// The upper half of an f32.
struct bf16 {
  u16 bits;
};

/// An f32 of whose fraction only the upper ten bits count.
struct tf32 {
  u32 bits;
};

}  // namespace vgpu::software
