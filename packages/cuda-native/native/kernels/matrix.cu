// Products and transposes of matrices whose rows lie one behind the other.
#include "common.cuh"

namespace vgpu::kernels {
namespace {

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kSide = 4;
constexpr int kThreads = kTile / kSide;

struct Shape {
  u64 rows;
  u64 inner;
  u64 columns;
};

/** 16 × 16 threads make a tile of 64 × 64 from `firstRow` on, each 4 × 4 elements that lie 16 apart. */
template <typename T>
__device__ void multiplyTile(const T* a, const T* b, T* c, const Shape& shape, u64 firstRow) {
  __shared__ T left[kDepth][kTile + 1];
  __shared__ T right[kDepth][kTile];
  const int x = threadIdx.x % kThreads;
  const int y = threadIdx.x / kThreads;
  const u64 firstColumn = u64{blockIdx.x} * kTile;
  T sums[kSide][kSide] = {};
  for (u64 first = 0; first < shape.inner; first += kDepth) {
    for (int part = 0; part < kTile * kDepth; part += kThreads * kThreads) {
      const int at = part + threadIdx.x;
      const u64 row = firstRow + at / kDepth;
      const u64 depth = first + at % kDepth;
      left[at % kDepth][at / kDepth] =
          row < shape.rows && depth < shape.inner ? a[row * shape.inner + depth] : T{0};
      const u64 column = firstColumn + at % kTile;
      const u64 below = first + at / kTile;
      right[at / kTile][at % kTile] =
          below < shape.inner && column < shape.columns ? b[below * shape.columns + column] : T{0};
    }
    __syncthreads();
    for (int depth = 0; depth < kDepth; ++depth) {
      for (int i = 0; i < kSide; ++i) {
        for (int j = 0; j < kSide; ++j) {
          sums[i][j] += left[depth][y + i * kThreads] * right[depth][x + j * kThreads];
        }
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < kSide; ++i) {
    for (int j = 0; j < kSide; ++j) {
      const u64 row = firstRow + y + i * kThreads;
      const u64 column = firstColumn + x + j * kThreads;
      if (row < shape.rows && column < shape.columns) c[row * shape.columns + column] = sums[i][j];
    }
  }
}

constexpr int kSquare = 32;
constexpr int kSquareRows = 8;

template <typename Bits>
__device__ void transposeSquare(const Bits* a, Bits* out, u64 rows, u64 columns, u64 firstRow) {
  // One more column, so that neither rows nor columns lie in one bank.
  __shared__ Bits tile[kSquare][kSquare + 1];
  const int x = threadIdx.x % kSquare;
  const int y = threadIdx.x / kSquare;
  for (int i = y; i < kSquare; i += kSquareRows) {
    const u64 row = firstRow + i;
    const u64 column = u64{blockIdx.x} * kSquare + x;
    if (row < rows && column < columns) tile[i][x] = a[row * columns + column];
  }
  __syncthreads();
  for (int i = y; i < kSquare; i += kSquareRows) {
    const u64 row = u64{blockIdx.x} * kSquare + i;
    const u64 column = firstRow + x;
    if (row < columns && column < rows) out[row * rows + column] = tile[x][i];
  }
  __syncthreads();
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

// A shape that does not fit the buffers is not computed at all. A grid has at most 65535 rows and layers of
// blocks: each goes on to what is behind the whole grid.
#define MATMUL(T)                                                                                      \
  extern "C" __global__ void __launch_bounds__(256)                                                    \
      matmul_##T(const T* a, u64 aCapacity, const T* b, u64 bCapacity, T* c, u64 cCapacity, u64 count, \
                 u64 rows, u64 inner, u64 columns) {                                                   \
    if (!holds(aCapacity, count, rows, inner) || !holds(bCapacity, count, inner, columns) ||           \
        !holds(cCapacity, count, rows, columns))                                                       \
      return;                                                                                          \
    for (u64 i = blockIdx.z; i < count; i += gridDim.z)                                                \
      for (u64 row = u64{blockIdx.y} * kTile; row < rows; row += u64{gridDim.y} * kTile)               \
        multiplyTile<T>(a + i * rows * inner, b + i * inner * columns, c + i * rows * columns,         \
                        {rows, inner, columns}, row);                                                  \
  }
MATMUL(f32)
MATMUL(f64)
// Signed integers, too: they wrap around to the same bits.
MATMUL(u32)
MATMUL(u64)

#define TRANSPOSE(Bits)                                                                                   \
  extern "C" __global__ void __launch_bounds__(256)                                                       \
      transpose_##Bits(const Bits* a, u64 aCapacity, Bits* out, u64 outCapacity, u64 rows, u64 columns) { \
    if (!holds(aCapacity, rows, columns) || !holds(outCapacity, rows, columns)) return;                   \
    for (u64 row = u64{blockIdx.y} * kSquare; row < rows; row += u64{gridDim.y} * kSquare)                \
      transposeSquare<Bits>(a, out, rows, columns, row);                                                  \
  }
TRANSPOSE(u32)
TRANSPOSE(u64)
