// Compiled once for each vector path. The method is that of "Anatomy of High-Performance Matrix
// Multiplication" (Goto and van de Geijn, ACM TOMS 34:3, 2008): a slice of k is packed into panels that the
// innermost loop reads from beginning to end, while a tile of c stays in registers. Packing also converts.
#include "vgpu/blas/block_kernel.h"

#include "vgpu/blas/short_floats.h"

namespace vgpu::blas::VGPU_VECTOR_PATH {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kTileVectors = 2;
constexpr int kTileColumns = 12;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
constexpr int kTileVectors = 2;
constexpr int kTileColumns = 6;
#else
constexpr int kVectorBytes = 16;
constexpr int kTileVectors = 2;
constexpr int kTileColumns = 4;
#endif

/// With this much of k the panels of a block stay in the second-level cache.
constexpr std::int64_t kDepth = 256;

template <typename Sum>
struct Tile {
  typedef Sum Vector __attribute__((vector_size(kVectorBytes)));
  static constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(Sum));
  static constexpr std::int64_t kRows = std::int64_t{kTileVectors} * kLanes;
  static constexpr std::int64_t kColumns = kTileColumns;
  static constexpr std::int64_t kElements = kRows * kColumns;

  /// sums += the product of a panel of kRows × depth and one of depth × kColumns.
  static void accumulate(const Sum* a, const Sum* b, std::int64_t depth, Sum* sums) {
    Vector sum[kTileColumns][kTileVectors];
    auto* stored = reinterpret_cast<Vector*>(sums);
#pragma GCC unroll 16
    for (int j = 0; j < kTileColumns; ++j) {
#pragma GCC unroll 4
      for (int i = 0; i < kTileVectors; ++i) sum[j][i] = stored[j * kTileVectors + i];
    }
    for (std::int64_t p = 0; p < depth; ++p) {
      const auto* column = reinterpret_cast<const Vector*>(a + p * kRows);
      const Sum* row = b + p * kColumns;
#pragma GCC unroll 16
      for (int j = 0; j < kTileColumns; ++j) {
#pragma GCC unroll 4
        for (int i = 0; i < kTileVectors; ++i) sum[j][i] += column[i] * row[j];
      }
    }
#pragma GCC unroll 16
    for (int j = 0; j < kTileColumns; ++j) {
#pragma GCC unroll 4
      for (int i = 0; i < kTileVectors; ++i) stored[j * kTileVectors + i] = sum[j][i];
    }
  }
};

/// Not Matrix::at(), which objects for other processors share.
const std::byte* move(const Matrix& matrix, std::int64_t elements) {
  switch (matrix.element) {
    case Element::i8:
      return matrix.first + elements;
    case Element::f16:
    case Element::bf16:
      return matrix.first + 2 * elements;
    case Element::f64:
      return matrix.first + 8 * elements;
    default:
      return matrix.first + 4 * elements;
  }
}

inline float number(const Half* at) {
  return widen(*at);
}
inline float number(const BFloat* at) {
  return widen(*at);
}
template <typename Value>
inline Value number(const Value* at) {
  return *at;
}

/// Packs `count` × depth elements into panels of `width` × depth, of which each column lies in one piece;
/// what is missing to a whole panel is zero. `stride` leads along a panel's width, `depth_stride` along its
/// depth.
template <typename Stored, std::int64_t width, typename Sum>
void pack_elements(const Stored* from, std::int64_t count, std::int64_t stride, std::int64_t depth,
                   std::int64_t depth_stride, Sum* to) {
  for (std::int64_t first = 0; first < count; first += width, to += width * depth) {
    const Stored* panel = from + first * stride;
    const std::int64_t present = count - first < width ? count - first : width;
    if (present < width) {
      for (std::int64_t i = 0; i < width * depth; ++i) to[i] = 0;
    }
    if (stride == 1 && present == width) {
      for (std::int64_t p = 0; p < depth; ++p) {
        for (std::int64_t i = 0; i < width; ++i) {
          to[p * width + i] = static_cast<Sum>(number(panel + p * depth_stride + i));
        }
      }
    } else if (depth_stride == 1) {
      for (std::int64_t i = 0; i < present; ++i) {
        for (std::int64_t p = 0; p < depth; ++p) {
          to[p * width + i] = static_cast<Sum>(number(panel + i * stride + p));
        }
      }
    } else {
      for (std::int64_t p = 0; p < depth; ++p) {
        for (std::int64_t i = 0; i < present; ++i) {
          to[p * width + i] = static_cast<Sum>(number(panel + i * stride + p * depth_stride));
        }
      }
    }
  }
}

template <std::int64_t width, typename Sum>
void pack(const std::byte* from, Element element, std::int64_t count, std::int64_t stride, std::int64_t depth,
          std::int64_t depth_stride, Sum* to) {
  switch (element) {
    case Element::f16:
      return pack_elements<Half, width>(reinterpret_cast<const Half*>(from), count, stride, depth,
                                        depth_stride, to);
    case Element::bf16:
      return pack_elements<BFloat, width>(reinterpret_cast<const BFloat*>(from), count, stride, depth,
                                          depth_stride, to);
    case Element::f32:
      return pack_elements<float, width>(reinterpret_cast<const float*>(from), count, stride, depth,
                                         depth_stride, to);
    case Element::f64:
      return pack_elements<double, width>(reinterpret_cast<const double*>(from), count, stride, depth,
                                          depth_stride, to);
    case Element::i8:
      return pack_elements<std::int8_t, width>(reinterpret_cast<const std::int8_t*>(from), count, stride,
                                               depth, depth_stride, to);
    case Element::i32:
      return pack_elements<std::int32_t, width>(reinterpret_cast<const std::int32_t*>(from), count, stride,
                                                depth, depth_stride, to);
  }
}

