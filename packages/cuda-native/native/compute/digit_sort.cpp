#include "compute/digit_sort.h"

#include <array>
#include <utility>

namespace vgpu::compute {
namespace {

/** Below this, comparing and moving is faster than counting. */
constexpr std::size_t kInsertion = 48;
/** From here on, fewer passes are worth more counters. */
constexpr std::size_t kWideDigits = 3000;

template <typename Record>
void insertionSort(Record* records, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    const Record record = records[i];
    std::size_t at = i;
    for (; at > 0 && record.key < records[at - 1].key; --at) records[at] = records[at - 1];
    records[at] = record;
  }
}

template <int bits, int passes>
using PassCounts = std::array<std::array<std::uint32_t, std::size_t{1} << bits>, passes>;

/** How often each digit occurs, for all passes at once. */
template <int bits, int passes, typename Record>
void countPasses(const Record* records, std::size_t count, PassCounts<bits, passes>& counts) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = records[i].key;
    for (int pass = 0; pass < passes; ++pass) ++counts[pass][digit<bits>(key, pass * bits)];
  }
}

/** From the lowest digit on, in so many passes at most. Returns where they lie then. */
template <int bits, int passes, typename Record>
Record* sortInPasses(Record* from, Record* other, std::size_t count, int top) {
  if constexpr (passes > 1) {
    if (top <= (passes - 1) * bits) return sortInPasses<bits, passes - 1>(from, other, count, top);
  }
  PassCounts<bits, passes> counts{};
  countPasses<bits, passes>(from, count, counts);
  for (int pass = 0; pass < passes; ++pass) {
    const int shift = pass * bits;
    auto& starts = counts[pass];
    if (starts[digit<bits>(from[0].key, shift)] == count) continue;
    std::uint32_t sum = 0;
    for (std::uint32_t& start : starts) start = std::exchange(sum, sum + start);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < count; ++i) {
      const Record record = from[i];
      other[starts[digit<bits>(record.key, shift)]++] = record;
    }
    std::swap(from, other);
  }
  return from;
}

/** In as many passes as `top` bits take. */
template <int bits, typename Record>
Record* sortByDigitsOf(Record* from, Record* other, std::size_t count, int top) {
  constexpr int kPasses = (8 * sizeof(from->key) + bits - 1) / bits;
  return sortInPasses<bits, kPasses>(from, other, count, top);
}

}  // namespace

template <typename Record>
Record* sortByDigits(Record* records, Record* other, std::size_t count, int top) {
  if (count > kInsertion) {
    return count < kWideDigits ? sortByDigitsOf<8>(records, other, count, top)
                               : sortByDigitsOf<12>(records, other, count, top);
  }
  insertionSort(records, count);
  return records;
}

template Key32* sortByDigits(Key32*, Key32*, std::size_t, int);
template Key64* sortByDigits(Key64*, Key64*, std::size_t, int);
template Pair32* sortByDigits(Pair32*, Pair32*, std::size_t, int);
template Pair64* sortByDigits(Pair64*, Pair64*, std::size_t, int);
template Pair32And64* sortByDigits(Pair32And64*, Pair32And64*, std::size_t, int);
template Pair64And32* sortByDigits(Pair64And32*, Pair64And32*, std::size_t, int);

}  // namespace vgpu::compute
