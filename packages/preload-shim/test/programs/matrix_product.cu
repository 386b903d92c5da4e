// C = A * B through tiles in shared memory, with shapes that leave every edge tile partly empty.
#include <cmath>
#include <vector>

#include "check.h"

constexpr int kTile = 16;

/// A is rows x inner, B is inner x columns. The sums run over `inner` in rising order with fused operations,
/// so that the host can repeat them exactly; the zeros that fill an edge tile change nothing in them.
__global__ void multiply(const float* a, const float* b, float* c, int rows, int inner, int columns) {
  __shared__ float tile_a[kTile][kTile];
  __shared__ float tile_b[kTile][kTile];
  const int row = blockIdx.y * kTile + threadIdx.y;
  const int column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0.0f;
  for (int first = 0; first < inner; first += kTile) {
    const int inner_a = first + threadIdx.x;
    const int inner_b = first + threadIdx.y;
    tile_a[threadIdx.y][threadIdx.x] = row < rows && inner_a < inner ? a[row * inner + inner_a] : 0.0f;
    tile_b[threadIdx.y][threadIdx.x] =
        inner_b < inner && column < columns ? b[inner_b * columns + column] : 0.0f;
    __syncthreads();
    for (int k = 0; k < kTile; ++k) sum = fmaf(tile_a[threadIdx.y][k], tile_b[k][threadIdx.x], sum);
    __syncthreads();
  }
  if (row < rows && column < columns) c[row * columns + column] = sum;
}

int main() {
  constexpr int kRows = 75, kInner = 53, kColumns = 91;
  std::vector<float> a(kRows * kInner), b(kInner * kColumns), c(kRows * kColumns);
  for (std::size_t i = 0; i < a.size(); ++i)
    a[i] = static_cast<float>(static_cast<int>(i * 7919 % 2003) - 1001) / 64;
  for (std::size_t i = 0; i < b.size(); ++i)
    b[i] = static_cast<float>(static_cast<int>(i * 6101 % 1999) - 999) / 37;

  float *device_a = nullptr, *device_b = nullptr, *device_c = nullptr;
  CHECK(cudaMalloc(&device_a, a.size() * sizeof(float)));
  CHECK(cudaMalloc(&device_b, b.size() * sizeof(float)));
  CHECK(cudaMalloc(&device_c, c.size() * sizeof(float)));
  CHECK(cudaMemcpy(device_a, a.data(), a.size() * sizeof(float), cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_b, b.data(), b.size() * sizeof(float), cudaMemcpyHostToDevice));
  const dim3 block(kTile, kTile);
  const dim3 grid((kColumns + kTile - 1) / kTile, (kRows + kTile - 1) / kTile);
  multiply<<<grid, block>>>(device_a, device_b, device_c, kRows, kInner, kColumns);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(c.data(), device_c, c.size() * sizeof(float), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_a));
  CHECK(cudaFree(device_b));
  CHECK(cudaFree(device_c));

  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      float expected = 0.0f;
      for (int k = 0; k < kInner; ++k)
        expected = std::fma(a[row * kInner + k], b[k * kColumns + column], expected);
      const float got = c[row * kColumns + column];
      REQUIRE(got == expected, "element (%d, %d) is %a, expected %a", row, column, got, expected);
    }
  }
  return passed("matrix product %dx%d by %dx%d", kRows, kInner, kInner, kColumns);
}
