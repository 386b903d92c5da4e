// Sorting keys that fit into the second-level cache, by buckets of a few: the part that is compiled for
// several instruction sets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace vgpu::compute {

/** So many keys at most: their numbers fit into 16 bits. */
constexpr std::size_t kBucketSortMost = std::size_t{1} << 16;
/** So many keys are in a bucket on average, or fewer: of keys that are spread evenly, one bucket in 400,000
 * gets more than it has slots for then, or fewer. */
constexpr std::size_t kMostInBucketOnAverage = 12;
/** There are so many buckets at most, … */
constexpr std::size_t mostBuckets(std::size_t count) {
  return 16 + 2 * count / (kMostInBucketOnAverage + 1);
}
/** … each of which takes so many elements of room. */
constexpr std::size_t kBucketElements = 34;
/** A power of two: whatever is cut to that many bits is one of them. */
constexpr std::size_t mostSlots(std::size_t count) {
  return std::bit_ceil(kBucketElements * mostBuckets(count));
}

/** So many elements may be written after the last key, and after the last position. */
constexpr std::size_t kBucketMargin = 32;

/** What a sort by buckets writes. One serves any number of sorts, one after the other. */
template <typename Key>
struct BucketRoom {
  /** mostSlots(count) elements, from a multiple of 64 bytes on. */
  Key* slots;
  /** mostBuckets(count) elements, likewise. */
  std::uint32_t* counts;
  /** The keys in their order; kBucketMargin more than there are. */
  Key* keys;
  /** Which one of those that were given each is; kBucketMargin more than there are. */
  std::uint16_t* positions;
};

/** What lies beside keys, so many bytes of it for each: asked for while they are sorted, because it is needed
 * next. */
struct Beside {
  const std::byte* first = nullptr;
  std::size_t bytesPerKey = 0;
};

/** Sorts `count` keys, 1 to kBucketSortMost, which are equal in all bits from `top` on; of equal ones the
 * first comes first. Reads each key once, but for the first. Returns whether they are spread so evenly that
 * this is a way to sort them; if they are not, room.keys and room.positions hold nothing of use. */
template <typename Key>
using SortByBuckets = bool (*)(const Key* keys, std::size_t count, int top, const Beside& beside,
                               const BucketRoom<Key>& room);

namespace avx2 {
bool sortByBuckets(const std::uint32_t* keys, std::size_t count, int top, const Beside& beside,
                   const BucketRoom<std::uint32_t>& room);
}
namespace avx512 {
bool sortByBuckets(const std::uint32_t* keys, std::size_t count, int top, const Beside& beside,
                   const BucketRoom<std::uint32_t>& room);
bool sortByBuckets(const std::uint64_t* keys, std::size_t count, int top, const Beside& beside,
                   const BucketRoom<std::uint64_t>& room);
}  // namespace avx512

}  // namespace vgpu::compute
