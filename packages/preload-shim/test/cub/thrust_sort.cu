// Sorting with Thrust: radix sort for the usual order, merge sort for one of the program's own.
#include <thrust/device_vector.h>
#include <thrust/sequence.h>
#include <thrust/sort.h>

#include <cmath>
#include <numeric>

#include "compare.h"

template <class T>
std::vector<T> to_host(const thrust::device_vector<T>& vector) {
  std::vector<T> values(vector.size());
  thrust::copy(vector.begin(), vector.end(), values.begin());
  return values;
}

/// By the last digit, so that many keys are equal.
template <class T>
struct LastDigitLess {
  __host__ __device__ bool operator()(T a, T b) const {
    return static_cast<std::uint64_t>(a) % 10 < static_cast<std::uint64_t>(b) % 10;
  }
};

template <class T>
void sort(size_t size) {
  std::vector<T> keys = random_keys<T>(size, 1);
  thrust::device_vector<T> device(keys.begin(), keys.end());
  thrust::sort(device.begin(), device.end());
  std::sort(keys.begin(), keys.end());
  expect_equal(to_host(device), keys, "thrust::sort", name_of<T>(), size);
}

template <class T, class Less>
void stable_sort_by_key(size_t size, Less less, const char* what) {
  const std::vector<T> keys = small_values<T>(size, 1000, 2);
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  thrust::device_vector<T> device(keys.begin(), keys.end());
  thrust::device_vector<std::uint32_t> values(size);
  thrust::sequence(values.begin(), values.end());
  thrust::stable_sort_by_key(device.begin(), device.end(), values.begin(), less);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return less(keys[a], keys[b]); });
  expect_equal(to_host(values), order, what, name_of<T>(), size);
}

template <class T>
void sort_all(size_t size) {
  sort<T>(size);
  stable_sort_by_key<T>(size, thrust::less<T>(), "thrust::stable_sort_by_key");
  stable_sort_by_key<T>(size, LastDigitLess<T>(), "thrust::stable_sort_by_key with an order of its own");
}

int main(int argc, char** argv) {
  return run_sizes(argc, argv, "thrust sort", [](size_t size) {
    sort_all<std::uint32_t>(size);
    sort_all<std::uint64_t>(size);
    sort_all<float>(size);
    sort_all<double>(size);
  });
}
