// Heat spreading over a plate: a 5-point stencil with a halo in shared memory, several steps, odd edges.
#include <utility>
#include <vector>

#include "check.h"

constexpr int kTileX = 32, kTileY = 8;
constexpr float kRate = 0.2f;

/// The order and the rounding of every operation is fixed, because the compiler may otherwise fuse some of
/// them.
__global__ void spread(const float* before, float* after, int width, int height) {
  __shared__ float tile[kTileY + 2][kTileX + 2];
  const int first_x = static_cast<int>(blockIdx.x * kTileX) - 1;
  const int first_y = static_cast<int>(blockIdx.y * kTileY) - 1;
  const int thread = threadIdx.y * kTileX + threadIdx.x;
  for (int cell = thread; cell < (kTileX + 2) * (kTileY + 2); cell += kTileX * kTileY) {
    // Beyond the edge lies what lies on the edge.
    const int x = min(max(first_x + cell % (kTileX + 2), 0), width - 1);
    const int y = min(max(first_y + cell / (kTileX + 2), 0), height - 1);
    tile[cell / (kTileX + 2)][cell % (kTileX + 2)] = before[y * width + x];
  }
  __syncthreads();
  const int x = blockIdx.x * kTileX + threadIdx.x, y = blockIdx.y * kTileY + threadIdx.y;
  if (x >= width || y >= height) return;
  const int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
  const float own = tile[ty][tx];
  const float around =
      __fadd_rn(__fadd_rn(tile[ty][tx - 1], tile[ty][tx + 1]), __fadd_rn(tile[ty - 1][tx], tile[ty + 1][tx]));
  after[y * width + x] = __fadd_rn(own, __fmul_rn(kRate, __fsub_rn(around, __fmul_rn(4.0f, own))));
}

static void spread_on_host(const std::vector<float>& before, std::vector<float>& after, int width,
                           int height) {
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float own = before[y * width + x];
      const float west = x > 0 ? before[y * width + x - 1] : own;
      const float east = x + 1 < width ? before[y * width + x + 1] : own;
      const float north = y > 0 ? before[(y - 1) * width + x] : own;
      const float south = y + 1 < height ? before[(y + 1) * width + x] : own;
      after[y * width + x] = own + kRate * ((west + east) + (north + south) - 4.0f * own);
    }
  }
}

int main() {
  constexpr int kWidth = 101, kHeight = 61, kSteps = 9;
  std::vector<float> plate(kWidth * kHeight), next(plate.size()), result(plate.size());
  for (std::size_t i = 0; i < plate.size(); ++i) plate[i] = static_cast<float>(i * 7919 % 1013) / 9;

  const std::size_t bytes = plate.size() * sizeof(float);
  float *device_before = nullptr, *device_after = nullptr;
  CHECK(cudaMalloc(&device_before, bytes));
  CHECK(cudaMalloc(&device_after, bytes));
  CHECK(cudaMemcpy(device_before, plate.data(), bytes, cudaMemcpyHostToDevice));
  const dim3 block(kTileX, kTileY), grid((kWidth + kTileX - 1) / kTileX, (kHeight + kTileY - 1) / kTileY);
  for (int step = 0; step < kSteps; ++step) {
    spread<<<grid, block>>>(device_before, device_after, kWidth, kHeight);
    CHECK(cudaGetLastError());
    std::swap(device_before, device_after);
    spread_on_host(plate, next, kWidth, kHeight);
    std::swap(plate, next);
  }
  CHECK(cudaMemcpy(result.data(), device_before, bytes, cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_before));
  CHECK(cudaFree(device_after));

  for (std::size_t i = 0; i < plate.size(); ++i) {
    REQUIRE(result[i] == plate[i], "cell %zu is %a, expected %a", i, result[i], plate[i]);
  }
  return passed("5-point stencil on %dx%d cells, %d steps", kWidth, kHeight, kSteps);
}
