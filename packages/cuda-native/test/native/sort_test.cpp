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
    case 3:
      return bits % 100 == 0 ? bits : 12345;
    default:
      return 77;
  }
}

template <typename Record>
void compareWithStableSort(unsigned threads, int kind, std::size_t count) {
  CAPTURE(threads);
  CAPTURE(kind);
  CAPTURE(count);
  std::mt19937_64 generator(count + static_cast<std::size_t>(kind));
  std::vector<Record> records(count);
  for (std::size_t i = 0; i < count; ++i) {
    records[i].key = static_cast<typename Record::Key>(keyOf(kind, generator()));
    records[i].payload = static_cast<decltype(records[i].payload)>(i);
  }
  std::vector<Record> expected = records;
  std::stable_sort(expected.begin(), expected.end(),
                   [](const Record& one, const Record& other) { return one.key < other.key; });
  ThreadPool pool(threads);
  Context context(pool, kNoLimit, nullptr);
  // Over its own input.
  radixSort<Record>(context, count,
                    {.load =
                         [&](std::size_t first, std::size_t run, Record* to) {
                           std::copy_n(records.begin() + static_cast<std::ptrdiff_t>(first), run, to);
                         },
                     .store =
                         [&](std::size_t first, std::size_t run, const Record* from) {
                           std::copy_n(from, run, records.begin() + static_cast<std::ptrdiff_t>(first));
                         }});
  const bool same = std::equal(records.begin(), records.end(), expected.begin(),
                               [](const Record& one, const Record& other) {
                                 return one.key == other.key && one.payload == other.payload;
                               });
  CHECK(same);
}

TEST_CASE_TEMPLATE("radixSort is std::stable_sort", Record, Pair32, Pair64) {
  for (const unsigned threads : {1U, 3U}) {
    for (int kind = 0; kind < 6; ++kind) {
      for (const std::size_t count : {0, 1, 2, 47, 48, 49, 2999, 3001, 16'000, 40'000, 300'000}) {
        compareWithStableSort<Record>(threads, kind, count);
      }
    }
  }
}

TEST_CASE("records that change while they are sorted are an error, and reach no memory but theirs") {
  ThreadPool pool(2);
  Context context(pool, kNoLimit, nullptr);
  constexpr std::size_t kCount = 100'000;
  std::atomic<std::size_t> loads{0};
  std::size_t stored = 0;
  const auto sortChanging = [&] {
    radixSort<Pair32>(
        context, kCount,
        {.load =
             [&](std::size_t first, std::size_t run, Pair32* to) {
               // The second time all keys are others.
               const bool again = loads.fetch_add(run) > kCount;
               for (std::size_t i = 0; i < run; ++i) {
                 to[i] = {again ? 0xffffffffU : static_cast<std::uint32_t>((first + i) * 40'000), 0};
               }
             },
         .store = [&](std::size_t, std::size_t run, const Pair32*) { stored += run; }});
  };
  CHECK_THROWS_WITH(sortChanging(), "an array changed while it was sorted");
  CHECK(stored == 0);
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

TEST_CASE("memory is counted") {
  ThreadPool pool(1);
  std::vector<std::uint32_t> keys(1000);
  Context enough(pool, 8000, nullptr);
  sort(enough, array(keys), Order::ascending, array(keys));
  CHECK(enough.memoryUsed() == 8000);
  Context tight(pool, 7999, nullptr);
  CHECK_THROWS_WITH(sort(tight, array(keys), Order::ascending, array(keys)),
                    "the operation needs 8000 bytes of memory for itself, more than the limit of 7999");
}

}  // namespace
