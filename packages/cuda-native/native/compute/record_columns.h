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

template <typename K>
void writeColumns(const Columns<KeyRecord<K>>& to, std::size_t first, std::size_t count,
                  const KeyRecord<K>* records) {
  for (std::size_t i = 0; i < count; ++i) to.keys[first + i] = records[i].key;
}

template <typename K, typename P>
void writeColumns(const Columns<PairRecord<K, P>>& to, std::size_t first, std::size_t count,
                  const PairRecord<K, P>* records) {
  for (std::size_t i = 0; i < count; ++i) {
    to.keys[first + i] = records[i].key;
    to.payloads[first + i] = records[i].payload;
  }
}

/** So many elements of a column fill whole cache lines. */
constexpr std::size_t kGroup = 16;

/** By how many elements a column begins after a place where a group that fills whole lines could begin. */
template <typename Field>
std::size_t leadOf(const Field* column) {
  return reinterpret_cast<std::uintptr_t>(column) / sizeof(Field) % kGroup;
}

/** The fields of a group of records, side by side. */
template <typename Record>
struct GroupFields;

template <typename K>
struct GroupFields<KeyRecord<K>> {
  std::array<K, kGroup> keys;

  explicit GroupFields(const KeyRecord<K>* records) {
    for (std::size_t i = 0; i < kGroup; ++i) keys[i] = records[i].key;
  }
};

template <typename K, typename P>
struct GroupFields<PairRecord<K, P>> {
  std::array<K, kGroup> keys;
  std::array<P, kGroup> payloads;

  GroupFields() = default;
  explicit GroupFields(const PairRecord<K, P>* records) {
    for (std::size_t i = 0; i < kGroup; ++i) {
      keys[i] = records[i].key;
      payloads[i] = records[i].payload;
    }
  }
};

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
