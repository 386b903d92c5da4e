#include "compute/sort.h"

#include <algorithm>
#include <limits>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/radix_sort.h"
#include "compute/sort_key.h"

namespace vgpu::compute {
namespace {

/** The bits that turn the order round; without a branch, loops over keys become vectors. */
template <typename T>
SortKey<T> flipOf(Order order) {
  return order == Order::ascending ? SortKey<T>{0} : static_cast<SortKey<T>>(~SortKey<T>{0});
}

void checkOutput(const Array& x, const Array& out, std::size_t count) {
  checkCount(count, out);
  checkSameOrApart(x, {out.type, out.data, count});
}

void checkIndexable(std::size_t count) {
  if (count <= std::numeric_limits<std::uint32_t>::max()) return;
  throw Error(ErrorKind::argument, "more elements than an index of 32 bits can tell");
}

/** Asks for what loading the run after the next one takes, so that memory works while this one is sorted in.
 */
template <typename T>
void prefetch(const T* elements, std::size_t first, std::size_t run, std::size_t count) {
  constexpr std::size_t kLine = 64 / sizeof(T);
  const std::size_t last = std::min(first + 3 * run, count);
  for (std::size_t i = first + 2 * run; i < last; i += kLine) __builtin_prefetch(elements + i);
}

/** Keys as integers that sort in the order. */
template <typename T>
class KeyColumn {
 public:
  KeyColumn(const Array& keys, Order order) : keys_(keys.as<T>()), flip_(flipOf<T>(order)) {}

  [[nodiscard]] SortKey<T> at(std::size_t i) const {
    return static_cast<SortKey<T>>(toSortKey(keys_[i]) ^ flip_);
  }
  /** Asks memory for what comes after the run after this one. */
  void prefetchAfter(std::size_t first, std::size_t run, std::size_t count) const {
    prefetch(keys_, first, run, count);
  }
  [[nodiscard]] T element(SortKey<T> key) const {
    return fromSortKey<T>(static_cast<SortKey<T>>(key ^ flip_));
  }

 private:
  const T* keys_;
  SortKey<T> flip_;
};

/** Makes a record of each index, sorts them, and hands each over with its new index. Loops work on copies of
 * `make` and `take`, which no store can change. */
template <typename Record, typename T, typename Make, typename Take>
void sortRecords(Context& context, std::size_t count, const KeyColumn<T>& keys, const Columns<Record>& room,
                 const Make& make, const Take& take) {
  radixSort<Record>(context, count,
                    {.loadKeys =
                         [&](std::size_t first, std::size_t run, SortKey<T>* to) {
                           keys.prefetchAfter(first, run, count);
                           const KeyColumn<T> column = keys;
                           for (std::size_t i = 0; i < run; ++i) to[i] = column.at(first + i);
                         },
                     .load =
                         [&](std::size_t first, std::size_t run, Record* to) {
                           keys.prefetchAfter(first, run, count);
                           const Make makeOne = make;
                           for (std::size_t i = 0; i < run; ++i) to[i] = makeOne(first + i);
                         },
                     .store =
                         [&](std::size_t first, std::size_t run, const Record* from) {
                           const Take takeOne = take;
                           for (std::size_t i = 0; i < run; ++i) takeOne(first + i, from[i]);
                         },
                     .room = room});
}

/** `Bits`: those of a value, which go along. */
template <typename T, typename Bits>
void sortPairsOf(Context& context, const Array& keys, const Array& values, Order order, const Array& outKeys,
                 const Array& outValues) {
  using Record = PairRecord<SortKey<T>, Bits>;
  const KeyColumn<T> column(keys, order);
  const auto* bits = reinterpret_cast<const Bits*>(values.data);
  T* outElements = outKeys.as<T>();
  auto* outBits = reinterpret_cast<Bits*>(outValues.data);
  Columns<Record> room;
  const auto isInput = [&](const Array& out) { return out.data == keys.data || out.data == values.data; };
  if (!isInput(outKeys) && !isInput(outValues)) {
    room = {reinterpret_cast<SortKey<T>*>(outKeys.data), outBits};
  }
  sortRecords<Record>(
      context, keys.count, column, room,
      [&](std::size_t i) {
        return Record{column.at(i), bits[i]};
      },
      [=](std::size_t i, const Record& record) {
        outElements[i] = column.element(record.key);
        outBits[i] = record.payload;
      });
}

}  // namespace

void sort(Context& context, const Array& keys, Order order, const Array& out) {
  checkType(out, keys.type);
  checkOutput(keys, out, keys.count);
  withType(keys.type, [&]<typename T>(T) {
    using Record = KeyRecord<SortKey<T>>;
    const KeyColumn<T> column(keys, order);
    Columns<Record> room;
    T* elements = out.as<T>();
    if (out.data != keys.data) room.keys = reinterpret_cast<SortKey<T>*>(out.data);
    sortRecords<Record>(
        context, keys.count, column, room, [=](std::size_t i) { return Record{column.at(i)}; },
        [=](std::size_t i, const Record& record) { elements[i] = column.element(record.key); });
  });
}

void sortPairs(Context& context, const Array& keys, const Array& values, Order order, const Array& outKeys,
               const Array& outValues) {
  checkType(outKeys, keys.type);
  checkType(outValues, values.type);
  checkCount(keys.count, values);
  const Array used{values.type, values.data, keys.count};
  checkOutput(keys, outKeys, keys.count);
  checkOutput(used, outKeys, keys.count);
  checkOutput(keys, outValues, keys.count);
  checkOutput(used, outValues, keys.count);
  checkApart({outKeys.type, outKeys.data, keys.count}, {outValues.type, outValues.data, keys.count});
  withType(keys.type, [&]<typename T>(T) {
    if (elementBytes(values.type) == 4) {
      sortPairsOf<T, std::uint32_t>(context, keys, used, order, outKeys, outValues);
    } else {
      sortPairsOf<T, std::uint64_t>(context, keys, used, order, outKeys, outValues);
    }
  });
}

void argsort(Context& context, const Array& keys, Order order, const Array& indices) {
  checkType(indices, ElementType::u32);
  checkOutput(keys, indices, keys.count);
  checkIndexable(keys.count);
  withType(keys.type, [&]<typename T>(T) {
    using Record = PairRecord<SortKey<T>, std::uint32_t>;
    const KeyColumn<T> column(keys, order);
    auto* out = indices.as<std::uint32_t>();
    Columns<Record> room;
    if (indices.data != keys.data) room.payloads = out;
    sortRecords<Record>(
        context, keys.count, column, room,
        [&](std::size_t i) {
          return Record{column.at(i), static_cast<std::uint32_t>(i)};
        },
        [=](std::size_t i, const Record& record) { out[i] = record.payload; });
  });
}

}  // namespace vgpu::compute
