// y = a * x + y in float. The kernel asks for the fused operation, and so does the host: the results are the
// same bits.
#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"

__global__ void saxpy(int count, float a, const float* __restrict__ x, float* __restrict__ y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = fmaf(a, x[i], y[i]);
}

int main() {
  constexpr int kCount = 5003;
  constexpr int kBlock = 128;
  constexpr std::size_t kBytes = kCount * sizeof(float);
  const float a = static_cast<float>(-2.7182818284590452354);
  std::vector<float> x(kCount), y(kCount), result(kCount);
  for (int i = 0; i < kCount; ++i) {
    x[i] = static_cast<float>(i % 97) / 7 - 3;
    y[i] = static_cast<float>(1) / (i + 1);
  }
  // The corners of the format: a sum that overflows, a denormal result, infinities and not-a-numbers.
  x[0] = HUGE_VALF, y[0] = 1;
  x[1] = HUGE_VALF, y[1] = HUGE_VALF;
  x[2] = std::nextafter(float{0}, float{1}), y[2] = 0;
  x[3] = -std::nextafter(float(INFINITY), float{0}), y[3] = std::nextafter(float(INFINITY), float{0});
  x[4] = float(NAN), y[4] = 1;

  float *device_x = nullptr, *device_y = nullptr;
  CHECK(cudaMalloc(&device_x, kBytes));
  CHECK(cudaMalloc(&device_y, kBytes));
  CHECK(cudaMemcpy(device_x, x.data(), kBytes, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_y, y.data(), kBytes, cudaMemcpyHostToDevice));
  saxpy<<<(kCount + kBlock - 1) / kBlock, kBlock>>>(kCount, a, device_x, device_y);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(result.data(), device_y, kBytes, cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_x));
  CHECK(cudaFree(device_y));

  for (int i = 0; i < kCount; ++i) {
    const float expected = std::fma(a, x[i], y[i]);
    // Which bits a NaN carries differs between processors, so any NaN stands for any other.
    const bool same = std::isnan(expected) ? std::isnan(result[i])
                                           : std::memcmp(&expected, &result[i], sizeof expected) == 0;
    REQUIRE(same, "element %d is %a, expected %a", i, static_cast<double>(result[i]),
            static_cast<double>(expected));
  }
  return passed("saxpy of %d values in float", kCount);
}
