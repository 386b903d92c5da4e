// Stable sorting of records by an unsigned key, on all threads.
// First from the top: all threads together split the records by the highest digit in which keys differ, which
// is one pass through memory, in whole cache lines that bypass the caches. Then one thread sorts a part, in
// the caches: keys that are spread evenly by buckets, others from the lowest digit on. It splits again
// what is larger than they are.
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

#include "compute/bucket_sort.h"
#include "compute/context.h"
#include "compute/digit_sort.h"
#include "compute/record_columns.h"
#include "compute/scatter.h"

namespace vgpu::compute {

/** So many records one thread sorts as fast as all together. Two of these fit into the second-level cache. */
constexpr std::size_t kAloneBytes = std::size_t{256} << 10;
/** Two of these fit into one thread's share of the third-level cache. */
constexpr std::size_t kPartBytes = std::size_t{2} << 20;

/** Records that are equal in all bits from `top` on. They lie in `from` from number `index` on, where the
 * first of them belongs. */
template <typename Record>
struct Part {
  Columns<Record> from;
  std::size_t index;
  std::size_t count;
  int top;

  [[nodiscard]] bool isSmall() const { return count * sizeof(Record) <= kPartBytes || top == 0; }
  /** Equal keys are only copied. */
  [[nodiscard]] std::size_t mostAtOnce() const {
    return (top == 0 ? kAloneBytes : kPartBytes) / sizeof(Record);
  }
};

/** Splits a part, which `recordAt` reads, in slices that run at the same time. */
template <typename Record, typename RecordAt>
class Splitter {
 public:
  Splitter(Context& context, std::size_t slices, const RecordAt& recordAt, const Part<Record>& part)
      : context_(context), slices_(slices), recordAt_(recordAt), part_(part) {}

  /** Moves everything to its place in `to`, in the order of the highest digit that differs. Calls take() with
   * each of the parts. One whose keys are all equal stays where it is. */
  template <typename Take>
  void split(const Columns<Record>& to, const Take& take) {
    int shift = std::max(0, part_.top - kSplitBits);
    std::vector<Counts> counts = countDigits(shift);
    int differing = differingIn(counts, shift);
    if (differing <= shift) differing = std::min(part_.top, differingBits());
    if (differing == 0 && part_.from.keys != nullptr) return take({part_.from, part_.index, part_.count, 0});
    if (std::max(0, differing - kSplitBits) != shift) {
      shift = std::max(0, differing - kSplitBits);
      counts = countDigits(shift);
    }
    std::size_t first = part_.index;
    for (const std::size_t size : scatter(to, shift, counts)) {
      if (size > 0) take({to, first, size, shift});
      first += size;
    }
  }

 private:
  using Key = typename Record::Key;

  [[nodiscard]] std::size_t bound(std::size_t slice) const { return part_.count * slice / slices_; }

  /** Of each slice. */
  std::vector<Counts> countDigits(int shift) {
    std::vector<Counts> all(slices_);
    context_.forEach(slices_, [&, shift](std::size_t slice) {
      // Copies, which no store can change.
      const RecordAt at = recordAt_;
      Counts& counts = all[slice];
      const std::size_t last = bound(slice + 1);
      std::size_t i = bound(slice);
      for (; i + kGroup <= last; i += kGroup) {
        prefetchKey(at, i + kAhead);
#pragma GCC unroll 16
        for (std::size_t j = 0; j < kGroup; ++j) ++counts[digit<kSplitBits>(at(i + j).key, shift)];
      }
      for (; i < last; ++i) ++counts[digit<kSplitBits>(at(i).key, shift)];
    });
    return all;
  }

  /** The bits, from the lowest, up to the highest one in which keys differ; `shift`, if their digits there do
   * not. */
  static int differingIn(const std::vector<Counts>& counts, int shift) {
    std::size_t lowest = kSplits;
    std::size_t highest = 0;
    for (std::size_t value = 0; value < kSplits; ++value) {
      if (std::ranges::none_of(counts, [&](const Counts& slice) { return slice[value] > 0; })) continue;
      lowest = std::min(lowest, value);
      highest = value;
    }
    return shift + std::bit_width(lowest ^ highest);
  }

