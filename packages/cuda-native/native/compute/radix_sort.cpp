// First from the top: all threads together split the records by the highest digit in which keys differ, until
// the parts fit into the cache. Then from the bottom, inside each part (Knuth, TAOCP vol. 3, 5.2.5).
// Splitting needs one pass through memory, what follows none.
#include "compute/radix_sort.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace vgpu::compute {
namespace {

/** Digits of so many bits split; one cache line for each of their values fits into the second-level cache. */
constexpr int kSplitBits = 10;
constexpr std::size_t kSplits = std::size_t{1} << kSplitBits;
/** Two of these fit into the second-level cache. */
constexpr std::size_t kPartBytes = std::size_t{256} << 10;

/** Below this, comparing and moving is faster than counting. */
constexpr std::size_t kInsertion = 48;
/** From here on, fewer passes are worth more counters. */
constexpr std::size_t kWideDigits = 3000;

using Counts = std::array<std::size_t, kSplits>;

template <int bits, typename Record>
std::size_t digit(const Record& record, int shift) {
  return static_cast<std::size_t>(record.key >> shift) & ((std::size_t{1} << bits) - 1);
}

/** Records that are equal in all bits from `top` on. They lie in `from`; what is sorted goes to `target`. */
template <typename Record>
struct Part {
  Record* from;
  Record* other;
  Record* target;
  std::size_t count;
  int top;
};

template <typename Record>
void insertionSort(Record* records, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    const Record record = records[i];
    std::size_t at = i;
    for (; at > 0 && record.key < records[at - 1].key; --at) records[at] = records[at - 1];
    records[at] = record;
  }
}

/** From the lowest digit on. */
template <int bits, typename Record>
void sortByDigits(Part<Record>& part) {
  constexpr std::size_t kMostPasses = (8 * sizeof(part.from->key) + bits - 1) / bits;
  std::array<std::array<std::uint32_t, std::size_t{1} << bits>, kMostPasses> counts{};
  const auto passes = static_cast<std::size_t>((part.top + bits - 1) / bits);
  for (std::size_t i = 0; i < part.count; ++i) {
    for (std::size_t pass = 0; pass < passes; ++pass) {
      ++counts[pass][digit<bits>(part.from[i], static_cast<int>(pass) * bits)];
    }
  }
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const int shift = static_cast<int>(pass) * bits;
    auto& starts = counts[pass];
    if (starts[digit<bits>(part.from[0], shift)] == part.count) continue;
    std::uint32_t sum = 0;
    for (std::uint32_t& start : starts) start = std::exchange(sum, sum + start);
    for (std::size_t i = 0; i < part.count; ++i) {
      part.other[starts[digit<bits>(part.from[i], shift)]++] = part.from[i];
    }
    std::swap(part.from, part.other);
  }
}

/** On one thread. */
template <typename Record>
void sortPart(Part<Record> part) {
  if (part.count <= kInsertion) {
    insertionSort(part.from, part.count);
  } else if (part.count < kWideDigits) {
    sortByDigits<8>(part);
  } else {
    sortByDigits<11>(part);
  }
  if (part.from != part.target) std::copy(part.from, part.from + part.count, part.target);
}

/** How many bits, from the lowest, differ somewhere. */
template <typename Record>
int differingBits(const Context& context, const Record* records, std::size_t count) {
  using Key = typename Record::Key;
  constexpr std::size_t kBlock = std::size_t{1} << 18;
  std::vector<Key> differences((count + kBlock - 1) / kBlock);
  context.forBlocks(count, kBlock, [&](std::size_t first, std::size_t last) {
    Key difference = 0;
    for (std::size_t i = first; i < last; ++i) difference |= records[i].key ^ records[0].key;
    differences[first / kBlock] = difference;
  });
  Key difference = 0;
  for (const Key part : differences) difference |= part;
  return static_cast<int>(8 * sizeof(Key)) - std::countl_zero(difference);
}

