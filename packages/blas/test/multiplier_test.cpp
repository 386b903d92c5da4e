// Products of every kind of matrix, beside three loops in double.
#include "vgpu/blas/multiplier.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace vgpu::blas;

/// As many threads as tasks: more than one of them runs at a time.
void onThreads(unsigned count, const std::function<void(unsigned)>& task) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) threads.emplace_back([&task, i] { task(i); });
  for (std::thread& thread : threads) thread.join();
}

std::vector<Path> paths() {
  std::vector<Path> found{Path::portable};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(Path::avx2);
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    found.push_back(Path::avx512);
  }
#endif
  return found;
}

template <typename Number>
struct Values {
  std::vector<Number> numbers;
  Matrix matrix;

  /// By rows or by columns, with a gap behind each.
  Values(std::int64_t rows, std::int64_t columns, bool by_rows, std::uint64_t seed)
      : numbers(static_cast<std::size_t>((rows + 3) * (columns + 3))) {
    std::mt19937_64 generator(seed);
    for (Number& number : numbers) number = static_cast<Number>(static_cast<int>(generator() % 17) - 8) / 4;
    matrix = {.first = reinterpret_cast<std::byte*>(numbers.data()),
              .element = sizeof(Number) == 4 ? Element::f32 : Element::f64,
              .row_stride = by_rows ? columns + 3 : 1,
              .column_stride = by_rows ? 1 : rows + 3};
  }

  [[nodiscard]] double at(std::int64_t row, std::int64_t column) const {
    return static_cast<double>(
        numbers[static_cast<std::size_t>(row * matrix.row_stride + column * matrix.column_stride)]);
  }
};

struct Shape {
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
  double alpha = 1;
  double beta = 0;
};

template <typename Number>
void compare(Multiplier& multiplier, const Shape& shape, bool a_by_rows, bool b_by_rows, bool c_by_rows) {
  CAPTURE(multiplier.description());
  CAPTURE(shape.m);
  CAPTURE(shape.n);
  CAPTURE(shape.k);
  const Values<Number> a(shape.m, shape.k, a_by_rows, 1);
  const Values<Number> b(shape.k, shape.n, b_by_rows, 2);
  Values<Number> c(shape.m, shape.n, c_by_rows, 3);
  const Values<Number> before = c;
  Product product{.a = a.matrix, .b = b.matrix, .c = c.matrix};
  product.m = shape.m;
  product.n = shape.n;
  product.k = shape.k;
  product.alpha = shape.alpha;
  product.beta = shape.beta;
  multiplier.multiply({&product, 1});
  std::size_t wrong = 0;
  for (std::int64_t row = 0; row < shape.m; ++row) {
    for (std::int64_t column = 0; column < shape.n; ++column) {
      double sum = 0;
      for (std::int64_t i = 0; i < shape.k; ++i) sum += a.at(row, i) * b.at(i, column);
      // Small multiples of 1/16: exact in float.
      const double expected = shape.alpha * sum + shape.beta * before.at(row, column);
      wrong += c.at(row, column) == expected ? 0U : 1U;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("products are those of three loops", Number, float, double) {
  std::vector<Multiplier> multipliers;
  for (const Path path : paths()) {
    multipliers.emplace_back(path, 1, onThreads, false);
    multipliers.emplace_back(path, 3, onThreads, false);
  }
  // OpenBLAS where the machine has it: the description says so.
  multipliers.emplace_back(paths().back(), 2, onThreads, true);
  MESSAGE("besides its own kernel: " << multipliers.back().description());
  const Shape shapes[] = {{1, 1, 1},   {3, 5, 0},     {17, 13, 31},          {64, 64, 64},
                          {200, 7, 5}, {5, 401, 300}, {197, 389, 67, 2, 0.5}};
  for (Multiplier& multiplier : multipliers) {
    for (const Shape& shape : shapes) {
      for (int layout = 0; layout < 8; ++layout) {
        compare<Number>(multiplier, shape, (layout & 1) != 0, (layout & 2) != 0, (layout & 4) != 0);
      }
    }
  }
}

TEST_CASE("OpenBLAS with shorter vectors than ours is left alone") {
  if (!OpenBlas::load(1)) {
    MESSAGE("skipped: libopenblas.so.0 is not installed");
    return;
  }
  if (paths().back() != Path::avx512) {
    MESSAGE("skipped: this processor has no AVX-512");
    return;
  }
  const auto uses_open_blas = [](Path path, const char* core) {
    // What OpenBLAS reads when it is loaded; nothing else runs here.
    REQUIRE(setenv("OPENBLAS_CORETYPE", core, 1) == 0);  // NOLINT(concurrency-mt-unsafe)
    const Multiplier multiplier(path, 1, onThreads, true);
    REQUIRE(unsetenv("OPENBLAS_CORETYPE") == 0);  // NOLINT(concurrency-mt-unsafe)
    return multiplier.description().starts_with("OpenBLAS");
  };
  CHECK(uses_open_blas(Path::avx2, "Haswell"));
  CHECK_FALSE(uses_open_blas(Path::avx512, "Haswell"));
  CHECK(uses_open_blas(Path::avx512, "SkylakeX"));
}

}  // namespace
