// All instruction sets give the same bits.
#include "compute/kernels.h"

#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace vgpu::compute;

struct Path {
  std::string name;
  KernelTable table;
};

/** Those that this processor has, the portable one first. */
std::vector<Path> paths() {
  std::vector<Path> found{{"portable", portable::kernelTable()}};
#ifdef VGPU_X86_PATHS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    found.push_back({"avx2", avx2::kernelTable()});
  }
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    found.push_back({"avx512", avx512::kernelTable()});
  }
#endif
  return found;
}

template <typename T>
const Kernels<T>& of(const KernelTable& table) {
  if constexpr (typeOf<T>() == ElementType::f32) return table.f32;
  if constexpr (typeOf<T>() == ElementType::f64) return table.f64;
  if constexpr (typeOf<T>() == ElementType::i32) return table.i32;
  if constexpr (typeOf<T>() == ElementType::u32) return table.u32;
  if constexpr (typeOf<T>() == ElementType::i64) return table.i64;
  if constexpr (typeOf<T>() == ElementType::u64) return table.u64;
}

template <typename T>
std::vector<T> randomElements(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<T> elements(count);
  for (T& element : elements) {
    const std::uint64_t bits = generator();
    // Any bits: floats of all magnitudes, infinities and NaN.
    std::memcpy(&element, &bits, sizeof(T));
  }
  return elements;
}

template <typename T>
bool sameBits(const T& one, const T& other) {
  if constexpr (std::is_floating_point_v<T>) {
    // Which NaN comes out is not promised.
    if (one != one && other != other) return true;
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    return std::bit_cast<Bits>(one) == std::bit_cast<Bits>(other);
  } else {
    return one == other;
  }
}

template <typename T>
void compareElementwise(const Kernels<T>& reference, const Kernels<T>& kernels, const std::vector<T>& x,
                        const std::vector<T>& y) {
  const std::size_t count = x.size();
  std::vector<T> expected(count);
  std::vector<T> actual(count);
  const auto compare = [&](const auto& run) {
    run(reference, expected.data());
    run(kernels, actual.data());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) wrong += sameBits(expected[i], actual[i]) ? 0U : 1U;
    CHECK(wrong == 0);
  };
  compare([&](const Kernels<T>& k, T* out) { k.add(x.data(), y.data(), out, count); });
  compare([&](const Kernels<T>& k, T* out) { k.sub(x.data(), y.data(), out, count); });
  compare([&](const Kernels<T>& k, T* out) { k.mul(x.data(), y.data(), out, count); });
  compare([&](const Kernels<T>& k, T* out) { k.div(x.data(), y.data(), out, count); });
  compare([&](const Kernels<T>& k, T* out) { k.scale(x.data(), T{3}, out, count); });
  compare([&](const Kernels<T>& k, T* out) { k.axpy(T{3}, x.data(), y.data(), out, count); });
}

template <typename T>
void compareSums(const Kernels<T>& reference, const Kernels<T>& kernels, const std::vector<T>& x,
                 const std::vector<T>& y) {
  CHECK(sameBits(reference.sum(x.data(), x.size()), kernels.sum(x.data(), x.size())));
  const Extremes<T> expected = reference.extremes(x.data(), x.size());
  const Extremes<T> actual = kernels.extremes(x.data(), x.size());
  CHECK(sameBits(expected.least, actual.least));
  CHECK(sameBits(expected.greatest, actual.greatest));
  CHECK(expected.unordered == actual.unordered);
  CHECK((kernels.dot != nullptr) == (reference.dot != nullptr));
  if (reference.dot == nullptr) return;
  CHECK(sameBits(reference.dot(x.data(), y.data(), x.size()), kernels.dot(x.data(), y.data(), x.size())));
}

template <typename T>
void compareCasts(const Kernels<T>& reference, const Kernels<T>& kernels, const std::vector<T>& x) {
  for (std::size_t to = 0; to < elementTypes; ++to) {
    std::vector<std::uint64_t> expected(x.size());
    std::vector<std::uint64_t> actual(x.size());
    // NaN of any kind stays NaN in floats, but need not be the same one.
    std::vector<T> numbers = x;
    for (T& number : numbers) number = number == number ? number : T{1};
    reference.cast[to](numbers.data(), expected.data(), x.size());
    kernels.cast[to](numbers.data(), actual.data(), x.size());
    CHECK(expected == actual);
  }
}

TEST_CASE_TEMPLATE("every path computes what the portable one does", T, float, double, std::int32_t,
                   std::uint32_t, std::int64_t, std::uint64_t) {
  const std::vector<Path> all = paths();
  MESSAGE(all.back().name << " is the best of " << all.size() << " paths");
  for (const Path& path : all) {
    CAPTURE(path.name);
    for (const std::size_t count : {0, 1, 15, 16, 17, 31, 33, 1000, 4099}) {
      const auto x = randomElements<T>(count, count + 1);
      auto y = randomElements<T>(count, count + 2);
      for (T& divisor : y) divisor = divisor == 0 ? T{1} : divisor;
      const Kernels<T>& reference = of<T>(all.front().table);
      compareElementwise(reference, of<T>(path.table), x, y);
      compareSums(reference, of<T>(path.table), x, y);
      compareCasts(reference, of<T>(path.table), x);
    }
  }
}

TEST_CASE("floats that no integer has become the nearest one") {
  const std::vector<float> x{1e20F, -1e20F, 0x1p31F, 0x1p32F, 0x1p63F, 0x1p64F, -0x1p31F, -0.9F};
  for (const Path& path : paths()) {
    CAPTURE(path.name);
    std::vector<std::int32_t> narrow(x.size());
    path.table.f32.cast[static_cast<std::size_t>(ElementType::i32)](x.data(), narrow.data(), x.size());
    constexpr std::int32_t most = 0x7fffffff;
    CHECK(narrow == std::vector<std::int32_t>{most, -most - 1, most, most, most, most, -most - 1, 0});
    std::vector<std::uint64_t> wide(x.size());
    path.table.f32.cast[static_cast<std::size_t>(ElementType::u64)](x.data(), wide.data(), x.size());
    CHECK(wide == std::vector<std::uint64_t>{~0ULL, 0, 1ULL << 31, 1ULL << 32, 1ULL << 63, ~0ULL, 0, 0});
  }
}

}  // namespace
