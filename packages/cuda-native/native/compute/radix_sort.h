// Stable sorting of records by an unsigned key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "compute/context.h"
#include "compute/record_columns.h"

namespace vgpu::compute {

/** Where records come from and where they go to, in runs that begin at an index. All are called by several
 * threads at once. `loadKeys` and `load` may be called more than once for a record. */
template <typename Record>
struct RecordStream {
  std::function<void(std::size_t first, std::size_t count, typename Record::Key* keys)> loadKeys;
  std::function<void(std::size_t first, std::size_t count, Record* records)> load;
  std::function<void(std::size_t first, std::size_t count, const Record* records)> store;
  /** Room for as many records, for what lies between loading and storing. `store` may write records first …
   * first + count - 1 of it, and `load` reads none of it. Columns that are null are taken from the
   * operation's memory: only then may `store` write what `load` reads. */
  Columns<Record> room{};
};

/** Sorts `count` records, ascending. Takes room for a copy of them where too many keys agree in their highest
 * bits.
 * @throws Error argument, when a record has changed between two loads */
template <typename Record>
void radixSort(Context& context, std::size_t count, const RecordStream<Record>& stream);

using Key32 = KeyRecord<std::uint32_t>;
using Key64 = KeyRecord<std::uint64_t>;
using Pair32 = PairRecord<std::uint32_t, std::uint32_t>;
using Pair64 = PairRecord<std::uint64_t, std::uint64_t>;
using Pair32And64 = PairRecord<std::uint32_t, std::uint64_t>;
using Pair64And32 = PairRecord<std::uint64_t, std::uint32_t>;
extern template void radixSort(Context&, std::size_t, const RecordStream<Key32>&);
extern template void radixSort(Context&, std::size_t, const RecordStream<Key64>&);
extern template void radixSort(Context&, std::size_t, const RecordStream<Pair32>&);
extern template void radixSort(Context&, std::size_t, const RecordStream<Pair64>&);
extern template void radixSort(Context&, std::size_t, const RecordStream<Pair32And64>&);
extern template void radixSort(Context&, std::size_t, const RecordStream<Pair64And32>&);

}  // namespace vgpu::compute
