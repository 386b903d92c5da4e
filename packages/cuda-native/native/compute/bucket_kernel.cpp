// The next bits of a key choose its bucket. Its other bits and its position are one number together, and go
// to the next free slot of the bucket: no two of these numbers are equal, so that any way to sort them is
// stable. As many buckets as a vector has lanes lie side by side, and one sorting network sorts all of them
// at once.
#include "compute/bucket_kernel.h"

#include <utility>

namespace vgpu::compute::VGPU_BUCKET_PATH {
namespace {

#ifdef __AVX512F__
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif
/** Of each bucket. */
constexpr int kSlots = 32;
/** From one group of buckets to the next, in elements: one cache line more than they take, because buckets
 * fill at the same pace, and few lines of a cache have the same place. */
constexpr std::uint32_t kGroupElements = kSlots * kLanes + 16;
static_assert(kGroupElements <= kBucketElements * kLanes && kSlots <= BucketRoom::kMargin);

/** How far before they are needed keys are asked for. */
constexpr std::size_t kAhead = 512;

// Elements of an array, which need no more alignment than their own.
typedef std::uint32_t Lanes __attribute__((vector_size(4 * kLanes)));
typedef std::uint32_t UnalignedLanes __attribute__((vector_size(4 * kLanes), may_alias, aligned(4)));
typedef std::uint16_t Positions __attribute__((vector_size(2 * kLanes)));
typedef std::uint16_t UnalignedPositions __attribute__((vector_size(2 * kLanes), may_alias, aligned(2)));

Lanes all(std::uint32_t value) {
  return Lanes{} + value;
}

/** 0, 1, 2, … */
Lanes laneNumbers() {
  Lanes numbers;
  for (int lane = 0; lane < kLanes; ++lane) numbers[lane] = static_cast<std::uint32_t>(lane);
  return numbers;
}

std::uint32_t lowest(int bits) {
  return (std::uint32_t{1} << bits) - 1;
}

// Batcher's odd-even merge sort (Knuth, TAOCP vol. 3, 5.2.2, algorithm M, in the form of 5.3.4 for networks):
// passes compare rows that are `distance` apart, within sequences of 2 · `sorted` rows.

template <int rows, int sorted, int distance, int row>
[[gnu::always_inline]] inline void compareFrom(Lanes* of) {
  if constexpr (row + distance < rows) {
    constexpr bool isCompared = (row - distance % sorted) / distance % 2 == 0 && row >= distance % sorted &&
                                row / (2 * sorted) == (row + distance) / (2 * sorted);
    if constexpr (isCompared) {
      const Lanes one = of[row];
      const Lanes other = of[row + distance];
      of[row] = one < other ? one : other;
      of[row + distance] = one < other ? other : one;
    }
    compareFrom<rows, sorted, distance, row + 1>(of);
  }
}

template <int rows, int sorted = 1, int distance = 1>
[[gnu::always_inline]] inline void sortEachLane(Lanes* of) {
  if constexpr (sorted < rows) {
    compareFrom<rows, sorted, distance, 0>(of);
    if constexpr (distance > 1) {
      sortEachLane<rows, sorted, distance / 2>(of);
    } else {
      sortEachLane<rows, 2 * sorted, 2 * sorted>(of);
    }
  }
}

/** Exchanges the odd blocks of `block` lanes of one with the even ones of the other. */
template <int block, int... lane>
[[gnu::always_inline]] inline void exchange(Lanes& one, Lanes& other, std::integer_sequence<int, lane...>) {
  const Lanes a = one;
  const Lanes b = other;
  one = __builtin_shufflevector(a, b, ((lane & block) == 0 ? lane : lane - block + kLanes)...);
  other = __builtin_shufflevector(a, b, ((lane & block) == 0 ? lane + block : lane + kLanes)...);
}

/** Lanes become rows. */
template <int block = kLanes / 2>
[[gnu::always_inline]] inline void transpose(Lanes* rows) {
  if constexpr (block > 0) {
#pragma GCC unroll 16
    for (int row = 0; row < kLanes; ++row) {
      if ((row & block) == 0) {
        exchange<block>(rows[row], rows[row + block], std::make_integer_sequence<int, kLanes>());
      }
    }
    transpose<block / 2>(rows);
  }
}

/** How keys become buckets and numbers. */
struct Split {
  /** Below those that choose a bucket. */
  int keyBits;
  int positionBits;
  std::uint32_t buckets;

