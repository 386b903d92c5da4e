#include "compute/sort.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <numeric>
#include <random>
#include <vector>

#include "compute/error.h"
#include "compute/radix_sort.h"

namespace {

using namespace vgpu::compute;

constexpr std::size_t kNoLimit = std::size_t{1} << 40;

template <typename T>
Array array(std::vector<T>& elements) {
  return {typeOf<T>(), reinterpret_cast<std::byte*>(elements.data()), elements.size()};
}

/** Distributions that split well, badly and not at all. */
std::uint64_t keyOf(int kind, std::uint64_t bits) {
  switch (kind) {
    case 0:
      return bits;
    case 1:
      return bits % 3;
    case 2:
      return bits << 56;
    case 5:
      // A few, then many that are split again, from wherever the few end.
      return bits % 1000 < 7 ? bits % 8 : (std::uint64_t{3} << 30) | (bits >> 40);
    case 6:
      // Five large parts, each of which is split again.
      return (bits % 5) << 29 | bits >> 43;
    case 3:
      return bits % 100 == 0 ? bits : 12345;
    default:
      return 77;
  }
}

template <typename Record>
struct Case {
  std::vector<Record> records;
  std::vector<Record> expected;

  Case(int kind, std::size_t count) : records(count) {
    std::mt19937_64 generator(count + static_cast<std::size_t>(kind));
    for (std::size_t i = 0; i < count; ++i) {
      records[i].key = static_cast<typename Record::Key>(keyOf(kind, generator()));
      records[i].payload = static_cast<typename Record::Payload>(i);
    }
    expected = records;
    std::stable_sort(expected.begin(), expected.end(),
                     [](const Record& one, const Record& other) { return one.key < other.key; });
  }

  [[nodiscard]] auto recordAt() const {
    return [from = records.data()](std::size_t i) { return from[i]; };
  }

