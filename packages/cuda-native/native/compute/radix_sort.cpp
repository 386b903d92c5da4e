// First from the top: all threads together split the records by the highest digit in which keys differ, until
// the parts fit into the cache. Then from the bottom, inside each part (Knuth, TAOCP vol. 3, 5.2.5).
// Splitting is one pass through memory, in whole cache lines that bypass the caches; what follows is none.
#include "compute/radix_sort.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "compute/error.h"

namespace vgpu::compute {
namespace {

/** Digits of so many bits split; one cache line for each of their values fits into the second-level cache. */
constexpr int kSplitBits = 10;
constexpr std::size_t kSplits = std::size_t{1} << kSplitBits;
/** Two of these fit into the second-level cache. */
constexpr std::size_t kPartBytes = std::size_t{256} << 10;
/** Records that are loaded at a time, into the first-level cache. */
constexpr std::size_t kRun = 256;

/** Below this, comparing and moving is faster than counting. */
constexpr std::size_t kInsertion = 48;
/** From here on, fewer passes are worth more counters. */
constexpr std::size_t kWideDigits = 3000;

using Counts = std::array<std::size_t, kSplits>;
constexpr std::size_t kLineBytes = 64;

template <int bits, typename Key>
std::size_t digit(Key key, int shift) {
  return static_cast<std::size_t>(key >> shift) & ((std::size_t{1} << bits) - 1);
}

/** Records that are equal in all bits from `top` on. They lie in `from`; sorted, the first of them is number
 * `index`. */
template <typename Record>
struct Part {
  Record* from;
  std::size_t index;
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

/** From the lowest digit on. Returns where they lie then. */
template <int bits, typename Record>
Record* sortByDigits(const Part<Record>& part, Record* other) {
  Record* from = part.from;
  constexpr std::size_t kMostPasses = (8 * sizeof(from->key) + bits - 1) / bits;
  std::array<std::array<std::uint32_t, std::size_t{1} << bits>, kMostPasses> counts{};
  const auto passes = static_cast<std::size_t>((part.top + bits - 1) / bits);
  for (std::size_t i = 0; i < part.count; ++i) {
    for (std::size_t pass = 0; pass < passes; ++pass) {
      ++counts[pass][digit<bits>(from[i].key, static_cast<int>(pass) * bits)];
    }
  }
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const int shift = static_cast<int>(pass) * bits;
    auto& starts = counts[pass];
    if (starts[digit<bits>(from[0].key, shift)] == part.count) continue;
    std::uint32_t sum = 0;
    for (std::uint32_t& start : starts) start = std::exchange(sum, sum + start);
    for (std::size_t i = 0; i < part.count; ++i) {
      other[starts[digit<bits>(from[i].key, shift)]++] = from[i];
    }
    std::swap(from, other);
  }
  return from;
}

/** On one thread. Returns where they lie then. */
template <typename Record>
Record* sortPart(const Part<Record>& part, Record* other) {
  if (part.top == 0) return part.from;
  if (part.count > kInsertion) {
    return part.count < kWideDigits ? sortByDigits<8>(part, other) : sortByDigits<11>(part, other);
  }
  insertionSort(part.from, part.count);
  return part.from;
}

/** 64 bytes to an address that is a multiple of 64, which is not read before. */
void writeLine(void* to, const void* line) {
#ifdef __SSE2__
  for (std::size_t i = 0; i < kLineBytes / sizeof(__m128i); ++i) {
    _mm_stream_si128(static_cast<__m128i*>(to) + i, _mm_load_si128(static_cast<const __m128i*>(line) + i));
  }
#else
  std::memcpy(to, line, kLineBytes);
#endif
}

/** Before other threads read what writeLine() wrote. */
void finishLines() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

template <typename Record>
using Load = std::function<void(std::size_t first, std::size_t count, Record* records)>;

/** Calls use(record) for the records first … last - 1. */
template <typename Record, typename Use>
void forRecords(const Load<Record>& load, std::size_t first, std::size_t last, Use use) {
  std::array<Record, kRun> run;
  for (; first < last; first += kRun) {
    const std::size_t count = std::min(kRun, last - first);
    load(first, count, run.data());
    for (std::size_t i = 0; i < count; ++i) use(run[i]);
  }
}

/** Collects one cache line of records for each digit, so that memory sees whole lines. `to` is aligned to
 * one. */
template <typename Record>
class Scatter {
 public:
  Scatter(Record* to, const Counts& starts, const Counts& ends)
      : to_(to), starts_(starts), ends_(ends), positions_(starts) {}

