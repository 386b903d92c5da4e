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

/** Digits of so many bits split; a batch of records for each of their values fits into the second-level
 * cache. */
constexpr int kSplitBits = 10;
constexpr std::size_t kSplits = std::size_t{1} << kSplitBits;

/** A number for each value of a digit. */
using Counts = std::array<std::size_t, kSplits>;

/** Collects a batch of records for each digit, so that memory sees whole cache lines. Where batches fill
 * lines of keys but not lines of payloads, the latter are written some records later. For one thread. */
template <typename Record>
class Scatter {
 public:
  /** Records with a digit go to the places `starts` … `ends` - 1 of it. */
  Scatter(const Columns<Record>& to, const Counts& starts, const Counts& ends)
      : to_(to), positions_(starts), lead_(kBatch + leadOf(to.keys)) {
    for (std::size_t& position : positions_) position += lead_;
    for (std::size_t digit = 0; digit < kSplits; ++digit) {
      places_[digit] = {.start = starts[digit] + lead_, .end = ends[digit] + lead_};
    }
    if constexpr (kHasPayload<Record>) {
      later_ = (leadOf(to.payloads) - lead_) % kBatch;
      if (later_ > 0) before_.resize(kSplits);
    }
  }

  /** @throws Error argument, when there are more records with the digit than places */
  void add(const Record& record, std::size_t digit) {
    const std::size_t position = positions_[digit]++;
    batches_[digit].records[position % kBatch] = record;
    if (position % kBatch == kBatch - 1) writeBatch(digit, position + 1 - kBatch);
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
  struct alignas(64) Batch {
    Record records[kBatch];
  };
  struct Places {
    std::size_t start;
    std::size_t end;
  };
  using Fields = BatchFields<Record>;

  /** Somebody has changed the keys since they were counted. */
  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::argument, "an array changed while it was sorted");
  }

  // Places and positions are counted from `lead_` before the first record on: multiples of kBatch fill lines
  // of keys then.

  void writeBatch(std::size_t digit, std::size_t batch) {
    const auto [start, end] = places_[digit];
    if (batch + kBatch > end) refuse();
    const Fields fields(batches_[digit].records);
    write(to_.keys, start, batch, fields.keys.data());
    if constexpr (kHasPayload<Record>) {
      if (later_ == 0) {
        write(to_.payloads, start, batch, fields.payloads.data());
      } else {
        std::array<typename Record::Payload, 2 * kBatch> both;
        std::ranges::copy(before_[digit].payloads, both.begin());
        std::ranges::copy(fields.payloads, both.begin() + kBatch);
        write(to_.payloads, start, batch - later_, both.data() + kBatch - later_);
        before_[digit].payloads = fields.payloads;
      }
    }
  }

  /** Those from `start` on of a batch, to where its fields fill lines. */
  template <typename Field>
  void write(Field* column, std::size_t start, std::size_t batch, const Field* fields) {
    if (batch >= start) {
      streamBatch(column + (batch - lead_), fields);
    } else {
      for (std::size_t i = start; i < batch + kBatch; ++i) column[i - lead_] = fields[i - batch];
    }
  }

  void writeRest(std::size_t digit, std::size_t end) {
    const std::size_t start = places_[digit].start;
    const std::size_t batch = end / kBatch * kBatch;
    const Record* records = batches_[digit].records;
    for (std::size_t i = std::max(batch, start); i < end; ++i) to_.keys[i - lead_] = records[i - batch].key;
    if constexpr (kHasPayload<Record>) {
      for (std::size_t i = std::max(batch - later_, start); i < end; ++i) {
        to_.payloads[i - lead_] =
            i < batch ? before_[digit].payloads[i + kBatch - batch] : records[i - batch].payload;
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
  /** The batch before that, where its last payloads are still to be written. */
  std::vector<Fields> before_;
};

}  // namespace vgpu::compute
