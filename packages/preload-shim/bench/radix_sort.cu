// CUB's radix sort beside std::sort and a plain radix sort in C++, on the same keys. Prints one line of JSON:
// milliseconds of each, one number per round.
//   PROGRAM KEYS ROUNDS
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cub/device/device_radix_sort.cuh>
#include <random>
#include <vector>

#include "../test/programs/check.h"

using Keys = std::vector<std::uint32_t>;

/// From the lowest byte to the highest: counts, then moves.
static void radix_sort(Keys& keys, Keys& other) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    std::array<std::size_t, 256> places{};
    for (const std::uint32_t key : keys) ++places[key >> shift & 255];
    std::size_t before = 0;
    for (std::size_t& place : places) before += std::exchange(place, before);
    for (const std::uint32_t key : keys) other[places[key >> shift & 255]++] = key;
    keys.swap(other);
  }
}

template <class F>
static double milliseconds(F work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

static void print(const char* name, const std::vector<double>& values, const char* end) {
  std::printf("\"%s\":[", name);
  for (std::size_t i = 0; i < values.size(); ++i) std::printf("%s%.3f", i == 0 ? "" : ",", values[i]);
  std::printf("]%s", end);
}

int main(int argc, char** argv) {
  REQUIRE(argc == 3, "usage: radix_sort KEYS ROUNDS");
  const std::size_t count = std::strtoull(argv[1], nullptr, 10);
  const int rounds = std::atoi(argv[2]);
  Keys keys(count), result(count), other(count);
  std::generate(keys.begin(), keys.end(), std::mt19937(1));

  std::uint32_t *in = nullptr, *out = nullptr;
  void* memory = nullptr;
  std::size_t bytes = 0;
  CHECK(cudaMalloc(&in, count * sizeof *in));
  CHECK(cudaMalloc(&out, count * sizeof *out));
  CHECK(cudaMemcpy(in, keys.data(), count * sizeof *in, cudaMemcpyHostToDevice));
  CHECK(cub::DeviceRadixSort::SortKeys(memory, bytes, in, out, count));
  CHECK(cudaMalloc(&memory, bytes));
  const auto sort_with_cub = [&] {
    CHECK(cub::DeviceRadixSort::SortKeys(memory, bytes, in, out, count));
    CHECK(cudaDeviceSynchronize());
  };
  sort_with_cub();  // the kernels are decoded at their first launch

  std::vector<double> cub, standard, plain;
  for (int round = 0; round < rounds; ++round) {
    cub.push_back(milliseconds(sort_with_cub));
    Keys expected = keys;
    standard.push_back(milliseconds([&] { std::sort(expected.begin(), expected.end()); }));
    result = keys;
    plain.push_back(milliseconds([&] { radix_sort(result, other); }));
    REQUIRE(result == expected, "the plain radix sort is wrong");
    CHECK(cudaMemcpy(result.data(), out, count * sizeof *out, cudaMemcpyDeviceToHost));
    REQUIRE(result == expected, "CUB's result is wrong");
  }
  std::printf("{");
  print("cub", cub, ",");
  print("std::sort", standard, ",");
  print("radix sort", plain, "}\n");
}
