// Sorting keys that fit into the second-level cache by buckets, where the processor has a kernel for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "compute/bucket_kernel.h"
#include "compute/context.h"

namespace vgpu::compute {

/** Sorts one set of keys, of 32 or 64 bits, after the other, on one thread. */
template <typename Key>
class BucketSort {
 public:
  /** For up to `most` keys, or kBucketSortMost if that is less; for none, where the limit leaves no room. */
  BucketSort(Context& context, std::size_t most);

  /** Of keys that are equal in all bits from `top` on, and each of which is read once, but for the first.
   * Equal ones stay in their order. Returns whether it has sorted them: they may be too many, or they or
   * those before them spread too unevenly. */
  bool sort(const Key* keys, std::size_t count, int top, const Beside& beside);

  /** Those of the last sort, in their order. */
  [[nodiscard]] const Key* keys() const { return keys_.get(); }
  /** Which one of those that were given each is. */
  [[nodiscard]] const std::uint16_t* positions() const { return positions_.get(); }

 private:
  SortByBuckets<Key> kernel_;
  std::size_t most_ = 0;
  int refusals_ = 0;
  std::size_t waits_ = 0;
  Memory<Key> slots_;
  Memory<std::uint32_t> counts_;
  Memory<Key> keys_;
  Memory<std::uint16_t> positions_;
};

}  // namespace vgpu::compute