  void add(const Record& record, std::size_t value) {
    const std::size_t position = positions_[value]++;
    lines_[value].records[position % kLine] = record;
    if (position % kLine == kLine - 1) writeUpTo(value, position + 1);
  }

  void finish() {
    for (std::size_t value = 0; value < kSplits; ++value) {
      // Somebody has changed the keys since they were counted.
      if (positions_[value] != ends_[value]) refuse();
      if (positions_[value] % kLine != 0) writeUpTo(value, positions_[value]);
    }
    finishLines();
  }

 private:
  static constexpr std::size_t kLine = kLineBytes / sizeof(Record);
  struct alignas(kLineBytes) Line {
    Record records[kLine];
  };

  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::argument, "an array changed while it was sorted");
  }

  void writeUpTo(std::size_t value, std::size_t end) {
    if (end > ends_[value]) refuse();
    const std::size_t line = (end - 1) / kLine * kLine;
    const std::size_t begin = std::max(line, starts_[value]);
    if (end - begin == kLine) {
      writeLine(to_ + begin, lines_[value].records);
    } else {
      std::copy_n(lines_[value].records + (begin - line), end - begin, to_ + begin);
    }
  }

  Record* to_;
  const Counts& starts_;
  const Counts& ends_;
  Counts positions_;
  std::array<Line, kSplits> lines_;
};

template <typename Record>
class Splitter {
 public:
  using Key = typename Record::Key;
  static constexpr int kKeyBits = 8 * sizeof(Key);

  Splitter(Context& context, std::size_t count)
      : context_(context), records_(context.allocate<Record>(count)), count_(count) {}

  /** Loads everything. Returns the parts to sort afterwards, none of them large but where all keys are equal.
   */
  std::vector<Part<Record>> split(const Load<Record>& load) {
    std::vector<Part<Record>> small;
    splitInto(load, records_.get(), {nullptr, 0, count_, kKeyBits}, small);
    return small;
  }

 private:
  struct Histogram {
    std::vector<Counts> ofSlices;
    /** The bits, from the lowest, up to the highest one in which keys differ. */
    int differing = 0;
  };

  [[nodiscard]] std::size_t slices() const { return context_.pool().threads(); }
  [[nodiscard]] std::size_t bound(std::size_t count, std::size_t slice) const {
    return count * slice / slices();
  }

  Histogram countDigits(const Load<Record>& load, std::size_t count, int shift) {
    Histogram histogram{.ofSlices = std::vector<Counts>(slices())};
    std::vector<Key> differences(slices());
    Record first{};
    load(0, 1, &first);
    context_.forEach(slices(), [&](std::size_t slice) {
      Counts counts{};
      Key difference = 0;
      forRecords<Record>(load, bound(count, slice), bound(count, slice + 1), [&](const Record& record) {
        difference |= record.key ^ first.key;
        ++counts[digit<kSplitBits>(record.key, shift)];
      });
      histogram.ofSlices[slice] = counts;
      differences[slice] = difference;
    });
    Key difference = 0;
    for (const Key part : differences) difference |= part;
    histogram.differing = kKeyBits - std::countl_zero(difference);
    return histogram;
  }

