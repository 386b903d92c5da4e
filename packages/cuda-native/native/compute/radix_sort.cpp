// First from the top: all threads together split the records by the highest digit in which keys differ, until
// the parts fit into the cache. Then from the bottom, inside each part (Knuth, TAOCP vol. 3, 5.2.5).
// Splitting is one pass through memory, in whole cache lines that bypass the caches; so is what follows.
#include "compute/radix_sort.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "compute/error.h"

namespace vgpu::compute {
namespace {

/** Digits of so many bits split; a batch of records for each of their values fits into the second-level
 * cache. */
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

template <int bits, typename Key>
std::size_t digit(Key key, int shift) {
  return static_cast<std::size_t>(key >> shift) & ((std::size_t{1} << bits) - 1);
}

/** Records that are equal in all bits from `top` on. They lie in `from` from number `index` on, where the
 * first of them belongs. */
template <typename Record>
struct Part {
  Columns<Record> from;
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
    for (std::size_t i = 0; i < count; ++i) {
      const Record record = from[i];
      other[starts[digit<bits>(record.key, shift)]++] = record;
    }
    std::swap(from, other);
  }
  return from;
}

/** By the lowest `top` bits. */
template <int bits, typename Record>
Record* sortByDigits(Record* from, Record* other, std::size_t count, int top) {
  constexpr int kPasses = (8 * sizeof(from->key) + bits - 1) / bits;
  return sortInPasses<bits, kPasses>(from, other, count, top);
}

/** On one thread. Returns where they lie then. */
template <typename Record>
Record* sortInCache(Record* records, Record* other, std::size_t count, int top) {
  if (count > kInsertion) {
    return count < kWideDigits ? sortByDigits<8>(records, other, count, top)
                               : sortByDigits<11>(records, other, count, top);
  }
  insertionSort(records, count);
  return records;
}

/** Calls load(first, count, run) and use(element) for the elements of first … last - 1. */
template <typename Element, typename Load, typename Use>
void forRuns(const Load& load, std::size_t first, std::size_t last, Use use) {
  std::array<Element, kRun> run;
  for (; first < last; first += kRun) {
    const std::size_t count = std::min(kRun, last - first);
    load(first, count, run.data());
    for (std::size_t i = 0; i < count; ++i) use(run[i]);
  }
}

/** Collects a batch of records for each digit, so that memory sees whole cache lines. Where batches fill
 * lines of keys but not lines of payloads, the latter are written some records later. */
template <typename Record>
class Scatter {
 public:
  Scatter(const Columns<Record>& to, const Counts& starts, const Counts& ends)
      : to_(to), starts_(starts), ends_(ends), positions_(starts), lead_(kBatch + leadOf(to.keys)) {
    for (std::size_t& position : positions_) position += lead_;
    if constexpr (kHasPayload) later_ = (leadOf(to.payloads) - lead_) % kBatch;
  }

  void add(const Record& record, std::size_t value) {
    const std::size_t position = positions_[value]++;
    collected_[value].batch[position % kBatch] = record;
    if (position % kBatch == kBatch - 1) writeBatch(value, position + 1 - kBatch);
  }

  void finish() {
    for (std::size_t value = 0; value < kSplits; ++value) {
      // Somebody has changed the keys since they were counted.
      if (positions_[value] - lead_ != ends_[value]) refuse();
      writeRest(value, positions_[value]);
    }
    finishStreaming();
  }

 private:
  static constexpr bool kHasPayload = requires(Record record) { record.payload; };

