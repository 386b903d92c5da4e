// Elimination with partial pivoting on a matrix that has the right sides behind its columns, one column after
// the other. What is below the diagonal is not looked at again and keeps what it had.
#include "common.cuh"

namespace vgpu::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kSquareColumns = 32;
constexpr int kSquareRows = kThreads / kSquareColumns;

/** A NaN counts as the greatest: it shall reach the result. */
template <typename T>
__device__ bool greater(T one, u64 oneRow, T other, u64 otherRow) {
  if (one != one || other != other) return other == other;
  return one > other || (one == other && oneRow < otherRow);
}

/** The row, from the diagonal down, whose element is the greatest. By a whole block. */
template <typename T>
__device__ u64 findPivot(const T* a, u64 order, u64 width, u64 column) {
  __shared__ T magnitudes[kThreads];
  __shared__ u64 rows[kThreads];
  T most = -1;
  u64 at = column;
  for (u64 row = column + threadIdx.x; row < order; row += kThreads) {
    const T magnitude = fabs(a[row * width + column]);
    if (!greater(magnitude, row, most, at)) continue;
    most = magnitude;
    at = row;
  }
  magnitudes[threadIdx.x] = most;
  rows[threadIdx.x] = at;
  __syncthreads();
  for (int distance = kThreads / 2; distance > 0; distance /= 2) {
    const int other = threadIdx.x + distance;
    if (threadIdx.x < distance &&
        greater(magnitudes[other], rows[other], magnitudes[threadIdx.x], rows[threadIdx.x])) {
      magnitudes[threadIdx.x] = magnitudes[other];
      rows[threadIdx.x] = rows[other];
    }
    __syncthreads();
  }
  return rows[0];
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

// Without right sides (bCapacity 0) those of the inverse: the unit matrix.
#define LINEAR_SYSTEM(T)                                                                                   \
  extern "C" __global__ void join_##T(const T* a, u64 aCapacity, const T* b, u64 bCapacity, T* work,       \
                                      u64 capacity, u64 order, u64 columns) {                              \
    const u64 width = order + columns;                                                                     \
    if (!holds(aCapacity, order, order) || !holds(capacity, order, width)) return;                         \
    if (bCapacity != 0 && !holds(bCapacity, order, columns)) return;                                       \
    for (u64 i = firstIndex(); i < order * width; i += indexStep()) {                                      \
      const u64 row = i / width;                                                                           \
      const u64 column = i % width;                                                                        \
      if (column < order) {                                                                                \
        work[i] = a[row * order + column];                                                                 \
      } else {                                                                                             \
        const u64 side = column - order;                                                                   \
        work[i] = bCapacity != 0 ? b[row * columns + side] : static_cast<T>(row == side);                  \
      }                                                                                                    \
    }                                                                                                      \
  }                                                                                                        \
  /* One block. `singular` keeps the first column whose pivot is 0. */                                     \
  extern "C" __global__ void __launch_bounds__(256)                                                        \
      pivot_##T(T* work, u64 capacity, u64 order, u64 width, u64 column, u64* singular) {                  \
    if (!holds(capacity, order, width) || column >= order || order > width) return;                        \
    const u64 row = findPivot(work, order, width, column);                                                 \
    if (threadIdx.x == 0 && work[row * width + column] == 0 && *singular > column) *singular = column;     \
    __syncthreads();                                                                                       \
    if (row == column) return;                                                                             \
    for (u64 i = column + threadIdx.x; i < width; i += kThreads) {                                         \
      const T moved = work[row * width + i];                                                               \
      work[row * width + i] = work[column * width + i];                                                    \
      work[column * width + i] = moved;                                                                    \
    }                                                                                                      \
  }                                                                                                        \
  /* Takes multiples of row `column` from the rows first … last - 1, in the columns from `left` on. */   \
  extern "C" __global__ void __launch_bounds__(256) eliminate_##T(                                         \
      T* work, u64 capacity, u64 order, u64 width, u64 column, u64 first, u64 last, u64 left) {            \
    if (!holds(capacity, order, width) || column >= order || last > order || left <= column) return;       \
    const T* top = work + column * width;                                                                  \
    const u64 x = u64{blockIdx.x} * kSquareColumns + threadIdx.x % kSquareColumns + left;                  \
    for (u64 row = first + u64{blockIdx.y} * kSquareRows + threadIdx.x / kSquareColumns; row < last;       \
         row += u64{gridDim.y} * kSquareRows) {                                                            \
      if (row != column && x < width)                                                                      \
        work[row * width + x] -= work[row * width + column] / top[column] * top[x];                        \
    }                                                                                                      \
  }                                                                                                        \
  extern "C" __global__ void solution_##T(const T* work, u64 capacity, T* out, u64 outCapacity, u64 order, \
                                          u64 columns) {                                                   \
    const u64 width = order + columns;                                                                     \
    if (!holds(capacity, order, width) || !holds(outCapacity, order, columns)) return;                     \
    for (u64 i = firstIndex(); i < order * columns; i += indexStep()) {                                    \
      const u64 row = i / columns;                                                                         \
      out[i] = work[row * width + order + i % columns] / work[row * width + row];                          \
    }                                                                                                      \
  }
LINEAR_SYSTEM(f32)
LINEAR_SYSTEM(f64)
