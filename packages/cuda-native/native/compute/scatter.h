// Moving records to the places of their digits, in whole cache lines.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "compute/digit_sort.h"
#include "compute/error.h"
#include "compute/record_columns.h"
#include "compute/stream_kernel.h"

namespace vgpu::compute {

/** Digits of so many bits split … */
constexpr int kSplitBits = 9;
constexpr std::size_t kSplits = std::size_t{1} << kSplitBits;
/** … and for each of their values a batch of records is collected. All of them take half of a second-level
 * cache of 1 MiB; smaller ones cost more, because no processor foresees which record fills a batch. */
constexpr std::size_t kBatchBytes = 1024;

/** A number for each value of a digit; in cache lines of its own, because each thread writes one. */
struct alignas(64) Counts : std::array<std::size_t, kSplits> {};

/** Collects a batch of records for each digit, so that memory sees whole cache lines. Where groups fill
 * lines of keys but not lines of payloads, the latter are written some records later. For one thread. */
template <typename Record>
class Scatter {
 public:
  /** Records with a digit go to the places `starts` … `ends` - 1 of it. */
  Scatter(const Columns<Record>& to, const Counts& starts, const Counts& ends)
      : to_(to), lead_(kGroup + leadOf(to.keys)) {
    for (std::size_t digit = 0; digit < kSplits; ++digit) {
      const std::size_t start = starts[digit] + lead_;
      places_[digit] = {.start = start, .batch = start / kGroup * kGroup, .end = ends[digit] + lead_};
      next_[digit] = static_cast<std::uint32_t>(digit * kBatch + start % kGroup);
    }
    if constexpr (kHasPayload<Record>) later_ = (leadOf(to.payloads) - lead_) % kGroup;
  }

  /** Those with numbers `first` … `last` - 1; digits begin at bit `shift`.
   * @throws Error argument, when there are more records with a digit than places */
  template <typename RecordAt>
  void add(const RecordAt& recordAt, std::size_t first, std::size_t last, int shift) {
    // A copy, which no store can change.
    const RecordAt at = recordAt;
    std::size_t i = first;
    for (; i + kGroup <= last; i += kGroup) {
      prefetchRecord(at, i + kAhead);
#pragma GCC unroll 16
      for (std::size_t j = 0; j < kGroup; ++j) add(at(i + j), shift);
    }
    for (; i < last; ++i) add(at(i), shift);
  }

  /** After the last one.
   * @throws Error argument, when there are other numbers of records than of places */
  void finish() {
    for (std::size_t digit = 0; digit < kSplits; ++digit) {
      const std::size_t end = places_[digit].batch + next_[digit] - digit * kBatch;
      if (end != places_[digit].end) refuse();
      writeRest(digit, end);
    }
    finishStreaming();
  }

 private:
  static constexpr std::size_t kBatch = kBatchBytes / sizeof(Record);
  static_assert(kBatch % kGroup == 0);

  struct Group {
    Record records[kGroup];
  };
  // Places are counted from `lead_` before the first record on: multiples of kGroup fill lines of keys then.
  struct Places {
    std::size_t start;
    /** Where the first record of the batch belongs; before `start` perhaps, with nothing in its slot then. */
    std::size_t batch;
    std::size_t end;
  };

  [[gnu::always_inline]] void add(const Record& record, int shift) {
    const std::size_t value = digit<kSplitBits>(record.key, shift);
    const std::uint32_t slot = next_[value];
    slots_[slot] = record;
    next_[value] = slot + 1;
    if ((slot + 1) % kBatch == 0) [[unlikely]]
      writeBatch(value);
  }

