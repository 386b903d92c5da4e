#include "compute/bucket_sort.h"

#include <algorithm>
#include <string_view>

#include "compute/kernels.h"

namespace vgpu::compute {
namespace {

/** After so many refusals in a row, 2ⁿ - 1 sets of keys are not tried: where some are spread unevenly, others
 * are as well, and a refusal takes half as long as a sort. */
constexpr int kMostRefusals = 6;

/** Null where there is none: without vectors to compare keys in, nothing is gained. */
template <typename Key>
SortByBuckets<Key> kernelHere() {
#ifdef VGPU_X86_PATHS
  const std::string_view path = kernelPath();
  if (path == "avx512") return avx512::sortByBuckets;
  if constexpr (sizeof(Key) == sizeof(std::uint32_t)) {
    if (path == "avx2") return avx2::sortByBuckets;
  }
#endif
  return nullptr;
}

}  // namespace

template <typename Key>
BucketSort<Key>::BucketSort(Context& context, std::size_t most) : kernel_(kernelHere<Key>()) {
  most = std::min(most, kBucketSortMost);
  const std::size_t slots = mostSlots(most);
  const std::size_t counts = mostBuckets(most);
  const std::size_t sorted = most + kBucketMargin;
  const std::size_t bytes =
      (slots + sorted) * sizeof(Key) + counts * sizeof(std::uint32_t) + sorted * sizeof(std::uint16_t);
  if (kernel_ == nullptr || most == 0 || !context.hasRoomFor(bytes)) return;
  slots_ = context.allocate<Key>(slots);
  counts_ = context.allocate<std::uint32_t>(counts);
  keys_ = context.allocate<Key>(sorted);
  positions_ = context.allocate<std::uint16_t>(sorted);
  most_ = most;
}

template <typename Key>
bool BucketSort<Key>::sort(const Key* keys, std::size_t count, int top, const Beside& beside) {
  if (count == 0 || count > most_) return false;
  if (waits_ > 0) {
    --waits_;
    return false;
  }
  const bool isSorted =
      kernel_(keys, count, top, beside, {slots_.get(), counts_.get(), keys_.get(), positions_.get()});
  refusals_ = isSorted ? 0 : std::min(refusals_ + 1, kMostRefusals);
  if (!isSorted) waits_ = (std::size_t{1} << refusals_) - 1;
  return isSorted;
}

template class BucketSort<std::uint32_t>;
template class BucketSort<std::uint64_t>;

}  // namespace vgpu::compute
