// mma and wmma.mma: d = a·b + c for matrices in the registers of a warp.
//
// PTX leaves the order and the rounding of the additions open. Here, on every vector path, an element starts
// as that of c and the products are added to it one after the other, from k = 0 on. Floating-point products
// and sums are rounded to f32, to nearest even; a product of two f16 or tf32 or bf16 is exact in f32 unless
// its exponent is out of range. Sums with f16 accumulators are rounded to f16 at the end. f64 uses fused
// multiply-adds.
#include "execution/matrix_layout.h"
#include "execution/vector/families.h"
#include "execution/vector/rows.h"

namespace vgpu::software::VGPU_VECTOR_PATH {
namespace {

constexpr u32 kMostElements = 512;  // of a and of b: 16x32 and 32x16

inline f32 value_of(f16 element) {
  return widen(element);
}
inline f32 value_of(bf16 element) {
  return widen(element);
}
/// The lower bits of the register are not part of the number.
inline f32 value_of(tf32 element) {
  return f32_of(element.bits & 0xffffe000);
}
inline f64 value_of(f64 element) {
  return element;
}
// Sums of integers wrap around, which unsigned ones may do.
inline u32 value_of(s8 element) {
  return static_cast<u32>(s32{element});
}
inline u32 value_of(u8 element) {
  return element;
}

inline f32 finished(f32 value) {
  return canonical(value);
}
inline f64 finished(f64 value) {
  return canonical(value);
}
inline u32 finished(u32 value) {
  return value;
}

/// Eight elements of a line of the result.
template <class V>
struct Line {
  using type [[gnu::vector_size(kTileLines * sizeof(V))]] = V;
};

/// What the warp's registers hold, as ordinary matrices.
template <class V>
struct Operands {
  alignas(64) V a[kMostElements];  // m lines of k
  alignas(64) V b[kMostElements];  // k lines of n
  alignas(64) V c[kMostElements];  // m lines of n
};

Fragment fragment_of(Fragment::Role role, u32 lines, u32 length) {
  return {role, static_cast<u8>(lines), static_cast<u8>(length), 0};
}

/// Four lanes of a register hold one line of a tile; those of f64 are twice as wide.
template <class E>
constexpr u32 kTileWidth = 4 * (sizeof(E) < 4 ? 4 : sizeof(E)) / sizeof(E);

template <class E, class V>
void read_a(const Warp* warp, const u32* rows, MatrixShape shape, V* a) {
  const Fragment fragment = fragment_of(Fragment::Role::a, shape.m, shape.k);
  const u32 tiles = tile_count(fragment, kTileWidth<E>);
  for (u32 tile = 0; tile < tiles; ++tile) {
    const TilePlace place = tile_place(fragment, kTileWidth<E>, tile);
    const E* elements = row<const E>(warp, rows[tile]);
    for (u32 line = 0; line < kTileLines; ++line) {
      V* to = a + (place.line + line) * shape.k + place.column;
      for (u32 i = 0; i < kTileWidth<E>; ++i) to[i] = value_of(elements[line * kTileWidth<E> + i]);
    }
  }
}

template <class E, class V>
void read_b(const Warp* warp, const u32* rows, MatrixShape shape, V* b) {
  const Fragment fragment = fragment_of(Fragment::Role::b, shape.n, shape.k);
  const u32 tiles = tile_count(fragment, kTileWidth<E>);
  for (u32 tile = 0; tile < tiles; ++tile) {
    const TilePlace place = tile_place(fragment, kTileWidth<E>, tile);
    const E* elements = row<const E>(warp, rows[tile]);
    V values[kTileLines * kTileWidth<E>];  // first all at once, which vectors can do
    for (u32 i = 0; i < kTileLines * kTileWidth<E>; ++i) values[i] = value_of(elements[i]);
    V* to = b + place.column * shape.n + place.line;
    for (u32 i = 0; i < kTileWidth<E>; ++i) {
      for (u32 line = 0; line < kTileLines; ++line) {
        to[i * shape.n + line] = values[line * kTileWidth<E> + i];
      }
    }
  }
}

/// Calls `pair(tile, lane, place)` for each pair of neighbours of an accumulator that a lane holds.
template <class F>
void for_each_pair(MatrixShape shape, F pair) {
  const Fragment fragment = fragment_of(Fragment::Role::accumulator, shape.m, shape.n);
  const u32 tiles = tile_count(fragment, kTileLines);
  for (u32 tile = 0; tile < tiles; ++tile) {
    const TilePlace place = tile_place(fragment, kTileLines, tile);
    for (u32 lane = 0; lane < kLanes; ++lane) {
      pair(tile, lane, (place.line + lane / 4) * shape.n + place.column + 2 * (lane % 4));
    }
  }
}

template <class V>
void read_c(const Warp* warp, const u32* rows, MatrixShape shape, V* c) {
  if constexpr (std::is_same_v<V, f32>) {
    if ((shape.flags & matrix_flag::half_c) != 0) {
      for_each_pair(shape, [&](u32 tile, u32 lane, u32 place) {
        const u32 both = row<const u32>(warp, rows[tile])[lane];
        c[place] = low(both);
        c[place + 1] = high(both);
      });
      return;
    }
  }
  for_each_pair(shape, [&](u32 tile, u32 lane, u32 place) {
    c[place] = row<const V>(warp, rows[u64{2} * tile])[lane];
    c[place + 1] = row<const V>(warp, rows[u64{2} * tile + 1])[lane];
  });
}

template <class V>
void write_d(const Warp* warp, const u32* rows, MatrixShape shape, const V* d) {
  const auto is_active = [&](u32 lane) { return warp->lane_words[lane] != 0; };
  if constexpr (std::is_same_v<V, f32>) {
    if ((shape.flags & matrix_flag::half_d) != 0) {
      for_each_pair(shape, [&](u32 tile, u32 lane, u32 place) {
        const u32 both = join(narrow(d[place]), narrow(d[place + 1]));
        if (is_active(lane)) row<u32>(warp, rows[tile])[lane] = both;
      });
      return;
    }
  }
  for_each_pair(shape, [&](u32 tile, u32 lane, u32 place) {
    if (!is_active(lane)) return;
    row<V>(warp, rows[u64{2} * tile])[lane] = finished(d[place]);
    row<V>(warp, rows[u64{2} * tile + 1])[lane] = finished(d[place + 1]);
  });
}

/// Eight elements of a line of c with the products added that belong to them.
template <class V>
[[gnu::always_inline]] inline void add_products(const V* a, const V* b, u32 k, u32 n, V* c) {
  typename Line<V>::type sum;
  __builtin_memcpy(&sum, c, sizeof sum);
  for (u32 i = 0; i < k; ++i) {
    typename Line<V>::type line;
    __builtin_memcpy(&line, b + u64{i} * n, sizeof line);
    if constexpr (std::is_same_v<V, f64>) {
      // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): the tiles that were read cover the whole matrices
      for (u32 j = 0; j < kTileLines; ++j) sum[j] = fused(a[i], line[j], sum[j]);
    } else {
      sum += a[i] * line;
    }
  }
  __builtin_memcpy(c, &sum, sizeof sum);
}

/// With .satfinite the exact sum goes to the nearest number of 32 bits. The products alone never leave that
/// range.
inline void add_products_saturated(const u32* a, const u32* b, u32 k, u32 n, u32* c) {
  u32 products[kTileLines] = {};
  add_products(a, b, k, n, products);
  for (u32 j = 0; j < kTileLines; ++j) {
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): as above
    const s64 sum = s64{static_cast<s32>(c[j])} + static_cast<s32>(products[j]);
    c[j] = static_cast<u32>(saturate_to_s32(sum));
  }
}

template <class V>
void multiply_add(MatrixShape shape, Operands<V>& operands) {
  for (u32 m = 0; m < shape.m; ++m) {
    for (u32 n = 0; n < shape.n; n += kTileLines) {
      const V* a = operands.a + u64{m} * shape.k;
      const V* b = operands.b + n;
      V* c = operands.c + u64{m} * shape.n + n;
      if constexpr (std::is_same_v<V, u32>) {
        if ((shape.flags & matrix_flag::saturate) != 0) {
          add_products_saturated(a, b, shape.k, shape.n, c);
          continue;
        }
      }
      add_products(a, b, shape.k, shape.n, c);
    }
  }
}

template <class A, class B, class V>
struct Product {
  template <bool kMasked>
  static const Instruction* run(const Instruction* in, Warp* warp) {
    if constexpr (kMasked) {
      if (lanes_are_missing(warp)) return wait_for_whole_warp(in, warp);
    }
    MatrixShape shape;
    __builtin_memcpy(&shape, &in->immediate, sizeof shape);
    const u32* rows = warp->operand_rows + in->d;
    const u32* a_rows = rows + shape.d_rows;
    const u32* b_rows = a_rows + shape.a_rows;
    Operands<V> operands;
    read_a<A>(warp, a_rows, shape, operands.a);
    read_b<B>(warp, b_rows, shape, operands.b);
    read_c(warp, b_rows + shape.b_rows, shape, operands.c);
    multiply_add(shape, operands);
    write_d(warp, rows, shape, operands.c);
    return in + 1;
  }
};

}  // namespace

void add_product_handlers(Handler* full, Handler* masked) {
#define ADD(id, A, B, V)                                                          \
  full[static_cast<u32>(Operation::id)] = &Product<A, B, V>::template run<false>; \
  masked[static_cast<u32>(Operation::id)] = &Product<A, B, V>::template run<true>;
  ADD(mma_f16, f16, f16, f32)
  ADD(mma_bf16, bf16, bf16, f32)
  ADD(mma_tf32, tf32, tf32, f32)
  ADD(mma_f64, f64, f64, f64)
  ADD(mma_s8_s8, s8, s8, u32)
  ADD(mma_s8_u8, s8, u8, u32)
  ADD(mma_u8_s8, u8, s8, u32)
  ADD(mma_u8_u8, u8, u8, u32)
#undef ADD
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
