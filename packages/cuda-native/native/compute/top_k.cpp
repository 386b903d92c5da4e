// Each thread keeps the best of its part in a heap whose top is the worst of them; then the heaps are put
// together.
#include <algorithm>
#include <limits>
#include <vector>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/sort.h"
#include "compute/sort_key.h"

namespace vgpu::compute {
namespace {

template <typename Key>
struct Candidate {
  Key key;
  std::uint32_t index;

  friend bool operator<(const Candidate& one, const Candidate& other) {
    return one.key != other.key ? one.key < other.key : one.index < other.index;
  }
};

/** The least `most` keys of first … last, in no order, at `heap`. Returns how many they are. */
template <typename T>
std::size_t selectLeast(const Context& context, const T* x, std::size_t first, std::size_t last, Order order,
                        std::size_t most, Candidate<SortKey<T>>* heap) {
  constexpr std::size_t kBlock = std::size_t{1} << 18;
  std::size_t kept = 0;
  for (std::size_t i = first; i < last; ++i) {
    if (i % kBlock == 0) context.throwIfStopped();
    const SortKey<T> key = toSortKey(x[i]);
    const Candidate<SortKey<T>> candidate{order == Order::ascending ? key : static_cast<SortKey<T>>(~key),
                                          static_cast<std::uint32_t>(i)};
    if (kept < most) {
      heap[kept++] = candidate;
      std::push_heap(heap, heap + kept);
    } else if (candidate < heap[0]) {
      std::pop_heap(heap, heap + kept);
      heap[kept - 1] = candidate;
      std::push_heap(heap, heap + kept);
    }
  }
  return kept;
}

template <typename T>
void topKOf(Context& context, const Array& x, Order order, const Array& values, const Array& indices) {
  constexpr std::size_t kWorthThread = std::size_t{1} << 16;
  const std::size_t most = values.count;
  if (most == 0) return;
  const std::size_t parts = std::clamp<std::size_t>(x.count / kWorthThread, 1, context.pool().threads());
  const auto candidates = context.allocate<Candidate<SortKey<T>>>(parts * most);
  std::vector<std::size_t> kept(parts);
  context.forEach(parts, [&](std::size_t part) {
    kept[part] = selectLeast(context, x.as<const T>(), x.count * part / parts, x.count * (part + 1) / parts,
                             order, most, candidates.get() + part * most);
  });
  std::size_t total = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    std::copy_n(candidates.get() + part * most, kept[part], candidates.get() + total);
    total += kept[part];
  }
  std::partial_sort(candidates.get(), candidates.get() + most, candidates.get() + total);
  for (std::size_t i = 0; i < most; ++i) {
    const SortKey<T> key = candidates[i].key;
    values.as<T>()[i] = fromSortKey<T>(order == Order::ascending ? key : static_cast<SortKey<T>>(~key));
    indices.as<std::uint32_t>()[i] = candidates[i].index;
  }
}

}  // namespace

void topK(Context& context, const Array& x, Order order, const Array& values, const Array& indices) {
  checkType(values, x.type);
  checkType(indices, ElementType::u32);
  checkCount(values.count, x);
  checkCount(values.count, indices);
  checkApart(x, values);
  checkApart(x, indices);
  checkApart(values, {indices.type, indices.data, values.count});
  if (x.count > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::argument, "more elements than an index of 32 bits can tell");
  }
  withType(x.type, [&]<typename T>(T) { topKOf<T>(context, x, order, values, indices); });
}

}  // namespace vgpu::compute