  Split(std::size_t count, int top) {
    int bits = 0;
    for (buckets = 1; buckets < kLanes || count / buckets > kMostInBucketOnAverage; buckets *= 2) ++bits;
    keyBits = top - bits;
    positionBits = 1;
    while (count > std::size_t{1} << positionBits) ++positionBits;
  }
  [[nodiscard]] bool fits() const { return keyBits >= 0 && keyBits + positionBits <= 32; }
};

/** Where the first slot of a bucket is. */
template <typename Bucket>
Bucket firstSlot(Bucket bucket) {
  return bucket / kLanes * kGroupElements + bucket % kLanes;
}

/** Puts each key's number into its bucket, or over another one there, where that is full. Counts, kLanes for
 * each, what belongs into a bucket. */
void fillBuckets(const std::uint32_t* keys, std::size_t count, const Split& split, const BucketRoom& room) {
  // Copies, which no store can change.
  std::uint32_t* const slots = room.slots;
  std::uint32_t* const counts = room.counts;
  const int keyBits = split.keyBits;
  const int positionBits = split.positionBits;
  const std::uint32_t buckets = split.buckets;
  for (std::uint32_t bucket = 0; bucket < buckets; ++bucket) counts[bucket] = 0;
  const auto put = [&](std::uint32_t bucket, std::uint32_t first, std::uint32_t number) {
    const std::uint32_t filled = counts[bucket];
    counts[bucket] = filled + kLanes;
    slots[first + filled % (kSlots * kLanes)] = number;
  };
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    __builtin_prefetch(keys + i + kAhead);
    const Lanes key = *reinterpret_cast<const UnalignedLanes*>(keys + i);
    const Lanes bucket = key >> keyBits & all(buckets - 1);
    const Lanes first = firstSlot(bucket);
    const Lanes number =
        (key & all(lowest(keyBits))) << positionBits | (laneNumbers() + static_cast<std::uint32_t>(i));
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) put(bucket[lane], first[lane], number[lane]);
  }
  for (; i < count; ++i) {
    const std::uint32_t key = keys[i];
    const std::uint32_t bucket = key >> keyBits & (buckets - 1);
    put(bucket, firstSlot(bucket), (key & lowest(keyBits)) << positionBits | static_cast<std::uint32_t>(i));
  }
}

/** Writes the first `rows` slots of a group of buckets in their order, beginning with element `at`. What is
 * written of a bucket's empty slots is written over by the next one. Returns where the group ends. */
template <int rows>
std::size_t drainGroup(const std::uint32_t* slots, const std::uint32_t* counts, const Split& split,
                       std::uint32_t firstKey, const BucketRoom& room, std::size_t at) {
  Lanes numbers[rows];
  const Lanes filled = *reinterpret_cast<const Lanes*>(counts);
#pragma GCC unroll 32
  for (int row = 0; row < rows; ++row) {
    const Lanes number = *reinterpret_cast<const Lanes*>(slots + static_cast<std::size_t>(row * kLanes));
    numbers[row] = filled > all(static_cast<std::uint32_t>(row * kLanes)) ? number : ~Lanes{};
  }
  sortEachLane<rows>(numbers);
#pragma GCC unroll 4
  for (int row = 0; row < rows; row += kLanes) transpose(numbers + row);
#pragma GCC unroll 16
  for (int lane = 0; lane < kLanes; ++lane) {
    const Lanes above = all(firstKey + (static_cast<std::uint32_t>(lane) << split.keyBits));
#pragma GCC unroll 4
    for (int row = 0; row < rows; row += kLanes) {
      const Lanes number = numbers[row + lane];
      *reinterpret_cast<UnalignedLanes*>(room.keys + at + row) = number >> split.positionBits | above;
      *reinterpret_cast<UnalignedPositions*>(room.positions + at + row) =
          __builtin_convertvector(number & all(lowest(split.positionBits)), Positions);
    }
    at += counts[lane] / kLanes;
  }
  return at;
}

}  // namespace

bool sortByBuckets(const std::uint32_t* keys, std::size_t count, int top, const BucketRoom& room) {
  const Split split(count, top);
  if (!split.fits()) return false;
  const std::uint32_t above = top == 32 ? 0 : keys[0] >> top << top;
  fillBuckets(keys, count, split, room);
  std::size_t at = 0;
  for (std::uint32_t bucket = 0; bucket < split.buckets; bucket += kLanes) {
    const std::uint32_t* counts = room.counts + bucket;
    std::uint32_t most = 0;
    for (int lane = 0; lane < kLanes; ++lane) most = most < counts[lane] ? counts[lane] : most;
    if (most > kSlots * kLanes) return false;
    const auto drain = most > 16 * kLanes ? drainGroup<32> : drainGroup<16>;
    at = drain(room.slots + firstSlot(bucket), counts, split, above | bucket << split.keyBits, room, at);
  }
  return true;
}

}  // namespace vgpu::compute::VGPU_BUCKET_PATH