  [[nodiscard]] bool isSorted(const std::vector<Record>& out) const {
    return std::equal(out.begin(), out.end(), expected.begin(), expected.end(),
                      [](const Record& one, const Record& other) {
                        return one.key == other.key && one.payload == other.payload;
                      });
  }
};

template <typename Record>
void compareWithStableSort(unsigned threads, int kind, std::size_t count) {
  CAPTURE(threads);
  CAPTURE(kind);
  CAPTURE(count);
  ThreadPool pool(threads);
  Context context(pool, kNoLimit, nullptr);
  Case<Record> overItself(kind, count);
  radixSort(context, count, overItself.recordAt(), [&](std::size_t first, std::size_t run, const auto& from) {
    for (std::size_t i = 0; i < run; ++i) overItself.records[first + i] = from[i];
  });
  CHECK(overItself.isSorted(overItself.records));
}

/** In columns of the caller, which begin anywhere, and at the ends of which others begin. */
template <typename Record>
void compareInRoom(int kind, std::size_t count, std::size_t offset) {
  CAPTURE(kind);
  CAPTURE(count);
  CAPTURE(offset);
  ThreadPool pool(3);
  Context context(pool, kNoLimit, nullptr);
  Case<Record> test(kind, count);
  std::vector<typename Record::Key> keys(count + 40, 4711);
  std::vector<typename Record::Payload> payloads(count + 40, 4711);
  const Columns<Record> room{keys.data() + offset, payloads.data() + 2 * offset};
  radixSort(
      context, count, test.recordAt(),
      [&](std::size_t first, std::size_t run, const auto& from) { writeColumns(room, first, run, from); },
      room);
  std::vector<Record> out(count);
  readColumns(room, 0, count, out.data());
  CHECK(test.isSorted(out));
  const auto around = [](const auto& column, std::size_t element) { return column[element] == 4711; };
  for (std::size_t i = 0; i < offset; ++i) CHECK(around(keys, i));
  for (std::size_t i = offset + count; i < keys.size(); ++i) CHECK(around(keys, i));
  for (std::size_t i = 0; i < 2 * offset; ++i) CHECK(around(payloads, i));
  for (std::size_t i = 2 * offset + count; i < payloads.size(); ++i) CHECK(around(payloads, i));
}

TEST_CASE_TEMPLATE("radixSort is std::stable_sort", Record, Pair32, Pair64, Pair32And64, Pair64And32) {
  for (const unsigned threads : {1U, 3U}) {
    for (int kind = 0; kind < 6; ++kind) {
      for (const std::size_t count : {0, 1, 2, 47, 48, 49, 2999, 3001, 16'385, 40'000, 300'000}) {
        compareWithStableSort<Record>(threads, kind, count);
      }
    }
  }
}

TEST_CASE("parts larger than the caches are split again, by one thread or by all") {
  constexpr int kFiveParts = 6;
  constexpr int kOnePart = 5;
  compareWithStableSort<Pair32>(1, kFiveParts, 1'500'000);
  compareWithStableSort<Pair32>(3, kOnePart, 600'000);
}

TEST_CASE_TEMPLATE("the room of the caller is enough, and nothing beside it is written", Record, Pair32,
                   Pair64, Pair32And64, Pair64And32) {
  for (int kind = 0; kind < 6; ++kind) {
    for (const std::size_t offset : {0, 1, 4, 7, 16}) {
      for (const std::size_t count : {100, 32'769, 70'000, 300'000}) {
        compareInRoom<Record>(kind, count, offset);
      }
    }
  }
}

TEST_CASE("records that change while they are sorted are an error, and reach no memory but theirs") {
  ThreadPool pool(2);
  Context context(pool, kNoLimit, nullptr);
  constexpr std::size_t kCount = 100'000;
  // All of them, which fills batches that had no places, or one alone, which only the last batches tell.
  for (const std::size_t changing : {kCount, std::size_t{1}}) {
    CAPTURE(changing);
    std::size_t stored = 0;
    std::atomic<std::size_t> reads{0};
    const auto sortChanging = [&] {
      radixSort(
          context, kCount,
          [&](std::size_t i) {
            // Each is read once to be counted, and then once more.
            const bool isCounted = reads++ < kCount;
            const bool isSame = isCounted || i >= changing;
            return Pair32{isSame ? static_cast<std::uint32_t>(i * 40'000) : 0xffffffffU, 0};
          },
          [&](std::size_t, std::size_t run, const auto&) { stored += run; });
    };
    CHECK_THROWS_WITH(sortChanging(), "an array changed while it was sorted");
    CHECK(stored == 0);
  }
}

TEST_CASE("nothing is written beyond a count, whatever the arrays hold") {
  ThreadPool pool(2);
  Context context(pool, kNoLimit, nullptr);
  std::vector<std::uint32_t> keys(100, 5);
  std::vector<std::uint32_t> values(100, 6);
  std::vector<std::uint32_t> outKeys(100, 7);
  std::vector<std::uint32_t> outValues(99, 8);
  CHECK_THROWS_AS(
      sortPairs(context, array(keys), array(values), Order::ascending, array(outKeys), array(outValues)),
      Error);
  CHECK(outKeys == std::vector<std::uint32_t>(100, 7));
  CHECK_THROWS_AS(
      sortPairs(context, array(keys), array(outValues), Order::ascending, array(outKeys), array(values)),
      Error);
  CHECK_THROWS_AS(argsort(context, array(keys), Order::ascending, array(outValues)), Error);
  CHECK_THROWS_AS(sort(context, array(keys), Order::ascending, array(outValues)), Error);
  std::vector<std::uint32_t> indices(3);
  CHECK_THROWS_AS(topK(context, array(indices), Order::ascending, array(keys), array(values)), Error);
}

TEST_CASE("topK takes none, some and all") {
  ThreadPool pool(3);
  std::mt19937 generator(1);
  for (const std::size_t count : {0, 1, 1000, 200'000}) {
    std::vector<float> x(count);
    for (float& element : x) element = static_cast<float>(generator() % 500);
    std::vector<std::uint32_t> expected(count);
    std::iota(expected.begin(), expected.end(), 0U);
    std::stable_sort(expected.begin(), expected.end(), [&](auto i, auto j) { return x[i] > x[j]; });
    for (const std::size_t k : {std::size_t{0}, count / 2, count}) {
      Context context(pool, kNoLimit, nullptr);
      std::vector<float> values(k);
      std::vector<std::uint32_t> indices(k);
      topK(context, array(x), Order::descending, array(values), array(indices));
      CHECK(std::equal(indices.begin(), indices.end(), expected.begin()));
    }
  }
}

TEST_CASE("what is not wanted any more stops") {
  ThreadPool pool(2);
  std::int32_t stop = 1;
  Context context(pool, kNoLimit, &stop);
  std::vector<std::uint32_t> keys(100'000, 1);
  CHECK_THROWS_WITH(sort(context, array(keys), Order::ascending, array(keys)), "the operation was aborted");
}

TEST_CASE("with little memory fewer threads sort parts, and one is enough") {
  ThreadPool pool(8);
  // Half of the keys agree in more bits than others differ in, so that they are a part as large as parts may
  // be.
  constexpr std::size_t kCount = 2 * kPartBytes / sizeof(Pair32);
  std::vector<std::uint32_t> keys(kCount);
  std::mt19937 generator(9);
  for (std::size_t i = 0; i < kCount; ++i) keys[i] = i % 2 == 0 ? generator() : generator() >> 16;
  std::vector<std::uint32_t> values(kCount);
  std::iota(values.begin(), values.end(), 0U);
  std::vector<std::uint32_t> outKeys(kCount);
  std::vector<std::uint32_t> outValues(kCount);
  std::vector<std::uint32_t> expected = keys;
  std::sort(expected.begin(), expected.end());
  constexpr std::size_t kSecondCopy = kCount * sizeof(Pair32);
  for (const std::size_t sorters : {std::size_t{1}, std::size_t{3}, std::size_t{20}}) {
    CAPTURE(sorters);
    const std::size_t limit = kSecondCopy + sorters * 2 * kPartBytes;
    Context context(pool, limit, nullptr);
    sortPairs(context, array(keys), array(values), Order::ascending, array(outKeys), array(outValues));
    CHECK(outKeys == expected);
    CHECK(context.memoryUsed() <= limit);
  }
}

TEST_CASE("memory is counted") {
  ThreadPool pool(1);
  std::vector<std::uint32_t> keys(1000);
  Context enough(pool, 8000, nullptr);
  sort(enough, array(keys), Order::ascending, array(keys));
  CHECK(enough.memoryUsed() == 8000);
  std::vector<std::uint32_t> equal(1'000'000, 7);
  Context copies(pool, 4'000'000 + 2 * kAloneBytes, nullptr);
  sort(copies, array(equal), Order::ascending, array(equal));
  CHECK(copies.memoryUsed() == 4'000'000 + 2 * kAloneBytes);
  // Without room for them, buckets are left out.
  std::vector<std::uint32_t> spread(1'000'000);
  std::iota(spread.begin(), spread.end(), 0U);
  for (const std::size_t beside : {std::size_t{0}, std::size_t{1} << 20}) {
    std::vector<std::uint32_t> sorted = spread;
    for (std::size_t i = 0; i < sorted.size(); ++i) sorted[i * 7919 % sorted.size()] = spread[i] * 4000;
    Context digits(pool, 4'000'000 + 2 * sizeof(std::uint32_t) * 4096 + beside, nullptr);
    sort(digits, array(sorted), Order::ascending, array(sorted));
    CHECK(std::is_sorted(sorted.begin(), sorted.end()));
  }
  Context tight(pool, 7999, nullptr);
  CHECK_THROWS_WITH(sort(tight, array(keys), Order::ascending, array(keys)),
                    "the operation needs 8000 bytes of memory for itself, more than the limit of 7999");
}

}  // namespace