  struct alignas(64) Collected {
    Record before[kBatch];
    Record batch[kBatch];
  };

  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::argument, "an array changed while it was sorted");
  }

  // Positions are counted from `lead_` before the first record on: multiples of kBatch fill lines of keys
  // then.

  void writeBatch(std::size_t value, std::size_t batch) {
    if (batch + kBatch - lead_ > ends_[value]) refuse();
    Collected& collected = collected_[value];
    const std::size_t start = starts_[value] + lead_;
    write(to_.keys, start, batch, collected.batch, [](const Record& record) { return record.key; });
    if constexpr (kHasPayload) {
      write(to_.payloads, start, batch - later_, collected.batch - later_,
            [](const Record& record) { return record.payload; });
      if (later_ > 0) std::copy_n(collected.batch, kBatch, collected.before);
    }
  }

  /** What `records` has of `from` … from + kBatch - 1: those from `start` on. */
  template <typename Field, typename FieldOf>
  void write(Field* column, std::size_t start, std::size_t from, const Record* records, FieldOf fieldOf) {
    std::array<Field, kBatch> fields;
    for (std::size_t i = 0; i < kBatch; ++i) fields[i] = fieldOf(records[i]);
    if (from >= start) {
      streamBatch(column + (from - lead_), fields);
    } else {
      for (std::size_t i = start; i < from + kBatch; ++i) column[i - lead_] = fields[i - from];
    }
  }

  void writeRest(std::size_t value, std::size_t end) {
    const std::size_t start = starts_[value] + lead_;
    const std::size_t batch = end / kBatch * kBatch;
    const Record* records = collected_[value].batch;
    for (std::size_t i = std::max(batch, start); i < end; ++i) to_.keys[i - lead_] = records[i - batch].key;
    if constexpr (kHasPayload) {
      for (std::size_t i = std::max(batch - later_, start); i < end; ++i) {
        to_.payloads[i - lead_] = (i < batch ? records - (batch - i) : records + (i - batch))->payload;
      }
    }
  }

  Columns<Record> to_;
  const Counts& starts_;
  const Counts& ends_;
  Counts positions_;
  std::size_t lead_;
  /** By how many records payloads are written later than keys. */
  std::size_t later_ = 0;
  std::array<Collected, kSplits> collected_;
};

template <typename Record>
class Splitter {
 public:
  using Key = typename Record::Key;
  using Stream = RecordStream<Record>;
  static constexpr int kKeyBits = 8 * sizeof(Key);

  Splitter(Context& context, std::size_t count, const Stream& stream)
      : context_(context), stream_(stream), room_(context, count, stream.room), count_(count) {}

  /** Loads everything. Returns the parts to sort afterwards, none of them large but where all keys are equal.
   */
  std::vector<Part<Record>> split() {
    splitInto(stream_, room_.columns(), {{}, 0, count_, kKeyBits});
    return std::move(parts_);
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

  Histogram countDigits(const Stream& stream, std::size_t count, int shift) {
    Histogram histogram{.ofSlices = std::vector<Counts>(slices())};
    std::vector<Key> differences(slices());
    Key first{};
    stream.loadKeys(0, 1, &first);
    context_.forEach(slices(), [&](std::size_t slice) {
      Counts counts{};
      Key difference = 0;
      forRuns<Key>(stream.loadKeys, bound(count, slice), bound(count, slice + 1), [&](Key key) {
        difference |= key ^ first;
        ++counts[digit<kSplitBits>(key, shift)];
      });
      histogram.ofSlices[slice] = counts;
      differences[slice] = difference;
    });
    Key difference = 0;
    for (const Key part : differences) difference |= part;
    histogram.differing = kKeyBits - std::countl_zero(difference);
    return histogram;
  }

  /** Moves a part, which `stream` loads, to its place in `to`, in the order of the highest digit that
   * differs. */
  void splitInto(const Stream& stream, const Columns<Record>& to, const Part<Record>& part) {
    int shift = std::max(0, part.top - kSplitBits);
    Histogram histogram = countDigits(stream, part.count, shift);
    const int differing = std::min(part.top, histogram.differing);
    if (differing == 0 && part.from.keys != nullptr) {
      parts_.push_back({part.from, part.index, part.count, 0});
      return;
    }
    if (std::max(0, differing - kSplitBits) != shift) {
      shift = std::max(0, differing - kSplitBits);
      histogram = countDigits(stream, part.count, shift);
    }
    const Counts sizes = scatter(stream, to, part, shift, histogram.ofSlices);
    std::size_t first = part.index;
    for (const std::size_t size : sizes) {
      if (size > 0) splitFurther({to, first, size, shift});
      first += size;
    }
  }

  void splitFurther(const Part<Record>& part) {
    if (part.count * sizeof(Record) <= kPartBytes || part.top == 0) {
      parts_.push_back(part);
      return;
    }
    if (!spare_) spare_.emplace(context_, count_, Columns<Record>{});
    // What lies in one of the two goes to the same place of the other.
    const bool isInSpare = part.from.keys == spare_->columns().keys;
    const Stream stream{
        .loadKeys = [&](std::size_t first, std::size_t count,
                        Key* keys) { std::copy_n(part.from.keys + part.index + first, count, keys); },
        .load = [&](std::size_t first, std::size_t count,
                    Record* records) { readColumns(part.from, part.index + first, count, records); },
        .store = nullptr};
    splitInto(stream, isInSpare ? room_.columns() : spare_->columns(), part);
  }

  /** Returns how many records have each digit. */
  Counts scatter(const Stream& stream, const Columns<Record>& to, const Part<Record>& part, int shift,
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
      forRuns<Record>(
          stream.load, bound(part.count, slice), bound(part.count, slice + 1),
          [&](const Record& record) { scatter->add(record, digit<kSplitBits>(record.key, shift)); });
      scatter->finish();
    });
    return sizes;
  }

  Context& context_;
  const Stream& stream_;
  ColumnMemory<Record> room_;
  std::optional<ColumnMemory<Record>> spare_;
  std::size_t count_;
  std::vector<Part<Record>> parts_;
};

