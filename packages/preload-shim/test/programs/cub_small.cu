// Four algorithms of CUB on few elements; test/cub has all of them in full, with Thrust (`pnpm test:cub`).
#include <algorithm>
#include <cub/device/device_histogram.cuh>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>
#include <cub/device/device_select.cuh>
#include <numeric>
#include <random>
#include <vector>

#include "check.h"

using Values = std::vector<unsigned>;

/// CUB's functions are called twice: for the size of their temporary memory, then to work.
template <class F>
static Values result_of(const Values& input, size_t outputs, F call) {
  unsigned *in = nullptr, *out = nullptr;
  void* memory = nullptr;
  size_t bytes = 0;
  Values output(outputs);
  CHECK(cudaMalloc(&in, std::max<size_t>(input.size(), 1) * sizeof(unsigned)));
  CHECK(cudaMalloc(&out, std::max<size_t>(outputs, 1) * sizeof(unsigned)));
  CHECK(cudaMemcpy(in, input.data(), input.size() * sizeof(unsigned), cudaMemcpyHostToDevice));
  CHECK(call(memory, bytes, in, out));
  CHECK(cudaMalloc(&memory, std::max<size_t>(bytes, 1)));
  CHECK(call(memory, bytes, in, out));
  CHECK(cudaMemcpy(output.data(), out, outputs * sizeof(unsigned), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(in));
  CHECK(cudaFree(out));
  CHECK(cudaFree(memory));
  return output;
}

struct IsSmall {
  __host__ __device__ bool operator()(unsigned value) const { return value < 300; }
};

static void test_size(int size) {
  std::mt19937 random(size);
  Values values(size), expected(size);
  for (unsigned& value : values) value = random() % 1000;

  std::partial_sort_copy(values.begin(), values.end(), expected.begin(), expected.end());
  const Values sorted =
      result_of(values, size, [&](void* memory, size_t& bytes, unsigned* in, unsigned* out) {
        return cub::DeviceRadixSort::SortKeys(memory, bytes, in, out, size);
      });
  REQUIRE(sorted == expected, "%d values are not sorted", size);

  std::partial_sum(values.begin(), values.end(), expected.begin());
  const Values sums = result_of(values, size, [&](void* memory, size_t& bytes, unsigned* in, unsigned* out) {
    return cub::DeviceScan::InclusiveSum(memory, bytes, in, out, size);
  });
  REQUIRE(sums == expected, "the sums of %d values are wrong", size);

  // The number of those that were selected comes behind them.
  expected.clear();
  std::copy_if(values.begin(), values.end(), std::back_inserter(expected), IsSmall());
  Values selected =
      result_of(values, size + 1, [&](void* memory, size_t& bytes, unsigned* in, unsigned* out) {
        return cub::DeviceSelect::If(memory, bytes, in, out, out + size, size, IsSmall());
      });
  selected.resize(std::min<size_t>(selected.back(), size));
  REQUIRE(selected == expected, "%zu of %d values were selected", selected.size(), size);

  expected.assign(10, 0);
  for (const unsigned value : values) ++expected[value / 100];
  const Values counts = result_of(values, 10, [&](void* memory, size_t& bytes, unsigned* in, unsigned* out) {
    return cub::DeviceHistogram::HistogramEven(memory, bytes, in, out, 11, 0u, 1000u, size);
  });
  REQUIRE(counts == expected, "the histogram of %d values is wrong", size);
}

int main() {
  for (const int size : {0, 1, 31, 33, 1000, 5000}) test_size(size);
  return passed("CUB sorts, scans, selects and counts");
}