template <typename Record>
class Splitter {
 public:
  explicit Splitter(const Context& context) : context_(context) {}

  /** Appends the parts to sort afterwards, none of them large. */
  void split(const Part<Record>& part, std::vector<Part<Record>>& small) {
    if (part.count * sizeof(Record) <= kPartBytes) {
      small.push_back(part);
      return;
    }
    const int bits = std::min(part.top, differingBits(context_, part.from, part.count));
    if (bits == 0) {
      small.push_back({part.from, part.other, part.target, part.count, 0});
      return;
    }
    const int shift = std::max(0, bits - kSplitBits);
    const Counts sizes = scatter(part, shift);
    std::size_t first = 0;
    for (const std::size_t size : sizes) {
      if (size > 0) split({part.other + first, part.from + first, part.target + first, size, shift}, small);
      first += size;
    }
  }

 private:
  /** Moves all records to `other`, in the order of one digit. Returns how many have each. */
  Counts scatter(const Part<Record>& part, int shift) {
    const std::size_t slices = context_.pool().threads();
    const auto bound = [&](std::size_t slice) { return part.count * slice / slices; };
    std::vector<Counts> starts(slices);
    context_.forEach(slices, [&](std::size_t slice) {
      Counts counts{};
      for (std::size_t i = bound(slice); i < bound(slice + 1); ++i)
        ++counts[digit<kSplitBits>(part.from[i], shift)];
      starts[slice] = counts;
    });
    Counts sizes{};
    std::size_t sum = 0;
    for (std::size_t value = 0; value < kSplits; ++value) {
      const std::size_t before = sum;
      for (Counts& counts : starts) counts[value] = std::exchange(sum, sum + counts[value]);
      sizes[value] = sum - before;
    }
    context_.forEach(slices, [&](std::size_t slice) {
      scatterSlice(part.from + bound(slice), part.from + bound(slice + 1), part.other, shift, starts[slice]);
    });
    return sizes;
  }

  /** Collects one cache line of records for each digit, so that memory sees whole lines. */
  static void scatterSlice(const Record* from, const Record* end, Record* to, int shift, Counts& starts) {
    constexpr std::size_t kLine = std::max<std::size_t>(64 / sizeof(Record), 1);
    struct alignas(64) Line {
      Record records[kLine];
    };
    std::array<Line, kSplits> lines;
    std::array<std::uint8_t, kSplits> filled{};
    for (; from != end; ++from) {
      const std::size_t value = digit<kSplitBits>(*from, shift);
      lines[value].records[filled[value]++] = *from;
      if (filled[value] < kLine) continue;
      std::copy(lines[value].records, lines[value].records + kLine, to + starts[value]);
      starts[value] += kLine;
      filled[value] = 0;
    }
    for (std::size_t value = 0; value < kSplits; ++value) {
      std::copy(lines[value].records, lines[value].records + filled[value], to + starts[value]);
    }
  }

  const Context& context_;
};

}  // namespace

template <typename Record>
void radixSort(const Context& context, Record* records, Record* spare, std::size_t count) {
  if (count < 2) return;
  std::vector<Part<Record>> parts;
  constexpr int kKeyBits = 8 * sizeof(typename Record::Key);
  const Part<Record> all{records, spare, records, count, kKeyBits};
  Splitter<Record>(context).split(all, parts);
  context.forEach(parts.size(), [&](std::size_t i) { sortPart(parts[i]); });
}

template void radixSort(const Context&, KeyRecord<std::uint32_t>*, KeyRecord<std::uint32_t>*, std::size_t);
template void radixSort(const Context&, KeyRecord<std::uint64_t>*, KeyRecord<std::uint64_t>*, std::size_t);
template void radixSort(const Context&, Pair32*, Pair32*, std::size_t);
template void radixSort(const Context&, Pair64*, Pair64*, std::size_t);

}  // namespace vgpu::compute
