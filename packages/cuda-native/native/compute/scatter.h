// Moving records to the places of their digits, in whole cache lines.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "compute/digit_sort.h"
#include "compute/error.h"
#include "compute/record_columns.h"

namespace vgpu::compute {

/** Digits of so many bits split … */
constexpr int kSplitBits = 9;
constexpr std::size_t kSplits = std::size_t{1} << kSplitBits;
/** … and for each of their values a batch of records is collected. All of them fit into the second-level
 * cache; smaller ones cost more, because no processor foresees which record fills a batch. */
constexpr std::size_t kBatchBytes = 512;

/** A number for each value of a digit. */
using Counts = std::array<std::size_t, kSplits>;

/** Collects a batch of records for each digit, so that memory sees whole cache lines. Where groups fill
 * lines of keys but not lines of payloads, the latter are written some records later. For one thread. */
template <typename Record>
class Scatter {
 public:
  /** Records with a digit go to the places `starts` … `ends` - 1 of it. */
  Scatter(const Columns<Record>& to, const Counts& starts, const Counts& ends)
      : to_(to), positions_(starts), lead_(kGroup + leadOf(to.keys)) {
    for (std::size_t& position : positions_) position += lead_;
    for (std::size_t digit = 0; digit < kSplits; ++digit) {
      places_[digit] = {.start = starts[digit] + lead_, .end = ends[digit] + lead_};
    }
    if constexpr (kHasPayload<Record>) {
      later_ = (leadOf(to.payloads) - lead_) % kGroup;
      if (later_ > 0) before_.resize(kSplits);
    }
  }

  /** Those with numbers `first` … `last` - 1; digits begin at bit `shift`.
   * @throws Error argument, when there are more records with a digit than places */
  template <typename RecordAt>
  void add(const RecordAt& recordAt, std::size_t first, std::size_t last, int shift) {
    // The inner loop calls nothing, so that all it needs stays in registers.
    for (std::size_t i = first; i < last; ++i) {
      std::size_t value = 0;
      std::size_t position = 0;
      for (; i < last; ++i) {
        const Record record = recordAt(i);
        value = digit<kSplitBits>(record.key, shift);
        position = positions_[value]++;
        batches_[value].records[position % kBatch] = record;
        if (position % kBatch == kBatch - 1) [[unlikely]]
          break;
      }
      if (i < last) writeBatch(value, position + 1);
    }
  }

  /** After the last one.
   * @throws Error argument, when there are other numbers of records than of places */
  void finish() {
    for (std::size_t digit = 0; digit < kSplits; ++digit) {
      if (positions_[digit] != places_[digit].end) refuse();
      writeRest(digit, positions_[digit]);
    }
    finishStreaming();
  }

 private:
  static constexpr std::size_t kBatch = kBatchBytes / sizeof(Record);
  static_assert(kBatch % kGroup == 0);

  struct alignas(64) Batch {
    Record records[kBatch];
  };
  struct Places {
    std::size_t start;
    std::size_t end;
  };
  using Fields = GroupFields<Record>;

  /** Somebody has changed the keys since they were counted. */
  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::argument, "an array changed while it was sorted");
  }

  // Places and positions are counted from `lead_` before the first record on: multiples of kGroup fill lines
  // of keys then.

  /** A full batch. */
  [[gnu::noinline]] void writeBatch(std::size_t value, std::size_t end) {
    if (end > places_[value].end) refuse();
    writeGroups(value, end - kBatch, end);
  }

  /** Returns where the first group begins that is not full. */
  std::size_t writeGroups(std::size_t value, std::size_t batch, std::size_t end) {
    const std::size_t start = places_[value].start;
    std::size_t group = std::max(batch, start / kGroup * kGroup);
    for (; group + kGroup <= end; group += kGroup) writeGroup(value, group);
    return group;
  }

  void writeGroup(std::size_t value, std::size_t group) {
    const std::size_t start = places_[value].start;
    const Fields fields(batches_[value].records + group % kBatch);
    write(to_.keys, start, group, fields.keys.data());
    if constexpr (kHasPayload<Record>) {
      if (later_ == 0) {
        write(to_.payloads, start, group, fields.payloads.data());
      } else {
        std::array<typename Record::Payload, 2 * kGroup> both;
        std::ranges::copy(before_[value].payloads, both.begin());
        std::ranges::copy(fields.payloads, both.begin() + kGroup);
        write(to_.payloads, start, group - later_, both.data() + kGroup - later_);
        before_[value].payloads = fields.payloads;
      }
    }
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
    const std::size_t group = writeGroups(value, end / kBatch * kBatch, end);
    const Record* records = batches_[value].records + group % kBatch;
    for (std::size_t i = std::max(group, start); i < end; ++i) to_.keys[i - lead_] = records[i - group].key;
    if constexpr (kHasPayload<Record>) {
      for (std::size_t i = std::max(group - later_, start); i < end; ++i) {
        to_.payloads[i - lead_] =
            i < group ? before_[value].payloads[i + kGroup - group] : records[i - group].payload;
      }
    }
  }

  Columns<Record> to_;
  std::array<Places, kSplits> places_;
  Counts positions_;
  std::size_t lead_;
  /** By how many records payloads are written later than keys. */
  std::size_t later_ = 0;
  std::array<Batch, kSplits> batches_;
  /** The group before that, where its last payloads are still to be written. */
  std::vector<Fields> before_;
};

}  // namespace vgpu::compute
