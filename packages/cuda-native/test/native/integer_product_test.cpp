// Products of matrices of integers, with their checks, on several threads.
#include "compute/integer_product.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "compute/error.h"

namespace {

using namespace vgpu::compute;

constexpr std::size_t kNoLimit = ~std::size_t{0};

/** A batch with gaps behind rows and matrices. */
template <typename T>
struct Batch {
  std::vector<T> data;
  std::size_t rows;
  std::size_t columns;
  std::size_t count;
  std::size_t stride = columns + 1;
  std::size_t step = rows * stride + 5;

  Batch(std::size_t count, std::size_t rows, std::size_t columns, std::uint64_t seed)
      : rows(rows), columns(columns), count(count) {
    std::mt19937_64 generator(seed);
    data.resize(count * step);
    for (T& element : data) element = static_cast<T>(generator());
  }

  [[nodiscard]] T& at(std::size_t matrix, std::size_t row, std::size_t column) {
    return data[matrix * step + row * stride + column];
  }

  [[nodiscard]] MatrixBatch batch() {
    const Array array{typeOf<T>(), reinterpret_cast<std::byte*>(data.data()), data.size()};
    return {.first = {array, rows, columns, stride}, .count = count, .step = step};
  }
};

struct Shape {
  std::size_t count;
  std::size_t rows;
  std::size_t inner;
  std::size_t columns;
};

template <typename T>
void compare(ThreadPool& pool, const Shape& shape) {
  using Bits = std::make_unsigned_t<T>;
  Batch<T> a(shape.count, shape.rows, shape.inner, 1);
  Batch<T> b(shape.count, shape.inner, shape.columns, 2);
  Batch<T> x(shape.count, 1, shape.inner, 3);
  Batch<T> c(shape.count, shape.rows, shape.columns, 4);
  std::vector<T> expected = c.data;
  for (std::size_t i = 0; i < shape.count; ++i) {
    for (std::size_t row = 0; row < shape.rows; ++row) {
      for (std::size_t column = 0; column < shape.columns; ++column) {
        Bits sum = 0;
        for (std::size_t k = 0; k < shape.inner; ++k) {
          sum += static_cast<Bits>(a.at(i, row, k)) * static_cast<Bits>(b.at(i, k, column));
        }
        expected[i * c.step + row * c.stride + column] = static_cast<T>(sum);
      }
    }
  }
  multiplyBatch(Context(pool, 0, nullptr), a.batch(), b.batch(), c.batch());
  CHECK(c.data == expected);
}

TEST_CASE_TEMPLATE("products of integers wrap around, whatever the blocks", T, std::int32_t, std::uint32_t,
                   std::int64_t, std::uint64_t) {
  ThreadPool pool(3);
  // On both sides of the edges of blocks: 96 rows, 64 or 128 elements of each, up to 256 columns.
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{1, 97, 129, 257}, Shape{1, 96, 128, 32},
                             Shape{1, 200, 65, 33}, Shape{40, 3, 5, 7}, Shape{2, 3, 300, 1}}) {
    CAPTURE(shape.rows);
    compare<T>(pool, shape);
  }
}

TEST_CASE("sums of nothing are 0") {
  ThreadPool pool(2);
  Batch<std::int32_t> c(3, 4, 5, 1);
  std::vector<std::int32_t> expected = c.data;
  for (std::size_t row = 0; row < 12; ++row) {
    std::fill_n(expected.data() + row / 4 * c.step + row % 4 * c.stride, 5, 0);
  }
  const Array nothing{ElementType::i32, nullptr, 0};
  const MatrixBatch a{.first = {nothing, 4, 0, 7}, .count = 3, .step = 28};
  const MatrixBatch b{.first = {nothing, 0, 5, 5}, .count = 3, .step = 0};
  multiplyBatch(Context(pool, kNoLimit, nullptr), a, b, c.batch());
  CHECK(c.data == expected);
}

TEST_CASE("matrix by vector wraps around") {
  ThreadPool pool(2);
  Batch<std::int32_t> a(2, 3, 100, 6);
  Batch<std::int32_t> x(1, 1, 200, 7);
  std::vector<std::int32_t> y(6);
  const auto arrayOf = [](std::vector<std::int32_t>& data) {
    return Array{ElementType::i32, reinterpret_cast<std::byte*>(data.data()), data.size()};
  };
  multiplyVectors(Context(pool, kNoLimit, nullptr), a.batch(), arrayOf(x.data), arrayOf(y));
  for (std::size_t row = 0; row < y.size(); ++row) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < 100; ++i) {
      sum += static_cast<std::uint32_t>(a.at(row / 3, row % 3, i)) *
             static_cast<std::uint32_t>(x.data[row / 3 * 100 + i]);
    }
    CHECK(y[row] == static_cast<std::int32_t>(sum));
  }
}

TEST_CASE("products of integers are stopped on their way") {
  ThreadPool alone(1);
  std::int32_t stop = 0;
  std::vector<std::uint32_t> one{1};
  // The same element again and again, for hours.
  const Array array{ElementType::u32, reinterpret_cast<std::byte*>(one.data()), one.size()};
  const MatrixBatch endless{.first = {array, 1, 1, 1}, .count = std::size_t{1} << 40, .step = 0};
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::atomic_ref(stop).store(1);
  });
  CHECK_THROWS_AS(multiplyIntegers(Context(alone, kNoLimit, &stop), endless, endless, endless), Error);
  stopper.join();
}

}  // namespace
