// Stable sorting of records by an unsigned key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

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

/** Where records come from and where they go to, in runs that begin at an index. Both are called by several
 * threads at once; nothing is stored before everything has been loaded, so that both may be about the same
 * memory. `load` may be called more than once for a record. */
template <typename Record>
struct RecordStream {
  std::function<void(std::size_t first, std::size_t count, Record* records)> load;
  std::function<void(std::size_t first, std::size_t count, const Record* records)> store;
};

/** Sorts `count` records, ascending. Takes room for one copy of them, and for a second one where too many
 * keys agree in their highest bits.
 * @throws Error argument, when a record has changed between two loads */
template <typename Record>
void radixSort(Context& context, std::size_t count, const RecordStream<Record>& stream);

using Pair32 = PairRecord<std::uint32_t, std::uint32_t>;
using Pair64 = PairRecord<std::uint64_t, std::uint64_t>;
extern template void radixSort(Context&, std::size_t, const RecordStream<KeyRecord<std::uint32_t>>&);
extern template void radixSort(Context&, std::size_t, const RecordStream<KeyRecord<std::uint64_t>>&);
extern template void radixSort(Context&, std::size_t, const RecordStream<Pair32>&);
extern template void radixSort(Context&, std::size_t, const RecordStream<Pair64>&);

}  // namespace vgpu::compute
