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

template <typename Key>
struct Kernel {
  std::string name;
  SortByBuckets<Key> sort;
};

/** Those that this processor has. */
template <typename Key>
std::vector<Kernel<Key>> kernelsHere() {
  std::vector<Kernel<Key>> found;
#ifdef VGPU_X86_PATHS
  if constexpr (sizeof(Key) == 4) {
    if (__builtin_cpu_supports("avx2")) found.push_back({"avx2", avx2::sortByBuckets});
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    found.push_back({"avx512", avx512::sortByBuckets});
  }
#endif
  if (found.empty()) MESSAGE("skipped: this processor has no kernel that sorts such keys by buckets");
  return found;
}

/** Exactly as much as is asked for, so that a sanitizer sees what is written beyond. */
template <typename Key>
class Room {
 public:
  explicit Room(std::size_t count)
      : slots_(makeMemory<Key>(mostSlots(count))),
        counts_(makeMemory<std::uint32_t>(mostBuckets(count))),
        keys_(count + kBucketMargin),
        positions_(count + kBucketMargin) {}

  BucketRoom<Key> room() { return {slots_.get(), counts_.get(), keys_.data(), positions_.data()}; }

 private:
  Memory<Key> slots_;
  Memory<std::uint32_t> counts_;
  std::vector<Key> keys_;
  std::vector<std::uint16_t> positions_;
};

template <typename Key>
void checkSorted(const BucketRoom<Key>& room, const std::vector<Key>& keys) {
  std::vector<std::uint16_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return keys[i] < keys[j]; });
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    wrong += room.positions[i] != order[i] || room.keys[i] != keys[order[i]] ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("evenly spread keys are sorted, whatever their number and however many bits differ", Key,
                   std::uint32_t, std::uint64_t) {
  std::mt19937_64 generator(3);
  constexpr int kWider = 8 * (sizeof(Key) - sizeof(std::uint32_t));
  for (const Kernel<Key>& kernel : kernelsHere<Key>()) {
    CAPTURE(kernel.name);
    for (const std::size_t count : {1, 2, 15, 16, 17, 31, 100, 207, 208, 209, 3000, 19'531, 40'000, 65'536}) {
      CAPTURE(count);
      Room<Key> room(count);
      for (const int top : {16, 20, 23, 26, 20 + kWider, 26 + kWider}) {
        CAPTURE(top);
        const Key above = static_cast<Key>(generator()) >> top << top;
        std::vector<Key> keys(count);
        for (Key& key : keys) key = above | (static_cast<Key>(generator()) & ((Key{1} << top) - 1));
        REQUIRE(kernel.sort(keys.data(), count, top, {}, room.room()));
        checkSorted(room.room(), keys);
      }
    }
  }
}

TEST_CASE_TEMPLATE("equal keys stay in their order, in as many as a bucket takes", Key, std::uint32_t,
                   std::uint64_t) {
  for (const Kernel<Key>& kernel : kernelsHere<Key>()) {
    CAPTURE(kernel.name);
    std::vector<Key> keys(4096);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<Key>(i * 7919 % 512) << 10;
    Room<Key> room(keys.size());
    REQUIRE(kernel.sort(keys.data(), keys.size(), 19, {}, room.room()));
    checkSorted(room.room(), keys);
  }
}

TEST_CASE_TEMPLATE("a bucket takes 32 keys, and with more of them all are refused", Key, std::uint32_t,
                   std::uint64_t) {
  for (const Kernel<Key>& kernel : kernelsHere<Key>()) {
    CAPTURE(kernel.name);
    for (std::size_t together = 1; together <= 40; ++together) {
      CAPTURE(together);
      // Eight for each bucket but the first, which has seven; the others go there too.
      std::vector<Key> keys;
      for (Key i = 0; i < 127; ++i) keys.push_back((i + 1) << 13);
      for (std::size_t i = 0; i < together; ++i) keys.push_back(static_cast<Key>(100 - i));
      Room<Key> room(keys.size());
      const bool isSorted = kernel.sort(keys.data(), keys.size(), 20, {}, room.room());
      if (isSorted) checkSorted(room.room(), keys);
      CHECK(isSorted == (together <= 25));
    }
    std::vector<Key> equal(kBucketSortMost, 0x1234'5678);
    Room<Key> room(equal.size());
    CHECK_FALSE(kernel.sort(equal.data(), equal.size(), 23, {}, room.room()));
  }
}

TEST_CASE_TEMPLATE("what does not fit into a number with its position is refused", Key, std::uint32_t,
                   std::uint64_t) {
  std::mt19937_64 generator(5);
  for (const Kernel<Key>& kernel : kernelsHere<Key>()) {
    CAPTURE(kernel.name);
    std::vector<Key> keys(kBucketSortMost);
    for (Key& key : keys) key = static_cast<Key>(generator());
    Room<Key> room(keys.size());
    CHECK_FALSE(kernel.sort(keys.data(), keys.size(), 8 * sizeof(Key), {}, room.room()));
    CHECK_FALSE(kernel.sort(keys.data(), keys.size(), 3, {}, room.room()));
  }
}

}  // namespace
