#include "compute/sort.h"

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

/** Keys as integers that sort in the order. */
template <typename T>
class KeyColumn {
 public:
  KeyColumn(const Array& keys, Order order) : keys_(keys.as<T>()), flip_(flipOf<T>(order)) {}

  void prefetch(std::size_t i) const { __builtin_prefetch(keys_ + i); }
  [[nodiscard]] SortKey<T> at(std::size_t i) const {
    return static_cast<SortKey<T>>(toSortKey(keys_[i]) ^ flip_);
  }
  [[nodiscard]] T element(SortKey<T> key) const {
    return fromSortKey<T>(static_cast<SortKey<T>>(key ^ flip_));
  }

 private:
  const T* keys_;
  SortKey<T> flip_;
};

/** What takes each record by its index, as the store of a sort. Loops work on a copy, which no store can
 * change. */
template <typename Take>
auto storeEach(const Take& take) {
  return [take](std::size_t first, std::size_t run, const auto& records) {
    const Take takeOne = take;
    const auto sorted = records;
    for (std::size_t i = 0; i < run; ++i) takeOne(first + i, sorted[i]);
  };
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
  struct Reader {
    KeyColumn<T> keys;
    const Bits* bits;
    Record operator()(std::size_t i) const { return {keys.at(i), bits[i]}; }
    void prefetchKey(std::size_t i) const { keys.prefetch(i); }
    void prefetchPayload(std::size_t i) const { __builtin_prefetch(bits + i); }
  };
  radixSort(
      context, keys.count, Reader{column, bits},
      [=](std::size_t first, std::size_t run, const auto& records) {
        // Copies, which no store can change, and one column after the other.
        const auto sorted = records;
        const auto from = column;
        for (std::size_t i = 0; i < run; ++i) outElements[first + i] = from.element(sorted[i].key);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < run; ++i) outBits[first + i] = sorted[i].payload;
      },
      room);
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
    struct Reader {
      KeyColumn<T> keys;
      Record operator()(std::size_t i) const { return {keys.at(i)}; }
      void prefetchKey(std::size_t i) const { keys.prefetch(i); }
    };
    radixSort(context, keys.count, Reader{column}, storeEach([=](std::size_t i, const Record& record) {
                elements[i] = column.element(record.key);
              }),
              room);
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
    struct Reader {
      KeyColumn<T> keys;
      Record operator()(std::size_t i) const { return {keys.at(i), static_cast<std::uint32_t>(i)}; }
      void prefetchKey(std::size_t i) const { keys.prefetch(i); }
    };
    radixSort(context, keys.count, Reader{column},
              storeEach([=](std::size_t i, const Record& record) { out[i] = record.payload; }), room);
  });
}

}  // namespace vgpu::compute
