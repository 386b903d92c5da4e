// Sorting from the lowest digit on (Knuth, TAOCP vol. 3, 5.2.5), on one thread and in the cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "compute/record_columns.h"

namespace vgpu::compute {

using Key32 = KeyRecord<std::uint32_t>;
using Key64 = KeyRecord<std::uint64_t>;
using Pair32 = PairRecord<std::uint32_t, std::uint32_t>;
using Pair64 = PairRecord<std::uint64_t, std::uint64_t>;
using Pair32And64 = PairRecord<std::uint32_t, std::uint64_t>;
using Pair64And32 = PairRecord<std::uint64_t, std::uint32_t>;

/** So many bits of `key` from bit `shift` on. */
template <int bits, typename Key>
std::size_t digit(Key key, int shift) {
  return static_cast<std::size_t>(key >> shift) & ((std::size_t{1} << bits) - 1);
}

/** Stable. Records are equal in all bits of their keys from `top` on; there are fewer than 2³² of them, and
 * as much room at `other`. Returns where they lie then. */
template <typename Record>
Record* sortByDigits(Record* records, Record* other, std::size_t count, int top);

extern template Key32* sortByDigits(Key32*, Key32*, std::size_t, int);
extern template Key64* sortByDigits(Key64*, Key64*, std::size_t, int);
extern template Pair32* sortByDigits(Pair32*, Pair32*, std::size_t, int);
extern template Pair64* sortByDigits(Pair64*, Pair64*, std::size_t, int);
extern template Pair32And64* sortByDigits(Pair32And64*, Pair32And64*, std::size_t, int);
extern template Pair64And32* sortByDigits(Pair64And32*, Pair64And32*, std::size_t, int);

}  // namespace vgpu::compute
