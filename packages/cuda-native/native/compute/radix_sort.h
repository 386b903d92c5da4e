// Stable sorting of records by an unsigned key.
#pragma once

#include <cstddef>
#include <cstdint>

#include "compute/context.h"

namespace vgpu::compute {

/** What is sorted: a key alone … */
template <typename K>
struct KeyRecord {
  using Key = K;
  Key key;
};

/** … or with something that goes along with it. */
template <typename K, typename P>
struct PairRecord {
  using Key = K;
  Key key;
  P payload;
};

/** Sorts `count` records, ascending. `spare` has room for as many. */
template <typename Record>
void radixSort(const Context& context, Record* records, Record* spare, std::size_t count);

extern template void radixSort(const Context&, KeyRecord<std::uint32_t>*, KeyRecord<std::uint32_t>*,
                               std::size_t);
extern template void radixSort(const Context&, KeyRecord<std::uint64_t>*, KeyRecord<std::uint64_t>*,
                               std::size_t);
using Pair32 = PairRecord<std::uint32_t, std::uint32_t>;
using Pair64 = PairRecord<std::uint64_t, std::uint64_t>;
extern template void radixSort(const Context&, Pair32*, Pair32*, std::size_t);
extern template void radixSort(const Context&, Pair64*, Pair64*, std::size_t);

}  // namespace vgpu::compute