  /** Likewise, of all bits. */
  int differingBits() {
    std::vector<Key> differences(slices_);
    const Key first = recordAt_(0).key;
    context_.forEach(slices_, [&, first](std::size_t slice) {
      Key difference = 0;
      for (std::size_t i = bound(slice); i < bound(slice + 1); ++i) difference |= recordAt_(i).key ^ first;
      differences[slice] = difference;
    });
    Key difference = 0;
    for (const Key part : differences) difference |= part;
    return std::bit_width(difference);
  }

  /** Returns how many records have each digit. */
  Counts scatter(const Columns<Record>& to, int shift, std::vector<Counts>& starts) {
    Counts sizes{};
    std::size_t sum = part_.index;
    std::vector<Counts> ends(slices_);
    for (std::size_t value = 0; value < kSplits; ++value) {
      const std::size_t before = sum;
      for (std::size_t slice = 0; slice < slices_; ++slice) {
        starts[slice][value] = std::exchange(sum, sum + starts[slice][value]);
        ends[slice][value] = sum;
      }
      sizes[value] = sum - before;
    }
    context_.forEach(slices_, [&](std::size_t slice) {
      const LargeObject<Scatter<Record>> scatter(to, starts[slice], ends[slice]);
      scatter->add(recordAt_, bound(slice), bound(slice + 1), shift);
      scatter->finish();
    });
    return sizes;
  }

  Context& context_;
  std::size_t slices_;
  RecordAt recordAt_;
  Part<Record> part_;
};

/** The columns between which parts move; what lies in one of the two goes to the same place of the other. */
template <typename Record>
class Rooms {
 public:
  Rooms(Context& context, std::size_t count, const Columns<Record>& room)
      : context_(context), count_(count), room_(context, count, room) {}

  [[nodiscard]] const Columns<Record>& first() const { return room_.columns(); }
  /** Before otherThan() is called. Not for several threads at once. */
  void takeSecond() {
    if (!spare_) spare_.emplace(context_, count_, Columns<Record>{});
  }
  [[nodiscard]] const Columns<Record>& otherThan(const Columns<Record>& columns) const {
    return columns.keys == spare_->columns().keys ? room_.columns() : spare_->columns();
  }

 private:
  Context& context_;
  std::size_t count_;
  ColumnMemory<Record> room_;
  std::optional<ColumnMemory<Record>> spare_;
};

/** Sorts parts one after the other, on one thread. */
template <typename Record>
class PartSorter {
 public:
  /** What it takes for parts of up to `most` records. */
  static constexpr std::size_t bytes(std::size_t most) { return 2 * most * sizeof(Record); }

  PartSorter(Context& context, const Rooms<Record>& rooms, std::size_t most)
      : context_(context),
        rooms_(rooms),
        records_(context.allocate<Record>(most)),
        other_(context.allocate<Record>(most)),
        most_(most) {}

  /** As far as the limit allows it, sorts parts of up to `most` records by buckets. */
  void useBuckets(std::size_t most) { buckets_.emplace(context_, most); }

