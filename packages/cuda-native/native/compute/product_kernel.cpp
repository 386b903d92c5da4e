// Compiled once for each vector path. Nothing of the standard library but types: its functions would be
// compiled for the path's processor too, and the linker could take those for the rest of the program.
//
// Blocks of both factors are copied so that each step reads what it needs in one run, and a tile of the
// result stays in registers meanwhile (K. Goto, R. A. van de Geijn, "Anatomy of high-performance matrix
// multiplication", ACM Transactions on Mathematical Software 34, 2008).
#include "compute/product_kernel.h"

// Before a loop that has to vanish for its elements to stay in registers.
#ifdef __clang__
#define VGPU_UNROLLED _Pragma("clang loop unroll(full)")
#else
#define VGPU_UNROLLED _Pragma("GCC unroll 16")
#endif

namespace vgpu::compute::VGPU_PRODUCT_PATH {
namespace {

// A tile takes about as many registers as there are, but for some for its factors.
#if defined(__AVX512F__)
constexpr std::size_t kVectorBytes = 64;
constexpr std::size_t kTileRows = 12;
#elif defined(__AVX2__)
constexpr std::size_t kVectorBytes = 32;
constexpr std::size_t kTileRows = 6;
#else
constexpr std::size_t kVectorBytes = 16;
constexpr std::size_t kTileRows = 4;
#endif
constexpr std::size_t kTileVectors = 2;
static_assert(kProductRows % kTileRows == 0);

template <typename Bits>
struct VectorOf {
  static constexpr std::size_t lanes = kVectorBytes / sizeof(Bits);
  // Elements of a typed array, which other types may alias and which need no more alignment than their own.
  typedef Bits type __attribute__((vector_size(kVectorBytes), may_alias, aligned(sizeof(Bits))));
};
template <typename Bits>
using Vector = typename VectorOf<Bits>::type;

template <typename Bits>
constexpr std::size_t kTileColumns = kTileVectors* VectorOf<Bits>::lanes;
template <typename Bits>
constexpr std::size_t kDepth = kProductRowBytes / sizeof(Bits);

template <typename Bits>
struct Tile {
  Vector<Bits> vectors[kTileRows][kTileVectors];
};

template <typename Bits>
Vector<Bits>& vectorAt(Bits* x) {
  return *reinterpret_cast<Vector<Bits>*>(x);
}

template <typename Bits>
const Vector<Bits>& vectorAt(const Bits* x) {
  return *reinterpret_cast<const Vector<Bits>*>(x);
}

constexpr std::size_t least(std::size_t one, std::size_t other) {
  return one < other ? one : other;
}

/** The rows of each tile side by side, with rows of 0 after the last one. */
template <typename Bits>
void packRows(const ProductBlock<const Bits>& a, Bits* packed) {
  for (std::size_t tile = 0; tile < a.rows; tile += kTileRows, packed += kTileRows * a.columns) {
    for (std::size_t row = 0; row < kTileRows; ++row) {
      const bool isThere = tile + row < a.rows;
      const Bits* elements = a.first + (isThere ? (tile + row) * a.stride : 0);
      for (std::size_t i = 0; i < a.columns; ++i) packed[i * kTileRows + row] = isThere ? elements[i] : 0;
    }
  }
}

/** The columns of one tile, with columns of 0 after the last one. */
template <typename Bits>
void packColumns(const ProductBlock<const Bits>& b, Bits* packed) {
  for (std::size_t row = 0; row < b.rows; ++row, packed += kTileColumns<Bits>) {
    const Bits* elements = b.first + row * b.stride;
    if (b.columns == kTileColumns<Bits>) {
      for (std::size_t i = 0; i < kTileColumns<Bits>; ++i) packed[i] = elements[i];
    } else {
      for (std::size_t i = 0; i < kTileColumns<Bits>; ++i) packed[i] = i < b.columns ? elements[i] : 0;
    }
  }
}

template <typename Bits>
Tile<Bits> tileOf(const Bits* rows, const Bits* columns, std::size_t depth) {
  constexpr std::size_t kLanes = VectorOf<Bits>::lanes;
  Tile<Bits> tile = {};
  for (std::size_t i = 0; i < depth; ++i, rows += kTileRows, columns += kTileColumns<Bits>) {
    VGPU_UNROLLED
    for (std::size_t row = 0; row < kTileRows; ++row) {
      VGPU_UNROLLED
      for (std::size_t j = 0; j < kTileVectors; ++j) {
        tile.vectors[row][j] += rows[row] * vectorAt(columns + j * kLanes);
      }
    }
  }
  return tile;
}

/** The part of a tile that the result has. */
template <typename Bits>
void write(const Tile<Bits>& tile, const ProductBlock<Bits>& c, bool isAdded) {
  constexpr std::size_t kLanes = VectorOf<Bits>::lanes;
  for (std::size_t row = 0; row < c.rows; ++row) {
    Bits* elements = c.first + row * c.stride;
    if (c.columns == kTileColumns<Bits>) {
      for (std::size_t j = 0; j < kTileVectors; ++j) {
        Vector<Bits>& vector = vectorAt(elements + j * kLanes);
        vector = isAdded ? vector + tile.vectors[row][j] : tile.vectors[row][j];
      }
    } else {
      for (std::size_t i = 0; i < c.columns; ++i) {
        elements[i] = (isAdded ? elements[i] : 0) + tile.vectors[row][i / kLanes][i % kLanes];
      }
    }
  }
}

template <typename Bits>
void multiply(const ProductBlock<const Bits>& a, const ProductBlock<const Bits>& b,
              const ProductBlock<Bits>& c, bool isAdded) {
  alignas(kVectorBytes) Bits rows[kProductRows * kDepth<Bits>];
  alignas(kVectorBytes) Bits columns[kTileColumns<Bits> * kDepth<Bits>];
  packRows(a, rows);
  for (std::size_t column = 0; column < c.columns; column += kTileColumns<Bits>) {
    const std::size_t width = least(kTileColumns<Bits>, c.columns - column);
    packColumns<Bits>({b.first + column, b.rows, width, b.stride}, columns);
    for (std::size_t row = 0; row < c.rows; row += kTileRows) {
      const Tile<Bits> tile = tileOf(rows + row * a.columns, columns, a.columns);
      const std::size_t height = least(kTileRows, c.rows - row);
      write<Bits>(tile, {c.first + row * c.stride + column, height, width, c.stride}, isAdded);
    }
  }
}

template <typename Bits>
Bits dot(const Bits* x, const Bits* y, std::size_t count) {
  Bits sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace

ProductKernels productKernels() {
  return {{multiply<std::uint32_t>, dot<std::uint32_t>}, {multiply<std::uint64_t>, dot<std::uint64_t>}};
}

}  // namespace vgpu::compute::VGPU_PRODUCT_PATH