inline void store(Half* at, float value) {
  *at = narrow_to_half(value);
}
inline void store(BFloat* at, float value) {
  *at = narrow_to_bfloat(value);
}
inline void store(float* at, float value) {
  *at = value;
}
inline void store(double* at, double value) {
  *at = value;
}
// Beyond 2⁵³ a sum of products of int8 cannot be, and within it a double is exact.
inline void store(std::int32_t* at, double value) {
  *at = static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::int64_t>(value)));
}

/// c = alpha sums + beta c for `rows` × `columns` elements, whose sums lie tile by tile, `column_tiles`
/// beside each other.
template <typename Stored, typename Sum>
void finish_elements(const Product& block, const Sum* sums) {
  using T = Tile<Sum>;
  const auto alpha = static_cast<Sum>(block.alpha);
  const auto beta = static_cast<Sum>(block.beta);
  auto* c = reinterpret_cast<Stored*>(block.c.first);
  const std::int64_t row_tiles = (block.m + T::kRows - 1) / T::kRows;
  for (std::int64_t j = 0; j < block.n; ++j) {
    Stored* column = c + j * block.c.column_stride;
    for (std::int64_t tile = 0; tile < row_tiles; ++tile) {
      const std::int64_t first = tile * T::kRows;
      const std::int64_t count = block.m - first < T::kRows ? block.m - first : T::kRows;
      const Sum* from =
          sums + ((j / T::kColumns) * row_tiles + tile) * T::kElements + (j % T::kColumns) * T::kRows;
      Stored* to = column + first * block.c.row_stride;
      if (block.beta == 0 && block.c.row_stride == 1) {
        for (std::int64_t i = 0; i < count; ++i) store(to + i, alpha * from[i]);
      } else if (block.beta == 0) {
        for (std::int64_t i = 0; i < count; ++i) store(to + i * block.c.row_stride, alpha * from[i]);
      } else {
        for (std::int64_t i = 0; i < count; ++i) {
          Stored* element = to + i * block.c.row_stride;
          store(element, alpha * from[i] + beta * static_cast<Sum>(number(element)));
        }
      }
    }
  }
}

void finish(const Product& block, const float* sums) {
  switch (block.c.element) {
    case Element::f16:
      return finish_elements<Half>(block, sums);
    case Element::bf16:
      return finish_elements<BFloat>(block, sums);
    default:
      return finish_elements<float>(block, sums);
  }
}

void finish(const Product& block, const double* sums) {
  if (block.c.element == Element::i32) return finish_elements<std::int32_t>(block, sums);
  finish_elements<double>(block, sums);
}

template <typename Sum>
constexpr std::int64_t kBlockRows = 192 - 192 % std::int64_t{Tile<Sum>::kRows};
template <typename Sum>
constexpr std::int64_t kBlockColumns = std::int64_t{384} * 4 / static_cast<std::int64_t>(sizeof(Sum));

template <typename Sum>
void multiply_block(const Product& block, std::byte* scratch) {
  using T = Tile<Sum>;
  auto* sums = reinterpret_cast<Sum*>(scratch);
  Sum* a = sums + kBlockRows<Sum> * kBlockColumns<Sum>;
  Sum* b = a + kBlockRows<Sum> * kDepth;
  const std::int64_t row_tiles = (block.m + T::kRows - 1) / T::kRows;
  const std::int64_t column_tiles = (block.n + T::kColumns - 1) / T::kColumns;
  const std::int64_t used = row_tiles * column_tiles * T::kElements;
  for (std::int64_t i = 0; i < used; ++i) sums[i] = 0;
  const std::int64_t depth_in_all = block.alpha == 0 ? 0 : block.k;
  for (std::int64_t first = 0; first < depth_in_all; first += kDepth) {
    const std::int64_t depth = depth_in_all - first < kDepth ? depth_in_all - first : kDepth;
    pack<T::kRows>(move(block.a, first * block.a.column_stride), block.a.element, block.m, block.a.row_stride,
                   depth, block.a.column_stride, a);
    pack<T::kColumns>(move(block.b, first * block.b.row_stride), block.b.element, block.n,
                      block.b.column_stride, depth, block.b.row_stride, b);
    for (std::int64_t j = 0; j < column_tiles; ++j) {
      for (std::int64_t i = 0; i < row_tiles; ++i) {
        T::accumulate(a + i * T::kRows * depth, b + j * T::kColumns * depth, depth,
                      sums + (j * row_tiles + i) * T::kElements);
      }
    }
  }
  finish(block, sums);
}

template <typename Sum>
BlockKernel block_kernel() {
  using T = Tile<Sum>;
  static_assert(kBlockColumns<Sum> % T::kColumns == 0 && kBlockRows<Sum> % T::kRows == 0);
  constexpr std::int64_t kElements =
      kBlockRows<Sum> * kBlockColumns<Sum> + kDepth * (kBlockRows<Sum> + kBlockColumns<Sum>);
  return {.rows = kBlockRows<Sum>,
          .columns = kBlockColumns<Sum>,
          .unit_rows = T::kRows,
          .unit_columns = T::kColumns,
          .scratch_bytes = static_cast<std::size_t>(kElements) * sizeof(Sum),
          .multiply = multiply_block<Sum>};
}

}  // namespace

BlockKernels block_kernels() {
  return {.single = block_kernel<float>(), .wide = block_kernel<double>()};
}

}  // namespace vgpu::blas::VGPU_VECTOR_PATH
