// Matrices between memory and the registers of a warp: ldmatrix, wmma.load, wmma.store; and movmatrix.
#include <cstring>

#include "execution/block.h"
#include "execution/control.h"

#define VGPU_VECTOR_PATH common
#include "execution/matrix_layout.h"

namespace vgpu::software {
namespace {

using common::kTileLines;
using common::TilePlace;

/// A register of all lanes as eight lines of eight elements of 16 bits.
struct HalfTile {
  std::uint16_t elements[kTileLines][kTileLines];
};
static_assert(sizeof(HalfTile) == std::size_t{4} * kLanes);

HalfTile transposed(const HalfTile& tile) {
  HalfTile result{};
  for (std::uint32_t line = 0; line < kTileLines; ++line) {
    for (std::uint32_t i = 0; i < kTileLines; ++i) result.elements[i][line] = tile.elements[line][i];
  }
  return result;
}

/// Each of the first eight lanes has the address of a line of the first matrix, the next eight those of the
/// second, and so on; other lanes' addresses do not count.
template <bool kTransposed>
const Instruction* run_ldmatrix(const Instruction* in, Warp* warp) {
  if (lanes_are_missing(warp)) return wait_for_whole_warp(in, warp);
  const std::uint32_t count = in->flags >> memory_flag::width_shift & 7;
  constexpr std::uint32_t kLineBytes = sizeof(HalfTile) / kTileLines;
  const std::uint32_t lanes = kAllLanes >> (kLanes - kTileLines * count);
  std::byte* lines[kLanes] = {};
  resolve_pointers(in, warp, lanes & warp->active, kLineBytes, lines);
  const std::uint32_t rows[] = {in->destination, in->b, in->c, in->d};
  for (std::uint32_t matrix = 0; matrix < count; ++matrix) {
    HalfTile tile{};
    for (std::uint32_t line = 0; line < kTileLines; ++line) {
      const std::byte* from = lines[kTileLines * matrix + line];
      if (from != nullptr) std::memcpy(tile.elements[line], from, kLineBytes);
    }
    if constexpr (kTransposed) tile = transposed(tile);
    std::memcpy(warp->frame + rows[matrix], &tile, sizeof tile);
  }
  return in + 1;
}

const Instruction* run_movmatrix(const Instruction* in, Warp* warp) {
  if (lanes_are_missing(warp)) return wait_for_whole_warp(in, warp);
  HalfTile tile;
  std::memcpy(&tile, warp->frame + in->a, sizeof tile);
  tile = transposed(tile);
  std::memcpy(warp->frame + in->destination, &tile, sizeof tile);
  return in + 1;
}

// --- wmma.load and wmma.store
// -------------------------------------------------------------------------------

constexpr std::uint32_t kMostBytes = 1024;  // 16x16 elements of 32 bits

/// A fragment line after line.
struct Matrix {
  alignas(64) std::byte bytes[kMostBytes];
};

Fragment fragment_of(const Instruction* in) {
  Fragment fragment{};
  std::memcpy(&fragment, &in->c, sizeof fragment);
  return fragment;
}

/// Calls `move(memory, matrix, bytes)` for each piece of the matrix that is in one place in memory.
template <class F>
void for_each_piece(const Instruction* in, Warp* warp, Matrix& matrix, F move) {
  const Fragment fragment = fragment_of(in);
  const std::size_t size = fragment.element_bytes;
  // The whole warp has the same address and distance.
  const auto lane = static_cast<std::uint32_t>(__builtin_ctz(warp->active));
  const std::uint64_t distance = std::uint64_t{uniform_value(warp, in->b)} * size;
  const bool has_lines = (in->flags & kContiguousLines) != 0;
  const std::uint32_t pieces = has_lines ? fragment.lines : fragment.length;
  const std::uint32_t elements = has_lines ? fragment.length : fragment.lines;
  for (std::uint32_t piece = 0; piece < pieces; ++piece) {
    std::byte* memory = resolve_pointer(in, warp, lane, piece * distance, elements * fragment.element_bytes,
                                        fragment.element_bytes);
    if (has_lines) {
      move(memory, matrix.bytes + piece * (elements * size), elements * size);
      continue;
    }
    for (std::uint32_t i = 0; i < elements; ++i) {
      move(memory + i * size, matrix.bytes + (i * fragment.length + piece) * size, size);
    }
  }
}

/// Calls `move(row, matrix, bytes)` for each piece of the matrix that is in one place in a register row.
template <class F>
void for_each_register_piece(const Instruction* in, const Warp* warp, Matrix& matrix, F move) {
  const Fragment fragment = fragment_of(in);
  const std::size_t size = fragment.element_bytes;
  const std::uint32_t* rows = warp->operand_rows + in->d;
  const std::uint32_t registers = in->destination;
  if (fragment.role == Fragment::Role::accumulator && size > 2) {
    for (std::uint32_t i = 0; i < registers; ++i) {
      const TilePlace place = common::tile_place(fragment, kTileLines, i / 2);
      for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
        const std::uint32_t element =
            (place.line + lane / 4) * fragment.length + place.column + 2 * (lane % 4) + i % 2;
        move(warp->frame + rows[i] + lane * size, matrix.bytes + element * size, size);
      }
    }
    return;
  }
  const std::size_t line_bytes = size < 4 ? 16 : 4 * size;
  const auto width = static_cast<std::uint32_t>(line_bytes / size);
  const std::uint32_t tiles = common::tile_count(fragment, width);
  for (std::uint32_t i = 0; i < registers; ++i) {
    const TilePlace place = common::tile_place(fragment, width, i % tiles);
    for (std::uint32_t line = 0; line < kTileLines; ++line) {
      const std::uint32_t element = (place.line + line) * fragment.length + place.column;
      move(warp->frame + rows[i] + line * line_bytes, matrix.bytes + element * size, line_bytes);
    }
  }
}

const Instruction* run_load_fragment(const Instruction* in, Warp* warp) {
  if (lanes_are_missing(warp)) return wait_for_whole_warp(in, warp);
  Matrix matrix;
  for_each_piece(in, warp, matrix, [](const std::byte* memory, std::byte* element, std::size_t bytes) {
    std::memcpy(element, memory, bytes);
  });
  for_each_register_piece(in, warp, matrix, [](std::byte* row, const std::byte* element, std::size_t bytes) {
    std::memcpy(row, element, bytes);
  });
  return in + 1;
}

const Instruction* run_store_fragment(const Instruction* in, Warp* warp) {
  if (lanes_are_missing(warp)) return wait_for_whole_warp(in, warp);
  Matrix matrix;
  for_each_register_piece(in, warp, matrix, [](const std::byte* row, std::byte* element, std::size_t bytes) {
    std::memcpy(element, row, bytes);
  });
  for_each_piece(in, warp, matrix, [](std::byte* memory, const std::byte* element, std::size_t bytes) {
    std::memcpy(memory, element, bytes);
  });
  return in + 1;
}

}  // namespace

void add_matrix_handlers(Handler* table) {
  table[static_cast<std::uint16_t>(Operation::ldmatrix)] = run_ldmatrix<false>;
  table[static_cast<std::uint16_t>(Operation::ldmatrix_trans)] = run_ldmatrix<true>;
  table[static_cast<std::uint16_t>(Operation::movmatrix)] = run_movmatrix;
  table[static_cast<std::uint16_t>(Operation::load_fragment)] = run_load_fragment;
  table[static_cast<std::uint16_t>(Operation::store_fragment)] = run_store_fragment;
}

}  // namespace vgpu::software
