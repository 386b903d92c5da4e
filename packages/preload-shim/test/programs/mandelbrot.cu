// The Mandelbrot set in f32: neighbouring lanes leave the loop after very different numbers of turns.
#include <cmath>
#include <vector>

#include "check.h"

constexpr int kWidth = 101, kHeight = 67;
constexpr int kLimit = 160;

/// A product that the device compiler may not fuse with the sum that follows: both processors round it alike.
__host__ __device__ float product(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}

__host__ __device__ int escape_time(float real, float imaginary) {
  float x = 0.0f, y = 0.0f;
  for (int turn = 0; turn < kLimit; ++turn) {
    const float x_squared = product(x, x), y_squared = product(y, y);
    if (x_squared + y_squared > 4.0f) return turn;
    y = fmaf(x + x, y, imaginary);
    x = x_squared - y_squared + real;
  }
  return kLimit;
}

__host__ __device__ int pixel(int column, int row) {
  const float real = fmaf(static_cast<float>(column), 3.0f / kWidth, -2.2f);
  const float imaginary = fmaf(static_cast<float>(row), 2.4f / kHeight, -1.2f);
  return escape_time(real, imaginary);
}

__global__ void draw(int* picture) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (column >= kWidth || row >= kHeight) return;
  picture[row * kWidth + column] = pixel(column, row);
}

int main() {
  std::vector<int> picture(kWidth * kHeight);
  int* device_picture = nullptr;
  CHECK(cudaMalloc(&device_picture, picture.size() * sizeof(int)));
  const dim3 block(16, 8), grid((kWidth + 15) / 16, (kHeight + 7) / 8);
  draw<<<grid, block>>>(device_picture);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(picture.data(), device_picture, picture.size() * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_picture));

  int inside = 0;
  for (int row = 0; row < kHeight; ++row) {
    for (int column = 0; column < kWidth; ++column) {
      const int got = picture[row * kWidth + column], expected = pixel(column, row);
      REQUIRE(got == expected, "pixel (%d, %d) took %d turns, expected %d", column, row, got, expected);
      inside += static_cast<int>(got == kLimit);
    }
  }
  REQUIRE(inside > 500 && inside < 4000, "%d pixels inside the set: the picture is not plausible", inside);
  return passed("Mandelbrot set of %dx%d pixels, %d inside", kWidth, kHeight, inside);
}
