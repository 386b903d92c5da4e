// Selection, unique, histogram, merge.
#include <cmath>
#include <cub/device/device_histogram.cuh>
#include <cub/device/device_merge.cuh>
#include <cub/device/device_select.cuh>

#include "compare.h"

template <class T>
struct IsSmall {
  __host__ __device__ bool operator()(T value) const { return value < T(300); }
};

template <class T>
void select(size_t size) {
  const std::vector<T> values = small_values<T>(size, 1000, 1);
  std::vector<T> expected;
  std::copy_if(values.begin(), values.end(), std::back_inserter(expected), IsSmall<T>());
  Array<T> in(values), out(size);
  Array<std::uint64_t> count(1);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceSelect::If(memory, bytes, in.data(), out.data(), count.data(), size, IsSmall<T>());
  });
  expect_equal(out.host(count.host()[0]), expected, "select", name_of<T>(), size);
}

template <class T>
void unique(size_t size) {
  std::vector<T> values = runs_of_keys<T>(size, 50, 2);
  Array<T> in(values), out(size);
  Array<std::uint64_t> count(1);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceSelect::Unique(memory, bytes, in.data(), out.data(), count.data(), size);
  });
  values.erase(std::unique(values.begin(), values.end()), values.end());
  expect_equal(out.host(count.host()[0]), values, "unique", name_of<T>(), size);
}

template <class T>
void histogram(size_t size) {
  constexpr int kBins = 100;
  const std::vector<T> values = small_values<T>(size, 1200, 3);
  std::vector<std::uint32_t> expected(kBins);
  for (const T value : values) {
    if (value < T(1000)) ++expected[static_cast<size_t>(value) / 10];
  }
  Array<T> in(values);
  Array<std::uint32_t> bins(kBins);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceHistogram::HistogramEven(memory, bytes, in.data(), bins.data(), kBins + 1, T(0),
                                               T(1000), static_cast<int>(size));
  });
  expect_equal(bins.host(), expected, "histogram", name_of<T>(), size);
}

template <class T>
void merge(size_t size) {
  std::vector<T> first = random_keys<T>(size, 4), second = random_keys<T>(size / 2, 5);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  std::vector<T> expected;
  std::merge(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(expected));
  Array<T> a(first), b(second), out(expected.size());
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceMerge::MergeKeys(memory, bytes, a.data(), static_cast<int>(first.size()), b.data(),
                                       static_cast<int>(second.size()), out.data());
  });
  expect_equal(out.host(), expected, "merge", name_of<T>(), size);
}

template <class T>
void select_all(size_t size) {
  select<T>(size);
  unique<T>(size);
  histogram<T>(size);
  merge<T>(size);
}

int main(int argc, char** argv) {
  return run_sizes(argc, argv, "cub select, histogram, merge", [](size_t size) {
    select_all<std::uint32_t>(size);
    select_all<std::uint64_t>(size);
    select_all<float>(size);
    select_all<double>(size);
  });
}
