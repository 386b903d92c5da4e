// Sorting keys that fit into the second-level cache, by buckets of a few: the part that is compiled for
// several instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vgpu::compute {

/** So many keys at most: their numbers fit into 16 bits. */
constexpr std::size_t kBucketSortMost = std::size_t{1} << 16;
/** So many keys are in a bucket on average, or fewer: of keys that are spread evenly, one bucket in 400,000
 * gets more than it has slots for then, or fewer. */
constexpr std::size_t kMostInBucketOnAverage = 12;
/** A bucket takes so many elements of room … */
constexpr std::size_t kBucketElements = 34;
/** … and there are so many buckets at most. */
constexpr std::size_t mostBuckets(std::size_t count) {
  return 16 + 2 * count / (kMostInBucketOnAverage + 1);
}

/** So many elements may be written after the last key, and after the last position. */
constexpr std::size_t kBucketMargin = 32;

/** What a sort by buckets writes. One serves any number of sorts, one after the other. */
template <typename Key>
struct BucketRoom {
  /** kBucketElements · mostBuckets(count) elements, from a multiple of 64 bytes on. */
  Key* slots;
  /** mostBuckets(count) elements, likewise. */
  std::uint32_t* counts;
  /** The keys in their order; kBucketMargin more than there are. */
  Key* keys;
  /** Which one of those that were given each is; kBucketMargin more than there are. */
  std::uint16_t* positions;
};

/** Sorts `count` keys, 1 to kBucketSortMost, which are equal in all bits from `top` on; of equal ones the
 * first comes first. Reads each key once, but for the first. Returns whether they are spread so evenly that
 * this is a way to sort them; if they are not, room.keys and room.positions hold nothing of use. */
template <typename Key>
using SortByBuckets = bool (*)(const Key* keys, std::size_t count, int top, const BucketRoom<Key>& room);

namespace avx2 {
bool sortByBuckets(const std::uint32_t* keys, std::size_t count, int top,
                   const BucketRoom<std::uint32_t>& room);
}
namespace avx512 {
bool sortByBuckets(const std::uint32_t* keys, std::size_t count, int top,
                   const BucketRoom<std::uint32_t>& room);
bool sortByBuckets(const std::uint64_t* keys, std::size_t count, int top,
                   const BucketRoom<std::uint64_t>& room);
}  // namespace avx512

}  // namespace vgpu::compute
