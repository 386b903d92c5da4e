// Records in memory, each of their fields in an array of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "compute/context.h"

namespace vgpu::compute {

/** What is sorted: a key alone … */
template <typename K>
struct KeyRecord {
  using Key = K;
  Key key;
};

/** … or with something that goes along with it. */
template <typename K, typename P>
struct PairRecord {
  using Key = K;
  using Payload = P;
  Key key;
  P payload;
};

template <typename Record>
constexpr bool kHasPayload = requires(Record record) {
  record.payload;
};

template <typename Record>
struct Columns;

template <typename K>
struct Columns<KeyRecord<K>> {
  K* keys = nullptr;
};

template <typename K, typename P>
struct Columns<PairRecord<K, P>> {
  K* keys = nullptr;
  P* payloads = nullptr;
};

/** Columns of which those that are null become memory of the operation. */
template <typename Record>
class ColumnMemory;

template <typename K>
class ColumnMemory<KeyRecord<K>> {
 public:
  ColumnMemory(Context& context, std::size_t count, Columns<KeyRecord<K>> columns) : columns_(columns) {
    if (columns_.keys != nullptr) return;
    keys_ = context.allocate<K>(count);
    columns_.keys = keys_.get();
  }
  [[nodiscard]] const Columns<KeyRecord<K>>& columns() const { return columns_; }

 private:
  Memory<K> keys_;
  Columns<KeyRecord<K>> columns_;
};

template <typename K, typename P>
class ColumnMemory<PairRecord<K, P>> {
 public:
  ColumnMemory(Context& context, std::size_t count, Columns<PairRecord<K, P>> columns) : columns_(columns) {
    if (columns_.keys == nullptr) {
      keys_ = context.allocate<K>(count);
      columns_.keys = keys_.get();
    }
    if (columns_.payloads == nullptr) {
      payloads_ = context.allocate<P>(count);
      columns_.payloads = payloads_.get();
    }
  }
  [[nodiscard]] const Columns<PairRecord<K, P>>& columns() const { return columns_; }

 private:
  Memory<K> keys_;
  Memory<P> payloads_;
  Columns<PairRecord<K, P>> columns_;
};

template <typename K>
KeyRecord<K> recordOf(const Columns<KeyRecord<K>>& columns, std::size_t i) {
  return {columns.keys[i]};
}

template <typename K, typename P>
PairRecord<K, P> recordOf(const Columns<PairRecord<K, P>>& columns, std::size_t i) {
  return {columns.keys[i], columns.payloads[i]};
}

template <typename Record>
void readColumns(const Columns<Record>& from, std::size_t first, std::size_t count,
                 std::type_identity_t<Record>* records) {
  for (std::size_t i = 0; i < count; ++i) records[i] = recordOf(from, first + i);
}

/** `records`: something that records[0] … records[count - 1] are of. */
template <typename Record, typename Records>
void writeColumns(const Columns<Record>& to, std::size_t first, std::size_t count, const Records& records) {
  const Records from = records;
  for (std::size_t i = 0; i < count; ++i) {
    const Record record = from[i];
    to.keys[first + i] = record.key;
    if constexpr (kHasPayload<Record>) to.payloads[first + i] = record.payload;
  }
}

/** So many elements of a column fill whole cache lines. */
constexpr std::size_t kGroup = 16;

/** What is read one after the other is asked for so many records before: where pages end, processors stop
 * doing so by themselves. */
constexpr std::size_t kAhead = 512;

/** Asks for the key of record `i`, if `recordAt` can do that; whether there is one does not matter. */
template <typename RecordAt>
void prefetchKey(const RecordAt& recordAt, std::size_t i) {
  if constexpr (requires { recordAt.prefetchKey(i); }) recordAt.prefetchKey(i);
}

/** Likewise for all of it. */
template <typename RecordAt>
void prefetchRecord(const RecordAt& recordAt, std::size_t i) {
  prefetchKey(recordAt, i);
  if constexpr (requires { recordAt.prefetchPayload(i); }) recordAt.prefetchPayload(i);
}

/** Reads the records of columns, from number `first` on. */
template <typename Record>
class ColumnReader {
 public:
  ColumnReader(const Columns<Record>& columns, std::size_t first) : columns_(columns), first_(first) {}
  Record operator()(std::size_t i) const { return recordOf(columns_, first_ + i); }
  void prefetchKey(std::size_t i) const { __builtin_prefetch(columns_.keys + first_ + i); }
  void prefetchPayload(std::size_t i) const {
    if constexpr (kHasPayload<Record>) __builtin_prefetch(columns_.payloads + first_ + i);
  }

 private:
  Columns<Record> columns_;
  std::size_t first_;
};

/** By how many elements a column begins after a place where a group that fills whole lines could begin. */
template <typename Field>
std::size_t leadOf(const Field* column) {
  return reinterpret_cast<std::uintptr_t>(column) / sizeof(Field) % kGroup;
}

/** The keys of a group of records. */
template <typename Record>
std::array<typename Record::Key, kGroup> keysOf(const Record* records) {
  std::array<typename Record::Key, kGroup> keys;
  for (std::size_t i = 0; i < kGroup; ++i) keys[i] = records[i].key;
  return keys;
}

template <typename Record>
std::array<typename Record::Payload, kGroup> payloadsOf(const Record* records) {
  std::array<typename Record::Payload, kGroup> payloads;
  for (std::size_t i = 0; i < kGroup; ++i) payloads[i] = records[i].payload;
  return payloads;
}

/** A group to where one fills whole lines: past the caches, which need not read them before. */
template <typename Field>
void streamGroup(Field* to, const Field* fields) {
#ifdef __SSE2__
  constexpr std::size_t kWords = kGroup * sizeof(Field) / sizeof(__m128i);
  for (std::size_t i = 0; i < kWords; ++i) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to) + i,
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(fields) + i));
  }
#else
  std::memcpy(to, fields, kGroup * sizeof(Field));
#endif
}

/** Before other threads read what was streamed. */
inline void finishStreaming() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

}  // namespace vgpu::compute
