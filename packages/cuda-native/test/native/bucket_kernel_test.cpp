// All instruction sets sort keys as std::stable_sort does, or say that they do not.
#include "compute/bucket_kernel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "compute/memory.h"

namespace {

using namespace vgpu::compute;

struct Kernel {
  std::string name;
  SortByBuckets sort;
};

/** Those that this processor has. */
std::vector<Kernel> kernelsHere() {
  std::vector<Kernel> found;
#ifdef VGPU_X86_PATHS
  if (__builtin_cpu_supports("avx2")) found.push_back({"avx2", avx2::sortByBuckets});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    found.push_back({"avx512", avx512::sortByBuckets});
  }
#endif
  if (found.empty()) MESSAGE("skipped: this processor has no kernel that sorts by buckets");
  return found;
}

/** Exactly as much as is asked for, so that a sanitizer sees what is written beyond. */
class Room {
 public:
  explicit Room(std::size_t count)
      : slots_(makeMemory<std::uint32_t>(kBucketElements * mostBuckets(count))),
        counts_(makeMemory<std::uint32_t>(mostBuckets(count))),
        keys_(count + BucketRoom::kMargin),
        positions_(count + BucketRoom::kMargin) {}

  BucketRoom room() { return {slots_.get(), counts_.get(), keys_.data(), positions_.data()}; }

 private:
  Memory<std::uint32_t> slots_;
  Memory<std::uint32_t> counts_;
  std::vector<std::uint32_t> keys_;
  std::vector<std::uint16_t> positions_;
};

std::vector<std::uint16_t> stableOrder(const std::vector<std::uint32_t>& keys) {
  std::vector<std::uint16_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return keys[i] < keys[j]; });
  return order;
}

void checkSorted(const BucketRoom& room, const std::vector<std::uint32_t>& keys) {
  const std::vector<std::uint16_t> order = stableOrder(keys);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    wrong += room.positions[i] != order[i] || room.keys[i] != keys[order[i]] ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("evenly spread keys are sorted, whatever their number and however many bits differ") {
  std::mt19937 generator(3);
  for (const Kernel& kernel : kernelsHere()) {
    CAPTURE(kernel.name);
    for (const std::size_t count : {1, 2, 15, 16, 17, 31, 100, 207, 208, 209, 3000, 19'531, 40'000, 65'536}) {
      CAPTURE(count);
      Room room(count);
      for (const int top : {16, 20, 23, 26}) {
        CAPTURE(top);
        const std::uint32_t above = generator() >> top << top;
        std::vector<std::uint32_t> keys(count);
        for (std::uint32_t& key : keys) key = above | (generator() & ((1U << top) - 1));
        REQUIRE(kernel.sort(keys.data(), count, top, room.room()));
        checkSorted(room.room(), keys);
      }
    }
  }
}

TEST_CASE("equal keys stay in their order, in as many as a bucket takes") {
  for (const Kernel& kernel : kernelsHere()) {
    CAPTURE(kernel.name);
    std::vector<std::uint32_t> keys(4096);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<std::uint32_t>(i * 7919 % 512) << 10;
    Room room(keys.size());
    REQUIRE(kernel.sort(keys.data(), keys.size(), 19, room.room()));
    checkSorted(room.room(), keys);
  }
}

TEST_CASE("a bucket takes 32 keys, and with more of them all are refused") {
  for (const Kernel& kernel : kernelsHere()) {
    CAPTURE(kernel.name);
    for (std::size_t together = 1; together <= 40; ++together) {
      CAPTURE(together);
      // Eight for each bucket but the first, which has seven; the others go there too.
      std::vector<std::uint32_t> keys;
      for (std::uint32_t i = 0; i < 127; ++i) keys.push_back((i + 1) << 13);
      for (std::size_t i = 0; i < together; ++i) keys.push_back(static_cast<std::uint32_t>(100 - i));
      Room room(keys.size());
      const bool isSorted = kernel.sort(keys.data(), keys.size(), 20, room.room());
      if (isSorted) checkSorted(room.room(), keys);
      CHECK(isSorted == (together <= 25));
    }
    std::vector<std::uint32_t> equal(kBucketSortMost, 0x1234'5678);
    Room room(equal.size());
    CHECK_FALSE(kernel.sort(equal.data(), equal.size(), 23, room.room()));
  }
}

TEST_CASE("what does not fit into a number with its position is refused") {
  std::mt19937 generator(5);
  for (const Kernel& kernel : kernelsHere()) {
    CAPTURE(kernel.name);
    std::vector<std::uint32_t> keys(kBucketSortMost);
    for (std::uint32_t& key : keys) key = generator();
    Room room(keys.size());
    CHECK_FALSE(kernel.sort(keys.data(), keys.size(), 32, room.room()));
    CHECK_FALSE(kernel.sort(keys.data(), keys.size(), 3, room.room()));
  }
}

}  // namespace