  /** Moves what `load` gives to the part's place in `to`, in the order of the highest digit that differs. */
  void splitInto(const Load<Record>& load, Record* to, const Part<Record>& part,
                 std::vector<Part<Record>>& small) {
    int shift = std::max(0, part.top - kSplitBits);
    Histogram histogram = countDigits(load, part.count, shift);
    const int differing = std::min(part.top, histogram.differing);
    if (differing == 0 && part.from != nullptr) {
      small.push_back({part.from, part.index, part.count, 0});
      return;
    }
    if (std::max(0, differing - kSplitBits) != shift) {
      shift = std::max(0, differing - kSplitBits);
      histogram = countDigits(load, part.count, shift);
    }
    const Counts sizes = scatter(load, to, part, shift, histogram.ofSlices);
    std::size_t first = part.index;
    for (const std::size_t size : sizes) {
      if (size > 0) splitFurther({to + first, first, size, shift}, small);
      first += size;
    }
  }

  void splitFurther(const Part<Record>& part, std::vector<Part<Record>>& small) {
    if (part.count * sizeof(Record) <= kPartBytes || part.top == 0) {
      small.push_back(part);
      return;
    }
    if (!spare_) spare_ = context_.allocate<Record>(count_);
    // What lies in one of the two goes to the same place of the other.
    const bool isInSpare = part.from >= spare_.get() && part.from < spare_.get() + count_;
    Record* other = (isInSpare ? records_ : spare_).get();
    const Load<Record> load = [&](std::size_t first, std::size_t count, Record* records) {
      std::copy_n(part.from + first, count, records);
    };
    splitInto(load, other, part, small);
  }

  /** Returns how many records have each digit. */
  Counts scatter(const Load<Record>& load, Record* to, const Part<Record>& part, int shift,
                 std::vector<Counts>& starts) {
    Counts sizes{};
    std::size_t sum = part.index;
    std::vector<Counts> ends(slices());
    for (std::size_t value = 0; value < kSplits; ++value) {
      const std::size_t before = sum;
      for (std::size_t slice = 0; slice < slices(); ++slice) {
        starts[slice][value] = std::exchange(sum, sum + starts[slice][value]);
        ends[slice][value] = sum;
      }
      sizes[value] = sum - before;
    }
    context_.forEach(slices(), [&](std::size_t slice) {
      // Too much for the stack of a thread that is not ours.
      const auto scatter = std::make_unique<Scatter<Record>>(to, starts[slice], ends[slice]);
      forRecords<Record>(
          load, bound(part.count, slice), bound(part.count, slice + 1),
          [&](const Record& record) { scatter->add(record, digit<kSplitBits>(record.key, shift)); });
      scatter->finish();
    });
    return sizes;
  }

  Context& context_;
  Memory<Record> records_;
  Memory<Record> spare_;
  std::size_t count_;
};

}  // namespace

template <typename Record>
void radixSort(Context& context, std::size_t count, const RecordStream<Record>& stream) {
  constexpr int kKeyBits = 8 * sizeof(typename Record::Key);
  if (count == 0) return;
  if (count * sizeof(Record) <= kPartBytes) {
    const auto records = context.allocate<Record>(count);
    const auto other = context.allocate<Record>(count);
    context.throwIfStopped();
    stream.load(0, count, records.get());
    stream.store(0, count, sortPart({records.get(), 0, count, kKeyBits}, other.get()));
    return;
  }
  Splitter<Record> splitter(context, count);
  const std::vector<Part<Record>> parts = splitter.split(stream.load);
  constexpr std::size_t kPart = kPartBytes / sizeof(Record);
  const std::size_t slices = context.pool().threads();
  const auto others = context.allocate<Record>(slices * kPart);
  std::atomic<std::size_t> next{0};
  context.forEach(slices, [&](std::size_t slice) {
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      context.throwIfStopped();
      const Part<Record>& part = parts[i];
      stream.store(part.index, part.count, sortPart(part, others.get() + slice * kPart));
    }
  });
}

template void radixSort(Context&, std::size_t, const RecordStream<KeyRecord<std::uint32_t>>&);
template void radixSort(Context&, std::size_t, const RecordStream<KeyRecord<std::uint64_t>>&);
template void radixSort(Context&, std::size_t, const RecordStream<Pair32>&);
template void radixSort(Context&, std::size_t, const RecordStream<Pair64>&);

}  // namespace vgpu::compute
