// Stable sorting of records by an unsigned key, on all threads.
// First from the top: all threads together split the records by the highest digit in which keys differ, until
// the parts fit into the cache. Then from the bottom, inside each part.
// Splitting is one pass through memory, in whole cache lines that bypass the caches; so is what follows.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "compute/context.h"
#include "compute/digit_sort.h"
#include "compute/record_columns.h"
#include "compute/scatter.h"

namespace vgpu::compute {

/** Two of these fit into the second-level cache. */
constexpr std::size_t kPartBytes = std::size_t{256} << 10;

/** Records that are equal in all bits from `top` on. They lie in `from` from number `index` on, where the
 * first of them belongs. */
template <typename Record>
struct Part {
  Columns<Record> from;
  std::size_t index;
  std::size_t count;
  int top;
};

/** Splits records into parts. */
template <typename Record>
class Splitter {
 public:
  Splitter(Context& context, std::size_t count, const Columns<Record>& room)
      : context_(context), room_(context, count, room), count_(count) {}

  /** Reads everything. Returns the parts to sort afterwards, none of them large but where all keys are equal.
   */
  template <typename RecordAt>
  std::vector<Part<Record>> split(const RecordAt& recordAt) {
    splitInto(recordAt, room_.columns(), {{}, 0, count_, kKeyBits});
    return std::move(parts_);
  }

 private:
  using Key = typename Record::Key;
  static constexpr int kKeyBits = 8 * sizeof(Key);

  struct Histogram {
    std::vector<Counts> ofSlices;
    /** The bits, from the lowest, up to the highest one in which keys differ. */
    int differing = 0;
  };

  [[nodiscard]] std::size_t slices() const { return context_.pool().threads(); }
  [[nodiscard]] std::size_t bound(std::size_t count, std::size_t slice) const {
    return count * slice / slices();
  }

  template <typename RecordAt>
  Histogram countDigits(const RecordAt& recordAt, std::size_t count, int shift) {
    Histogram histogram{.ofSlices = std::vector<Counts>(slices())};
    std::vector<Key> differences(slices());
    const Key first = recordAt(0).key;
    context_.forEach(slices(), [&, recordAt, first, shift](std::size_t slice) {
      // Copies, which no store can change.
      const RecordAt at = recordAt;
      Counts& counts = histogram.ofSlices[slice];
      Key difference = 0;
      const std::size_t last = bound(count, slice + 1);
#pragma GCC unroll 4
      for (std::size_t i = bound(count, slice); i < last; ++i) {
        const Key key = at(i).key;
        difference |= key ^ first;
        ++counts[digit<kSplitBits>(key, shift)];
      }
      differences[slice] = difference;
    });
    Key difference = 0;
    for (const Key part : differences) difference |= part;
    histogram.differing = kKeyBits - std::countl_zero(difference);
    return histogram;
  }

  /** Moves a part, which `recordAt` reads, to its place in `to`, in the order of the highest digit that
   * differs. */
  template <typename RecordAt>
  void splitInto(const RecordAt& recordAt, const Columns<Record>& to, const Part<Record>& part) {
    int shift = std::max(0, part.top - kSplitBits);
    Histogram histogram = countDigits(recordAt, part.count, shift);
    const int differing = std::min(part.top, histogram.differing);
    if (differing == 0 && part.from.keys != nullptr) {
      parts_.push_back({part.from, part.index, part.count, 0});
      return;
    }
    if (std::max(0, differing - kSplitBits) != shift) {
      shift = std::max(0, differing - kSplitBits);
      histogram = countDigits(recordAt, part.count, shift);
    }
    const Counts sizes = scatter(recordAt, to, part, shift, histogram.ofSlices);
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
    splitInto([from = part.from, index = part.index](std::size_t i) { return recordOf(from, index + i); },
              isInSpare ? room_.columns() : spare_->columns(), part);
  }

  /** Returns how many records have each digit. */
  template <typename RecordAt>
  Counts scatter(const RecordAt& recordAt, const Columns<Record>& to, const Part<Record>& part, int shift,
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
    context_.forEach(slices(), [&, shift](std::size_t slice) {
      const int from = shift;
      // Too much for the stack of a thread that is not ours.
      const auto scatter = std::make_unique<Scatter<Record>>(to, starts[slice], ends[slice]);
      const RecordAt at = recordAt;
      const std::size_t last = bound(part.count, slice + 1);
      for (std::size_t i = bound(part.count, slice); i < last; ++i) {
        const Record record = at(i);
        scatter->add(record, digit<kSplitBits>(record.key, from));
      }
      scatter->finish();
    });
    return sizes;
  }

  Context& context_;
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

  template <typename Store>
  void sort(const Part<Record>& part, const Store& store) {
    if (part.top == 0) return copy(part, store);
    // Counted and moved are copies of what somebody else could change between the two.
    readColumns(part.from, part.index, part.count, records_.get());
    store(part.index, part.count, sortByDigits(records_.get(), other_.get(), part.count, part.top));
  }

 private:
  /** Of equal keys there may be any number. */
  template <typename Store>
  void copy(const Part<Record>& part, const Store& store) {
    for (std::size_t done = 0; done < part.count; done += most_) {
      const std::size_t count = std::min(most_, part.count - done);
      readColumns(part.from, part.index + done, count, records_.get());
      store(part.index + done, count, records_.get());
    }
  }

  Memory<Record> records_;
  Memory<Record> other_;
  std::size_t most_;
};

/** Sorts `count` records, ascending. Takes room for a copy of them where too many keys agree in their highest
 * bits.
 * @param recordAt Tells record i. Called by several threads at once, more than once for a record.
 * @param store Called with (first, count, records) for runs of sorted records, by several threads at once.
 * @param room Room for as many records, for what lies between reading and storing. `store` may write records
 *   first … first + count - 1 of it, and `recordAt` reads none of it. Columns that are null are taken from
 * the operation's memory: only then may `store` write what `recordAt` reads.
 * @throws Error argument, when a record has changed between two calls */
template <typename RecordAt, typename Store, typename Record = std::invoke_result_t<RecordAt, std::size_t>>
void radixSort(Context& context, std::size_t count, const RecordAt& recordAt, const Store& store,
               const std::type_identity_t<Columns<Record>>& room = {}) {
  constexpr std::size_t kPart = kPartBytes / sizeof(Record);
  if (count == 0) return;
  if (count <= kPart) {
    const auto records = context.allocate<Record>(count);
    const auto other = context.allocate<Record>(count);
    context.throwIfStopped();
    for (std::size_t i = 0; i < count; ++i) records[i] = recordAt(i);
    constexpr int kKeyBits = 8 * sizeof(typename Record::Key);
    store(0, count, sortByDigits(records.get(), other.get(), count, kKeyBits));
    return;
  }
  Splitter<Record> splitter(context, count, room);
  const std::vector<Part<Record>> parts = splitter.split(recordAt);
  std::size_t most = 0;
  for (const Part<Record>& part : parts) most = std::max(most, std::min(part.count, kPart));
  std::vector<PartSorter<Record>> sorters;
  for (unsigned i = 0; i < context.pool().threads(); ++i) sorters.emplace_back(context, most);
  std::atomic<std::size_t> next{0};
  context.forEach(sorters.size(), [&](std::size_t slice) {
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      context.throwIfStopped();
      sorters[slice].sort(parts[i], store);
    }
  });
}

}  // namespace vgpu::compute
