// What the programs here share: keys of every type, arrays on the device, and the comparison with the host.
//   PROGRAM [SIZE…]
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "../programs/check.h"

/// Memory on the device for as long as the object lives.
template <class T>
class Array {
 public:
  explicit Array(size_t size) : size_(size) {
    if (size != 0) CHECK(cudaMalloc(&data_, size * sizeof(T)));
  }
  explicit Array(const std::vector<T>& values) : Array(values.size()) {
    if (size_ != 0) CHECK(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~Array() { cudaFree(data_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* data() const { return data_; }
  std::vector<T> host(size_t count) const {
    std::vector<T> values(count);
    if (count != 0) CHECK(cudaMemcpy(values.data(), data_, count * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }
  std::vector<T> host() const { return host(size_); }

 private:
  T* data_ = nullptr;
  size_t size_;
};

/// Any value of an integer type; floating point with every sign and magnitude, and infinities, but neither
/// NaN nor -0, which has no order against 0.
template <class T>
std::vector<T> random_keys(size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<T> keys(size);
  for (T& key : keys) {
    if constexpr (std::is_integral_v<T>) {
      key = static_cast<T>(random());
    } else {
      const int exponent = static_cast<int>(random() % 200) - 100;
      key = std::ldexp(static_cast<T>(random() % 2000) - T(999.5), exponent);
      if (random() % 500 == 0) key = std::numeric_limits<T>::infinity() * (random() % 2 == 0 ? 1 : -1);
    }
  }
  return keys;
}

/// Whole numbers from 0 to `limit` - 1: sums of a million of them are exact in every type, and keys repeat.
template <class T>
std::vector<T> small_values(size_t size, unsigned limit, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<T> values(size);
  for (T& value : values) value = static_cast<T>(random() % limit);
  return values;
}

/// Runs of equal keys, of 1 to `longest` elements.
template <class T>
std::vector<T> runs_of_keys(size_t size, size_t longest, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<T> keys;
  while (keys.size() < size) {
    const size_t count = std::min(1 + static_cast<size_t>(random() % longest), size - keys.size());
    keys.insert(keys.end(), count, static_cast<T>(random() % 1000));
  }
  return keys;
}

template <class T>
constexpr const char* name_of() {
  if constexpr (std::is_same_v<T, std::uint32_t>) return "u32";
  if constexpr (std::is_same_v<T, std::int32_t>) return "s32";
  if constexpr (std::is_same_v<T, std::uint64_t>) return "u64";
  if constexpr (std::is_same_v<T, std::int64_t>) return "s64";
  if constexpr (std::is_same_v<T, float>) return "f32";
  return "f64";
}

/// Ends the program where device and host differ.
template <class T>
void expect_equal(const std::vector<T>& device, const std::vector<T>& host, const char* what,
                  const char* type, size_t size) {
  REQUIRE(device.size() == host.size(), "%s of %zu %s has %zu elements, expected %zu", what, size, type,
          device.size(), host.size());
  for (size_t i = 0; i < host.size(); ++i) {
    REQUIRE(device[i] == host[i], "%s of %zu %s: element %zu is %.17g, expected %.17g", what, size, type, i,
            static_cast<double>(device[i]), static_cast<double>(host[i]));
  }
}

/// Calls a CUB function twice, as CUB wants it: for the size of its temporary memory, then to work.
template <class F>
void with_temporary_memory(F call) {
  size_t bytes = 0;
  CHECK(call(static_cast<void*>(nullptr), bytes));
  Array<char> memory(std::max<size_t>(bytes, 1));
  CHECK(call(static_cast<void*>(memory.data()), bytes));
}

/// Calls `test(size)` for every size that the program was given.
template <class F>
int run_sizes(int argc, char** argv, const char* what, F test) {
  std::vector<size_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::strtoull(argv[i], nullptr, 10));
  if (sizes.empty()) sizes = {0, 1, 31, 33, 1000};
  const auto start = std::chrono::steady_clock::now();
  for (const size_t size : sizes) test(size);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return passed("%s: %zu sizes up to %zu in %.2f s", what, sizes.size(),
                *std::max_element(sizes.begin(), sizes.end()), seconds.count());
}
