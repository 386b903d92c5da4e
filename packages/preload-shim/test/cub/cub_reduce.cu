// Scan, reduction, reduction by key.
#include <cmath>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_scan.cuh>
#include <numeric>

#include "compare.h"

template <class T>
void scan(size_t size) {
  const std::vector<T> values = small_values<T>(size, 10, 1);
  std::vector<T> expected(size);
  Array<T> in(values), out(size);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceScan::InclusiveSum(memory, bytes, in.data(), out.data(), size);
  });
  std::inclusive_scan(values.begin(), values.end(), expected.begin());
  expect_equal(out.host(), expected, "inclusive sum", name_of<T>(), size);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceScan::ExclusiveSum(memory, bytes, in.data(), out.data(), size);
  });
  std::exclusive_scan(values.begin(), values.end(), expected.begin(), T{});
  expect_equal(out.host(), expected, "exclusive sum", name_of<T>(), size);
}

template <class T>
void reduce(size_t size) {
  const std::vector<T> values = small_values<T>(size, 10, 2);
  Array<T> in(values), out(1);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceReduce::Sum(memory, bytes, in.data(), out.data(), size);
  });
  expect_equal(out.host(), {std::accumulate(values.begin(), values.end(), T{})}, "sum", name_of<T>(), size);
  if (size == 0) return;
  const std::vector<T> keys = random_keys<T>(size, 3);
  Array<T> all(keys);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceReduce::Max(memory, bytes, all.data(), out.data(), size);
  });
  expect_equal(out.host(), {*std::max_element(keys.begin(), keys.end())}, "maximum", name_of<T>(), size);
}

template <class T>
void reduce_by_key(size_t size) {
  const std::vector<T> keys = runs_of_keys<T>(size, 300, 4);
  const std::vector<T> values = small_values<T>(size, 10, 5);
  std::vector<T> unique, sums;
  for (size_t i = 0; i < size; ++i) {
    if (i == 0 || keys[i] != keys[i - 1]) {
      unique.push_back(keys[i]);
      sums.push_back(T{});
    }
    sums.back() += values[i];
  }
  Array<T> keys_in(keys), values_in(values), keys_out(size), sums_out(size);
  Array<std::uint64_t> runs(1);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceReduce::ReduceByKey(memory, bytes, keys_in.data(), keys_out.data(), values_in.data(),
                                          sums_out.data(), runs.data(), cuda::std::plus<>{}, size);
  });
  const size_t count = runs.host()[0];
  REQUIRE(count == unique.size(), "reduction of %zu %s by key: %zu runs, expected %zu", size, name_of<T>(),
          count, unique.size());
  expect_equal(keys_out.host(count), unique, "keys of reduction by key", name_of<T>(), size);
  expect_equal(sums_out.host(count), sums, "reduction by key", name_of<T>(), size);
}

template <class T>
void reduce_all(size_t size) {
  scan<T>(size);
  reduce<T>(size);
  reduce_by_key<T>(size);
}

int main(int argc, char** argv) {
  return run_sizes(argc, argv, "cub scan and reduce", [](size_t size) {
    reduce_all<std::uint32_t>(size);
    reduce_all<std::uint64_t>(size);
    reduce_all<float>(size);
    reduce_all<double>(size);
  });
}
