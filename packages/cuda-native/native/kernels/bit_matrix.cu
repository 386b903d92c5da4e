// Products of matrices of bits: columns of b become rows first, then each element is a count of common bits.
#include "common.cuh"

namespace vgpu::kernels {
namespace {

constexpr int kSide = 16;
constexpr int kWordBits = 64;

__device__ u64 wordsOf(u64 bits) {
  return bits / kWordBits + (bits % kWordBits != 0 ? 1 : 0);
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

// Row j of `out` are the words of column j; bits behind the last row are 0.
extern "C" __global__ void bits_transpose(const u64* words, u64 capacity, u64 rows, u64 columns, u64* out,
                                          u64 outCapacity) {
  const u64 width = wordsOf(columns);
  const u64 height = wordsOf(rows);
  if (!holds(capacity, rows, width) || !holds(outCapacity, columns, height)) return;
  for (u64 i = firstIndex(); i < columns * height; i += indexStep()) {
    // Threads beside each other read the same words.
    const u64 column = i % columns;
    const u64 first = i / columns * kWordBits;
    u64 made = 0;
    for (u64 row = first; row < bounded(first + kWordBits, rows); ++row) {
      made |= (words[row * width + column / kWordBits] >> column % kWordBits & 1) << (row - first);
    }
    out[column * height + first / kWordBits] = made;
  }
}

// Rows of a and rows of b have `words` words; 16 × 16 threads make 16 × 16 counts.
extern "C" __global__ void __launch_bounds__(256)
    bits_multiply(const u64* a, u64 aCapacity, const u64* b, u64 bCapacity, cuda::std::int32_t* counts,
                  u64 countsCapacity, u64 rows, u64 words, u64 columns) {
  __shared__ u64 left[kSide][kSide + 1];
  __shared__ u64 right[kSide][kSide + 1];
  if (!holds(aCapacity, rows, words) || !holds(bCapacity, columns, words) ||
      !holds(countsCapacity, rows, columns))
    return;
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  const u64 firstColumn = u64{blockIdx.x} * kSide;
  for (u64 firstRow = u64{blockIdx.y} * kSide; firstRow < rows; firstRow += u64{gridDim.y} * kSide) {
    int count = 0;
    for (u64 first = 0; first < words; first += kSide) {
      const u64 word = first + x;
      left[y][x] = firstRow + y < rows && word < words ? a[(firstRow + y) * words + word] : 0;
      right[y][x] = firstColumn + y < columns && word < words ? b[(firstColumn + y) * words + word] : 0;
      __syncthreads();
      for (int i = 0; i < kSide; ++i) count += __popcll(left[y][i] & right[x][i]);
      __syncthreads();
    }
    if (firstRow + y < rows && firstColumn + x < columns)
      counts[(firstRow + y) * columns + firstColumn + x] = count;
  }
}