  template <typename Store>
  void sort(const Part<Record>& part, const Store& store) {
    if (part.top == 0) {
      copy(part, store);
    } else if (part.isSmall()) {
      sortSmall(part, store);
    } else {
      context_.throwIfStopped();
      Splitter(context_, 1, ColumnReader<Record>(part.from, part.index), part)
          .split(rooms_.otherThan(part.from), [&](const Part<Record>& sub) { sort(sub, store); });
    }
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

  template <typename Store>
  void sortSmall(const Part<Record>& part, const Store& store) {
    Beside beside;
    if constexpr (kHasPayload<Record>) {
      const auto* payloads = part.from.payloads + part.index;
      beside = {reinterpret_cast<const std::byte*>(payloads), sizeof(*payloads)};
    }
    if (buckets_->sort(part.from.keys + part.index, part.count, part.top, beside)) {
      return storeSorted(part, store);
    }
    // Counted and moved are copies of what somebody else could change between the two.
    readColumns(part.from, part.index, part.count, records_.get());
    store(part.index, part.count, sortByDigits(records_.get(), other_.get(), part.count, part.top));
  }

  /** As the buckets say. */
  template <typename Store>
  void storeSorted(const Part<Record>& part, const Store& store) {
    if constexpr (kHasPayload<Record>) {
      using Payload = typename Record::Payload;
      struct Sorted {
        const typename Record::Key* keys;
        const std::uint16_t* positions;
        const Payload* payloads;
        Record operator[](std::size_t i) const { return {keys[i], payloads[positions[i]]}; }
      };
      // Where they are is where others of them go.
      auto* payloads = reinterpret_cast<Payload*>(other_.get());
      std::copy_n(part.from.payloads + part.index, part.count, payloads);
      store(part.index, part.count, Sorted{buckets_->keys(), buckets_->positions(), payloads});
    } else {
      store(part.index, part.count, reinterpret_cast<const Record*>(buckets_->keys()));
    }
  }

  Context& context_;
  const Rooms<Record>& rooms_;
  Memory<Record> records_;
  Memory<Record> other_;
  std::size_t most_;
  std::optional<BucketSort<typename Record::Key>> buckets_;
};

/** Splits everything on all threads, until no part would keep one of them busy while the others have none
 * left. Returns the parts. */
template <typename Record, typename RecordAt>
std::vector<Part<Record>> splitTogether(Context& context, std::size_t count, const RecordAt& recordAt,
                                        Rooms<Record>& rooms) {
  const std::size_t threads = context.pool().threads();
  std::vector<Part<Record>> parts;
  std::vector<Part<Record>> large;
  const auto take = [&](const Part<Record>& part) {
    if (!part.isSmall()) rooms.takeSecond();
    (part.isSmall() || part.count <= count / (4 * threads) ? parts : large).push_back(part);
  };
  constexpr int kKeyBits = 8 * sizeof(typename Record::Key);
  Splitter(context, threads, recordAt, Part<Record>{{}, 0, count, kKeyBits}).split(rooms.first(), take);
  while (!large.empty()) {
    const Part<Record> part = large.back();
    large.pop_back();
    Splitter(context, threads, ColumnReader<Record>(part.from, part.index), part)
        .split(rooms.otherThan(part.from), take);
  }
  return parts;
}

/** Sorts `count` records, ascending. Takes room for a copy of them where too many keys agree in their highest
 * bits.
 * @param recordAt Tells record i. Called by several threads at once, more than once for a record.
 * @param store Called with (first, count, records) for runs of sorted records, by several threads at once;
 *   records[0] … records[count - 1] are those.
 * @param room Room for as many records, for what lies between reading and storing. `store` may write records
 *   first … first + count - 1 of it, and `recordAt` reads none of it. Columns that are null are taken from
 * the operation's memory: only then may `store` write what `recordAt` reads.
 * @throws Error argument, when a record has changed between two calls */
template <typename RecordAt, typename Store, typename Record = std::invoke_result_t<RecordAt, std::size_t>>
void radixSort(Context& context, std::size_t count, const RecordAt& recordAt, const Store& store,
               const std::type_identity_t<Columns<Record>>& room = {}) {
  constexpr int kKeyBits = 8 * sizeof(typename Record::Key);
  if (count == 0) return;
  if (count * sizeof(Record) <= kAloneBytes) {
    const auto records = context.allocate<Record>(count);
    const auto other = context.allocate<Record>(count);
    context.throwIfStopped();
    for (std::size_t i = 0; i < count; ++i) records[i] = recordAt(i);
    store(0, count, sortByDigits(records.get(), other.get(), count, kKeyBits));
    return;
  }
  Rooms<Record> rooms(context, count, room);
  const std::vector<Part<Record>> parts = splitTogether(context, count, recordAt, rooms);
  std::size_t most = 0;
  std::size_t mostToSort = 0;
  for (const Part<Record>& part : parts) {
    most = std::max(most, std::min(part.count, part.mostAtOnce()));
    if (part.top > 0) mostToSort = std::max(mostToSort, part.count);
  }
  std::vector<PartSorter<Record>> sorters;
  // One at least; others where the limit leaves room for them.
  do {
    sorters.emplace_back(context, rooms, most);
  } while (sorters.size() < context.pool().threads() && context.hasRoomFor(PartSorter<Record>::bytes(most)));
  for (PartSorter<Record>& sorter : sorters) sorter.useBuckets(mostToSort);
  std::atomic<std::size_t> next{0};
  context.forEach(sorters.size(), [&](std::size_t slice) {
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      context.throwIfStopped();
      sorters[slice].sort(parts[i], store);
    }
  });
}

}  // namespace vgpu::compute
