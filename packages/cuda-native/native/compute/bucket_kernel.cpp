// The next bits of a key choose its bucket. Its other bits and its position are one number together, and go
// to the next free slot of the bucket: no two of these numbers are equal, so that any way to sort them is
// stable. As many buckets as a vector has lanes lie side by side, and one sorting network sorts all of them
// at once.
#include "compute/bucket_kernel.h"

#include <utility>

namespace vgpu::compute::VGPU_BUCKET_PATH {
namespace {

#ifdef __AVX512F__
constexpr int kVectorBytes = 64;
#else
constexpr int kVectorBytes = 32;
#endif
/** Of each bucket. */
constexpr int kSlots = 32;
static_assert(kSlots <= kBucketMargin);

/** How far before they are needed keys are asked for. */
constexpr std::size_t kAhead = 512;

/** Vectors of keys, and of as many smaller numbers. Those of arrays need no more alignment than their
 * elements. */
template <typename Key>
struct VectorsOf {
  static constexpr int lanes = kVectorBytes / sizeof(Key);
  typedef Key Keys __attribute__((vector_size(kVectorBytes)));
  typedef Key UnalignedKeys __attribute__((vector_size(kVectorBytes), may_alias, aligned(sizeof(Key))));
  typedef std::uint32_t Counts __attribute__((vector_size(4 * lanes)));
  typedef std::uint16_t Positions __attribute__((vector_size(2 * lanes)));
  typedef std::uint16_t UnalignedPositions __attribute__((vector_size(2 * lanes), may_alias, aligned(2)));
};
template <typename Key>
using Lanes = typename VectorsOf<Key>::Keys;
template <typename Key>
constexpr int kLanes = VectorsOf<Key>::lanes;

/** From one group of buckets to the next, in elements: one cache line more than they take, because buckets
 * fill at the same pace, and few lines of a cache have the same place. */
template <typename Key>
constexpr std::uint32_t kGroupElements = kSlots* kLanes<Key> + 64 / sizeof(Key);
static_assert(kGroupElements<std::uint32_t> <= kBucketElements * kLanes<std::uint32_t>);

template <typename Key>
Lanes<Key> all(Key value) {
  return Lanes<Key>{} + value;
}

/** 0, 1, 2, … */
template <typename Key>
Lanes<Key> laneNumbers() {
  Lanes<Key> numbers;
  for (int lane = 0; lane < kLanes<Key>; ++lane) numbers[lane] = static_cast<Key>(lane);
  return numbers;
}

template <typename Key>
Key lowest(int bits) {
  return (Key{1} << bits) - 1;
}

// Batcher's odd-even merge sort (Knuth, TAOCP vol. 3, 5.2.2, algorithm M, in the form of 5.3.4 for networks):
// passes compare rows that are `distance` apart, within sequences of 2 · `sorted` rows.

template <int rows, int sorted, int distance, int row, typename Keys>
[[gnu::always_inline]] inline void compareFrom(Keys* of) {
  if constexpr (row + distance < rows) {
    constexpr bool isCompared = (row - distance % sorted) / distance % 2 == 0 && row >= distance % sorted &&
                                row / (2 * sorted) == (row + distance) / (2 * sorted);
    if constexpr (isCompared) {
      const Keys one = of[row];
      const Keys other = of[row + distance];
      of[row] = one < other ? one : other;
      of[row + distance] = one < other ? other : one;
    }
    compareFrom<rows, sorted, distance, row + 1>(of);
  }
}

template <int rows, int sorted = 1, int distance = 1, typename Keys>
[[gnu::always_inline]] inline void sortEachLane(Keys* of) {
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
template <int block, typename Keys, int... lane>
[[gnu::always_inline]] inline void exchange(Keys& one, Keys& other, std::integer_sequence<int, lane...>) {
  constexpr int lanes = sizeof...(lane);
  const Keys a = one;
  const Keys b = other;
  one = __builtin_shufflevector(a, b, ((lane & block) == 0 ? lane : lane - block + lanes)...);
  other = __builtin_shufflevector(a, b, ((lane & block) == 0 ? lane + block : lane + lanes)...);
}

/** Lanes become rows. */
template <int lanes, int block = lanes / 2, typename Keys>
[[gnu::always_inline]] inline void transpose(Keys* rows) {
  if constexpr (block > 0) {
#pragma GCC unroll 16
    for (int row = 0; row < lanes; ++row) {
      if ((row & block) == 0) {
        exchange<block>(rows[row], rows[row + block], std::make_integer_sequence<int, lanes>());
      }
    }
    transpose<lanes, block / 2>(rows);
  }
}

/** One sort. */
template <typename Key>
class Sort {
 public:
  Sort(std::size_t count, int top, const BucketRoom<Key>& room) : room_(room) {
    int bits = 0;
    for (buckets_ = 1; buckets_ < lanes || count / buckets_ > kMostInBucketOnAverage; buckets_ *= 2) ++bits;
    while (slotMask_ < buckets_ / lanes * kGroupElements<Key> - 1) slotMask_ = 2 * slotMask_ + 1;
    keyBits_ = top - bits;
    positionBits_ = 1;
    while (count > std::size_t{1} << positionBits_) ++positionBits_;
  }

  /** Whether what is left of a key, and its position, are one number. */
  [[nodiscard]] bool fits() const {
    return keyBits_ >= 0 && keyBits_ + positionBits_ <= static_cast<int>(8 * sizeof(Key));
  }

  /** Puts each key's number into its bucket, or into another one, where that is full. Counts, `lanes` for
   * each, what belongs into a bucket. */
  void fill(const Key* keys, std::size_t count, const Beside& beside) {
    // Copies, which no store can change.
    Key* const slots = room_.slots;
    std::uint32_t* const next = room_.counts;
    const int keyBits = keyBits_;
    const int positionBits = positionBits_;
    const std::uint32_t buckets = buckets_;
    const std::uint32_t slotMask = slotMask_;
    const auto [besideKey, bytesBeside] = beside;
    for (std::uint32_t bucket = 0; bucket < buckets; ++bucket) next[bucket] = firstSlot(bucket);
    const auto put = [&](Key bucket, Key number) {
      const std::uint32_t slot = next[bucket];
      next[bucket] = slot + lanes;
      slots[slot & slotMask] = number;
    };
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      __builtin_prefetch(keys + i + kAhead);
      __builtin_prefetch(besideKey + i * bytesBeside);
      const Vector key = *reinterpret_cast<const typename Vectors::UnalignedKeys*>(keys + i);
      const Vector bucket = key >> keyBits & all<Key>(buckets - 1);
      const Vector number =
          (key & all(lowest<Key>(keyBits))) << positionBits | (laneNumbers<Key>() + static_cast<Key>(i));
#pragma GCC unroll 16
      for (int lane = 0; lane < lanes; ++lane) put(bucket[lane], number[lane]);
    }
    for (; i < count; ++i) {
      const Key key = keys[i];
      const Key bucket = key >> keyBits & (buckets - 1);
      put(bucket, (key & lowest<Key>(keyBits)) << positionBits | static_cast<Key>(i));
    }
    for (std::uint32_t bucket = 0; bucket < buckets; ++bucket) next[bucket] -= firstSlot(bucket);
  }

  /** Writes all keys, the highest bits of which are `above`, in their order. Returns whether no bucket had
   * too many. */
  bool drain(Key above) {
    for (std::uint32_t bucket = 0; bucket < buckets_; bucket += lanes) {
      const std::uint32_t* counts = room_.counts + bucket;
      std::uint32_t most = 0;
      for (int lane = 0; lane < lanes; ++lane) most = most < counts[lane] ? counts[lane] : most;
      if (most > kSlots * lanes) return false;
      const Key first = above | static_cast<Key>(bucket) << keyBits_;
      if (most <= kSlots / 2 * lanes) {
        drainGroup<kSlots / 2>(bucket, first);
      } else if (most <= kSlots * 3 / 4 * lanes) {
        drainGroup<kSlots * 3 / 4>(bucket, first);
      } else {
        drainGroup<kSlots>(bucket, first);
      }
    }
    return true;
  }

 private:
  using Vectors = VectorsOf<Key>;
  using Vector = Lanes<Key>;
  static constexpr int lanes = kLanes<Key>;

  /** Of a bucket. */
  static std::uint32_t firstSlot(std::uint32_t bucket) {
    return bucket / lanes * kGroupElements<Key> + bucket % lanes;
  }

  /** The buckets from `bucket` on, which have up to `rows` keys each; the first bucket's begin at `firstKey`.
   * What is written of a bucket's empty slots is written over by the next one. */
  template <int rows>
  void drainGroup(std::uint32_t bucket, Key firstKey) {
    const Key* slots = room_.slots + firstSlot(bucket);
    const std::uint32_t* counts = room_.counts + bucket;
    constexpr int blocks = (rows + lanes - 1) / lanes;
    Vector numbers[blocks * lanes];
    const Vector filled =
        __builtin_convertvector(*reinterpret_cast<const typename Vectors::Counts*>(counts), Vector);
#pragma GCC unroll 32
    for (int row = 0; row < rows; ++row) {
      const Vector number = *reinterpret_cast<const Vector*>(slots + static_cast<std::size_t>(row) * lanes);
      numbers[row] = filled > all(static_cast<Key>(row) * lanes) ? number : ~Vector{};
    }
    sortEachLane<rows>(numbers);
#pragma GCC unroll 16
    for (int row = rows; row < blocks * lanes; ++row) numbers[row] = ~Vector{};
#pragma GCC unroll 4
    for (int row = 0; row < rows; row += lanes) transpose<lanes>(numbers + row);
#pragma GCC unroll 16
    for (int lane = 0; lane < lanes; ++lane) {
      const Vector above = all(firstKey + (static_cast<Key>(lane) << keyBits_));
#pragma GCC unroll 4
      for (int row = 0; row < rows; row += lanes) {
        const Vector number = numbers[row + lane];
        *reinterpret_cast<typename Vectors::UnalignedKeys*>(room_.keys + at_ + row) =
            number >> positionBits_ | above;
        *reinterpret_cast<typename Vectors::UnalignedPositions*>(room_.positions + at_ + row) =
            __builtin_convertvector(number & all(lowest<Key>(positionBits_)), typename Vectors::Positions);
      }
      at_ += counts[lane] / lanes;
    }
  }

  BucketRoom<Key> room_;
  std::uint32_t buckets_ = 0;
  /** The bits of a slot's number. */
  std::uint32_t slotMask_ = 1;
  /** Below those that choose a bucket. */
  int keyBits_ = 0;
  int positionBits_ = 0;
  /** So many keys have been written. */
  std::size_t at_ = 0;
};

template <typename Key>
bool sortKeys(const Key* keys, std::size_t count, int top, const Beside& beside,
              const BucketRoom<Key>& room) {
  Sort<Key> sort(count, top, room);
  if (!sort.fits()) return false;
  const Key above = top == static_cast<int>(8 * sizeof(Key)) ? 0 : keys[0] >> top << top;
  sort.fill(keys, count, beside);
  return sort.drain(above);
}

}  // namespace

bool sortByBuckets(const std::uint32_t* keys, std::size_t count, int top, const Beside& beside,
                   const BucketRoom<std::uint32_t>& room) {
  return sortKeys(keys, count, top, beside, room);
}

#ifdef __AVX512F__
// Without AVX-512 there is no least one of two numbers of 64 bits, and sorting by digits is as fast.
static_assert(kGroupElements<std::uint64_t> <= kBucketElements * kLanes<std::uint64_t>);

bool sortByBuckets(const std::uint64_t* keys, std::size_t count, int top, const Beside& beside,
                   const BucketRoom<std::uint64_t>& room) {
  return sortKeys(keys, count, top, beside, room);
}
#endif

}  // namespace vgpu::compute::VGPU_BUCKET_PATH