/** Sorts parts one after the other. */
template <typename Record>
class PartSorter {
 public:
  PartSorter(Context& context, std::size_t most)
      : records_(context.allocate<Record>(most)), other_(context.allocate<Record>(most)), most_(most) {}

  void sort(const RecordStream<Record>& stream, const Part<Record>& part) {
    if (part.top == 0) return copy(stream, part);
    readColumns(part.from, part.index, part.count, records_.get());
    stream.store(part.index, part.count, sortInCache(records_.get(), other_.get(), part.count, part.top));
  }

 private:
  /** Of equal keys there may be any number. */
  void copy(const RecordStream<Record>& stream, const Part<Record>& part) {
    for (std::size_t done = 0; done < part.count; done += most_) {
      const std::size_t count = std::min(most_, part.count - done);
      readColumns(part.from, part.index + done, count, records_.get());
      stream.store(part.index + done, count, records_.get());
    }
  }

  Memory<Record> records_;
  Memory<Record> other_;
  std::size_t most_;
};

}  // namespace

template <typename Record>
void radixSort(Context& context, std::size_t count, const RecordStream<Record>& stream) {
  constexpr std::size_t kPart = kPartBytes / sizeof(Record);
  if (count == 0) return;
  if (count <= kPart) {
    const auto records = context.allocate<Record>(count);
    const auto other = context.allocate<Record>(count);
    context.throwIfStopped();
    stream.load(0, count, records.get());
    constexpr int kKeyBits = 8 * sizeof(typename Record::Key);
    stream.store(0, count, sortInCache(records.get(), other.get(), count, kKeyBits));
    return;
  }
  Splitter<Record> splitter(context, count, stream);
  const std::vector<Part<Record>> parts = splitter.split();
  std::size_t most = 0;
  for (const Part<Record>& part : parts) most = std::max(most, std::min(part.count, kPart));
  std::vector<PartSorter<Record>> sorters;
  for (unsigned i = 0; i < context.pool().threads(); ++i) sorters.emplace_back(context, most);
  std::atomic<std::size_t> next{0};
  context.forEach(sorters.size(), [&](std::size_t slice) {
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      context.throwIfStopped();
      sorters[slice].sort(stream, parts[i]);
    }
  });
}

template void radixSort(Context&, std::size_t, const RecordStream<Key32>&);
template void radixSort(Context&, std::size_t, const RecordStream<Key64>&);
template void radixSort(Context&, std::size_t, const RecordStream<Pair32>&);
template void radixSort(Context&, std::size_t, const RecordStream<Pair64>&);
template void radixSort(Context&, std::size_t, const RecordStream<Pair32And64>&);
template void radixSort(Context&, std::size_t, const RecordStream<Pair64And32>&);

}  // namespace vgpu::compute
