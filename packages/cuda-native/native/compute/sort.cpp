#include "compute/sort.h"

#include <cstring>
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

/** Makes a record of each index, sorts them, and hands each over with its new index. */
template <typename Record, typename Make, typename Take>
void sortRecords(Context& context, std::size_t count, Make make, Take take) {
  radixSort<Record>(context, count,
                    {.load =
                         [&](std::size_t first, std::size_t records, Record* to) {
                           for (std::size_t i = 0; i < records; ++i) to[i] = make(first + i);
                         },
                     .store =
                         [&](std::size_t first, std::size_t records, const Record* from) {
                           for (std::size_t i = 0; i < records; ++i) take(first + i, from[i]);
                         }});
}

/** `Bits`: those of a value, which go along. */
template <typename T, typename Bits>
void sortPairsOf(Context& context, const Array& keys, const Array& values, Order order, const Array& outKeys,
                 const Array& outValues) {
  // The smaller of the two is widened.
  using Half = std::conditional_t<sizeof(T) == 4 && sizeof(Bits) == 4, std::uint32_t, std::uint64_t>;
  using Record = PairRecord<Half, Half>;
  const SortKey<T> flip = flipOf<T>(order);
  sortRecords<Record>(
      context, keys.count,
      [&](std::size_t i) {
        Bits bits = 0;
        std::memcpy(&bits, values.data + i * sizeof(Bits), sizeof(Bits));
        return Record{static_cast<SortKey<T>>(toSortKey(keys.as<T>()[i]) ^ flip), bits};
      },
      [&](std::size_t i, const Record& record) {
        outKeys.as<T>()[i] = fromSortKey<T>(static_cast<SortKey<T>>(record.key) ^ flip);
        const auto bits = static_cast<Bits>(record.payload);
        std::memcpy(outValues.data + i * sizeof(Bits), &bits, sizeof(Bits));
      });
}

}  // namespace

void sort(Context& context, const Array& keys, Order order, const Array& out) {
  checkType(out, keys.type);
  checkOutput(keys, out, keys.count);
  withType(keys.type, [&]<typename T>(T) {
    using Record = KeyRecord<SortKey<T>>;
    const SortKey<T> flip = flipOf<T>(order);
    sortRecords<Record>(
        context, keys.count,
        [&](std::size_t i) { return Record{static_cast<SortKey<T>>(toSortKey(keys.as<T>()[i]) ^ flip)}; },
        [&](std::size_t i, const Record& record) { out.as<T>()[i] = fromSortKey<T>(record.key ^ flip); });
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
    using Record = PairRecord<SortKey<T>, SortKey<T>>;
    const SortKey<T> flip = flipOf<T>(order);
    sortRecords<Record>(
        context, keys.count,
        [&](std::size_t i) {
          return Record{static_cast<SortKey<T>>(toSortKey(keys.as<T>()[i]) ^ flip),
                        static_cast<SortKey<T>>(i)};
        },
        [&](std::size_t i, const Record& record) {
          indices.as<std::uint32_t>()[i] = static_cast<std::uint32_t>(record.payload);
        });
  });
}

}  // namespace vgpu::compute
