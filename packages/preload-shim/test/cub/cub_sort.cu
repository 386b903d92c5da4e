// Radix sort and segmented sort.
#include <cmath>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_sort.cuh>
#include <numeric>

#include "compare.h"

template <class T>
void sort_keys(size_t size) {
  std::vector<T> keys = random_keys<T>(size, 1);
  Array<T> in(keys), out(size);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceRadixSort::SortKeys(memory, bytes, in.data(), out.data(), size);
  });
  std::sort(keys.begin(), keys.end());
  expect_equal(out.host(), keys, "sort", name_of<T>(), size);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceRadixSort::SortKeysDescending(memory, bytes, in.data(), out.data(), size);
  });
  std::reverse(keys.begin(), keys.end());
  expect_equal(out.host(), keys, "descending sort", name_of<T>(), size);
}

template <class T>
void sort_pairs(size_t size) {
  const std::vector<T> keys = small_values<T>(size, 100, 2);
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  Array<T> in(keys), out(size);
  Array<std::uint32_t> values(order), sorted(size);
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(memory, bytes, in.data(), out.data(), values.data(), sorted.data(),
                                           size);
  });
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
  expect_equal(sorted.host(), order, "stable sort of pairs", name_of<T>(), size);
}

template <class T>
void sort_segments(size_t size) {
  std::vector<T> keys = random_keys<T>(size, 3);
  std::vector<std::uint32_t> ends{0};
  std::mt19937 random(4);
  // Empty, small, and (one in ten) large segments, which CUB sorts in three different ways.
  while (ends.back() < size) {
    const size_t length = random() % 10 == 0 ? random() % 5000 : random() % 40;
    ends.push_back(static_cast<std::uint32_t>(std::min(size, ends.back() + length)));
  }
  Array<T> in(keys), out(size);
  Array<std::uint32_t> offsets(ends);
  const auto segments = static_cast<int>(ends.size()) - 1;
  with_temporary_memory([&](void* memory, size_t& bytes) {
    return cub::DeviceSegmentedSort::SortKeys(memory, bytes, in.data(), out.data(), static_cast<int>(size),
                                              segments, offsets.data(), offsets.data() + 1);
  });
  for (int i = 0; i < segments; ++i) std::sort(keys.begin() + ends[i], keys.begin() + ends[i + 1]);
  expect_equal(out.host(), keys, "segmented sort", name_of<T>(), size);
}

template <class T>
void sort_all(size_t size) {
  sort_keys<T>(size);
  sort_pairs<T>(size);
  sort_segments<T>(size);
}

int main(int argc, char** argv) {
  return run_sizes(argc, argv, "cub sort", [](size_t size) {
    sort_all<std::uint32_t>(size);
    sort_all<std::uint64_t>(size);
    sort_all<float>(size);
    sort_all<double>(size);
    sort_keys<std::int32_t>(size);
  });
}
