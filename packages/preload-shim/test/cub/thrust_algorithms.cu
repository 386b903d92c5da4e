// The other algorithms of Thrust that programs use most.
#include <thrust/copy.h>
#include <thrust/device_vector.h>
#include <thrust/merge.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/unique.h>

#include <cmath>
#include <numeric>

#include "compare.h"

template <class T>
std::vector<T> to_host(const thrust::device_vector<T>& vector) {
  std::vector<T> values(vector.size());
  thrust::copy(vector.begin(), vector.end(), values.begin());
  return values;
}

template <class T>
struct IsOdd {
  __host__ __device__ bool operator()(T value) const { return static_cast<std::uint32_t>(value) % 2 == 1; }
};

template <class T>
void reduce_and_scan(size_t size) {
  const std::vector<T> values = small_values<T>(size, 10, 1);
  const thrust::device_vector<T> device(values.begin(), values.end());
  const T sum = thrust::reduce(device.begin(), device.end(), T{});
  expect_equal(std::vector<T>{sum}, {std::accumulate(values.begin(), values.end(), T{})}, "thrust::reduce",
               name_of<T>(), size);
  thrust::device_vector<T> sums(size);
  thrust::inclusive_scan(device.begin(), device.end(), sums.begin());
  std::vector<T> expected(size);
  std::inclusive_scan(values.begin(), values.end(), expected.begin());
  expect_equal(to_host(sums), expected, "thrust::inclusive_scan", name_of<T>(), size);
}

template <class T>
void reduce_by_key(size_t size) {
  const std::vector<T> keys = runs_of_keys<T>(size, 100, 2);
  const thrust::device_vector<T> device_keys(keys.begin(), keys.end());
  const thrust::device_vector<T> ones(size, T(1));
  thrust::device_vector<T> unique(size), counts(size);
  const auto ends = thrust::reduce_by_key(device_keys.begin(), device_keys.end(), ones.begin(),
                                          unique.begin(), counts.begin());
  unique.resize(ends.first - unique.begin());
  counts.resize(ends.second - counts.begin());
  std::vector<T> expected_keys, expected_counts;
  for (const T key : keys) {
    if (expected_keys.empty() || expected_keys.back() != key) {
      expected_keys.push_back(key);
      expected_counts.push_back(T{});
    }
    expected_counts.back() += T(1);
  }
  expect_equal(to_host(unique), expected_keys, "keys of thrust::reduce_by_key", name_of<T>(), size);
  expect_equal(to_host(counts), expected_counts, "thrust::reduce_by_key", name_of<T>(), size);
}

template <class T>
void select_and_unique(size_t size) {
  std::vector<T> values = runs_of_keys<T>(size, 5, 3), odd;
  thrust::device_vector<T> device(values.begin(), values.end()), selected(size);
  selected.resize(thrust::copy_if(device.begin(), device.end(), selected.begin(), IsOdd<T>()) -
                  selected.begin());
  std::copy_if(values.begin(), values.end(), std::back_inserter(odd), IsOdd<T>());
  expect_equal(to_host(selected), odd, "thrust::copy_if", name_of<T>(), size);
  device.resize(thrust::unique(device.begin(), device.end()) - device.begin());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  expect_equal(to_host(device), values, "thrust::unique", name_of<T>(), size);
}

template <class T>
void merge(size_t size) {
  std::vector<T> first = random_keys<T>(size, 4), second = random_keys<T>(size / 3, 5), expected;
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  std::merge(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(expected));
  const thrust::device_vector<T> a(first.begin(), first.end()), b(second.begin(), second.end());
  thrust::device_vector<T> merged(expected.size());
  thrust::merge(a.begin(), a.end(), b.begin(), b.end(), merged.begin());
  expect_equal(to_host(merged), expected, "thrust::merge", name_of<T>(), size);
}

template <class T>
void all(size_t size) {
  reduce_and_scan<T>(size);
  reduce_by_key<T>(size);
  select_and_unique<T>(size);
  merge<T>(size);
}

int main(int argc, char** argv) {
  return run_sizes(argc, argv, "thrust algorithms", [](size_t size) {
    all<std::uint32_t>(size);
    all<std::uint64_t>(size);
    all<float>(size);
    all<double>(size);
  });
}
