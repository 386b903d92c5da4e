// Constant and global variables of a module: initial values, copies to and from them, their addresses and
// sizes.
#include <cstring>
#include <vector>

#include "check.h"

struct Rule {
  unsigned char kind;
  short step;
  double weight;
};

__constant__ int coefficients[16] = {1, -2, 3, -4, 5};
__constant__ Rule rules[3] = {{1, -5, 0.5}, {2, 7, 0.25}, {3, 11, -8.0}};
__device__ int table[5] = {10, 20, 30, 40, 50};
__device__ unsigned launches = 41;
__device__ long long never_touched;
__device__ const char greeting[] = "constant";
__device__ int* chosen = &table[2];  // an address in an initialiser

__global__ void evaluate(int* results, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i == 0) atomicAdd(&launches, 1u);
  if (i >= count) return;
  int result = 0;
  for (int k = 15; k >= 0; --k) result = result * (i % 3) + coefficients[k];
  // A different rule in each lane: constant memory may be indexed by anything.
  const Rule rule = rules[i % 3];
  result += rule.kind * 1000 + rule.step + static_cast<int>(rule.weight * 4);
  results[i] = result + greeting[i % 8] + *chosen + static_cast<int>(never_touched);
}

static std::vector<int> run(int count) {
  int* device_results = nullptr;
  std::vector<int> results(count);
  CHECK(cudaMalloc(&device_results, count * sizeof(int)));
  evaluate<<<(count + 63) / 64, 64>>>(device_results, count);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(results.data(), device_results, count * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_results));
  return results;
}

static int expected_at(int i, const int* coefficient, int chosen_value) {
  static const Rule host_rules[3] = {{1, -5, 0.5}, {2, 7, 0.25}, {3, 11, -8.0}};
  int result = 0;
  for (int k = 15; k >= 0; --k) result = result * (i % 3) + coefficient[k];
  const Rule& rule = host_rules[i % 3];
  result += rule.kind * 1000 + rule.step + static_cast<int>(rule.weight * 4);
  return result + "constant"[i % 8] + chosen_value;
}

int main() {
  constexpr int kCount = 301;
  int host_coefficients[16] = {1, -2, 3, -4, 5};
  std::vector<int> results = run(kCount);
  for (int i = 0; i < kCount; ++i) {
    const int expected = expected_at(i, host_coefficients, 30);
    REQUIRE(results[i] == expected, "initial values: element %d is %d, expected %d", i, results[i], expected);
  }

  // Replace a part in the middle, then read everything back.
  const int replacement[3] = {100, 200, 300};
  std::memcpy(&host_coefficients[4], replacement, sizeof replacement);
  CHECK(cudaMemcpyToSymbol(coefficients, replacement, sizeof replacement, 4 * sizeof(int)));
  const int new_choice = 33;
  CHECK(cudaMemcpyToSymbol(table, &new_choice, sizeof new_choice, 2 * sizeof(int)));
  results = run(kCount);
  for (int i = 0; i < kCount; ++i) {
    const int expected = expected_at(i, host_coefficients, new_choice);
    REQUIRE(results[i] == expected, "changed values: element %d is %d, expected %d", i, results[i], expected);
  }
  int copied[16] = {};
  CHECK(cudaMemcpyFromSymbol(copied, coefficients, sizeof copied));
  REQUIRE(std::memcmp(copied, host_coefficients, sizeof copied) == 0,
          "cudaMemcpyFromSymbol: other coefficients");
  int last_two[2] = {};
  CHECK(cudaMemcpyFromSymbol(last_two, table, sizeof last_two, 3 * sizeof(int)));
  REQUIRE(last_two[0] == 40 && last_two[1] == 50, "table ends with %d, %d", last_two[0], last_two[1]);
  unsigned count = 0;
  CHECK(cudaMemcpyFromSymbol(&count, launches, sizeof count));
  REQUIRE(count == 43, "the kernels counted %u launches, expected 43", count);

  // The address of a symbol is an ordinary device pointer.
  std::size_t bytes = 0;
  CHECK(cudaGetSymbolSize(&bytes, table));
  REQUIRE(bytes == sizeof(int) * 5, "table has %zu bytes", bytes);
  void* address = nullptr;
  CHECK(cudaGetSymbolAddress(&address, table));
  int first = 0;
  CHECK(cudaMemcpy(&first, address, sizeof first, cudaMemcpyDeviceToHost));
  REQUIRE(first == 10, "table starts with %d", first);

  // A copy past the end of a symbol is refused.
  EXPECT_STATUS(cudaMemcpyToSymbol(table, replacement, sizeof replacement, 4 * sizeof(int)),
                cudaErrorInvalidValue);
  return passed("constant memory and symbols");
}
