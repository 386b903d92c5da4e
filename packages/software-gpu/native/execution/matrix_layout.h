// Which elements of a matrix the registers of a warp hold (PTX ISA 9.0, 9.7.14.5, the figures of each shape).
//
// A register of a fragment of a, of b, or of two f16 of c or d, in all lanes together, is a tile of eight
// lines of 16 bytes: lanes 4i to 4i+3 hold line i (in PTX's words, i is the groupID). Lines are the rows of
// a, c and d and the columns of b. So a row of the frame, as bytes in memory, is the tile itself. An
// accumulator of 32 or 64 bits takes a pair of registers for such a tile: lane 4i+j has the elements 2j and
// 2j+1 of line i.
//
// PTX leaves the layout of wmma fragments open. Here they are those of mma, extended to more tiles.
#pragma once

#include "execution/decoded_kernel.h"
#include "execution/lane_types.h"

namespace vgpu::software::VGPU_VECTOR_PATH {

inline constexpr u32 kTileLines = 8;

/// Where a tile begins in its matrix.
struct TilePlace {
  u32 line;
  u32 column;
};

/// Rows of a and of accumulators come in pairs of tiles, unless there are only eight.
inline u32 tiles_down(u32 lines) {
  return lines == kTileLines ? 1 : 2;
}

/// The place of register number `index` of a fragment whose tiles are `width` elements wide. For accumulators
/// it is the number of the tile, that is of a register with two f16 or of a pair of others.
inline TilePlace tile_place(Fragment fragment, u32 width, u32 index) {
  const u32 across = fragment.length / width;
  if (fragment.role == Fragment::Role::b) return {kTileLines * (index / across), width * (index % across)};
  const u32 down = tiles_down(fragment.lines);
  if (fragment.role == Fragment::Role::a) {
    const u32 place = index % (down * across);
    return {2 * kTileLines * (index / (down * across)) + kTileLines * (place % down), width * (place / down)};
  }
  const u32 block = index / down;
  return {2 * kTileLines * (block / across) + kTileLines * (index % down), width * (block % across)};
}

/// How many tiles a matrix has. wmma repeats those of f16 matrices until there are eight registers.
inline u32 tile_count(Fragment fragment, u32 width) {
  return fragment.lines / kTileLines * (fragment.length / width);
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