  /** Somebody has changed the keys since they were counted. */
  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::argument, "an array changed while it was sorted");
  }

  /** A full batch. */
  [[gnu::noinline]] void writeBatch(std::size_t value) {
    const std::size_t end = places_[value].batch + kBatch;
    if (end > places_[value].end) refuse();
    writeGroups(value, end);
    if (later_ > 0) std::copy_n(batchOf(value) + kBatch - kGroup, kGroup, before_[value].records);
    places_[value].batch = end;
    next_[value] -= kBatch;
  }

  /** Returns where the first group begins that is not full. */
  std::size_t writeGroups(std::size_t value, std::size_t end) {
    const std::size_t batch = places_[value].batch;
    std::size_t group = batch;
    if constexpr (std::is_same_v<Record, Pair32>) {
      if (streamFields_.first != nullptr && batch >= places_[value].start && batch + kGroup <= end) {
        if (later_ > 0) {
          writeGroup(value, group);
          group += kGroup;
        }
        const std::size_t lines = (end - group) / kGroup;
        const Record* records = batchOf(value) + (group - batch);
        streamFields_.first(records, lines, to_.keys + (group - lead_));
        streamFields_.second(records - later_, lines, to_.payloads + (group - later_ - lead_));
        return group + lines * kGroup;
      }
    }
    for (; group + kGroup <= end; group += kGroup) writeGroup(value, group);
    return group;
  }

  void writeGroup(std::size_t value, std::size_t group) {
    const Places& places = places_[value];
    const Record* records = batchOf(value) + (group - places.batch);
    write(to_.keys, places.start, group, keysOf(records).data());
    if constexpr (kHasPayload<Record>) {
      if (later_ > 0 && group == places.batch) return writeFirstPayloads(value);
      write(to_.payloads, places.start, group - later_, payloadsOf(records - later_).data());
    }
  }

  /** Of a batch, with those of the one before that. */
  [[gnu::noinline]] void writeFirstPayloads(std::size_t value) {
    std::array<Record, 2 * kGroup> both;
    std::copy_n(before_[value].records, kGroup, both.begin());
    std::copy_n(batchOf(value), kGroup, both.begin() + kGroup);
    const Places& places = places_[value];
    write(to_.payloads, places.start, places.batch - later_,
          payloadsOf(both.data() + kGroup - later_).data());
  }

  /** Those from `start` on of a group, to where its fields fill lines. */
  template <typename Field>
  void write(Field* column, std::size_t start, std::size_t group, const Field* fields) {
    if (group >= start) {
      streamGroup(column + (group - lead_), fields);
    } else {
      for (std::size_t i = start; i < group + kGroup; ++i) column[i - lead_] = fields[i - group];
    }
  }

  /** What has not filled a batch. */
  void writeRest(std::size_t value, std::size_t end) {
    const std::size_t start = places_[value].start;
    const std::size_t batch = places_[value].batch;
    const std::size_t group = writeGroups(value, end);
    for (std::size_t i = std::max(group, start); i < end; ++i) {
      to_.keys[i - lead_] = batchOf(value)[i - batch].key;
    }
    if constexpr (kHasPayload<Record>) {
      for (std::size_t i = std::max(group - later_, start); i < end; ++i) {
        const Record& record =
            i < batch ? before_[value].records[i + kGroup - batch] : batchOf(value)[i - batch];
        to_.payloads[i - lead_] = record.payload;
      }
    }
  }

  [[nodiscard]] const Record* batchOf(std::size_t value) const {
    return slots_.data() + value * kBatch;
  }

  Columns<Record> to_;
  std::array<Places, kSplits> places_;
  std::size_t lead_;
  /** By how many records payloads are written later than keys. */
  std::size_t later_ = 0;
  StreamFields streamFields_ = streamFields();
  /** Which slot the next record of each digit goes to. */
  std::array<std::uint32_t, kSplits> next_;
  /** A batch of them for each digit. */
  alignas(64) std::array<Record, kSplits * kBatch> slots_;
  /** The last group of the batch before that, where its payloads are still to be written. */
  std::array<Group, kSplits> before_;
};

}  // namespace vgpu::compute
