// Which row of the frame each value gets. A kernel may name ten thousand registers of which a few dozen are
// alive at any time; rows that are shared keep a warp's frame in the first-level cache.
//
// Lanes on different sides of a divergent branch use the same rows without harm, because every write leaves
// the inactive lanes alone: what counts is whether two values are alive at once in one thread.
#include <algorithm>
#include <array>
#include <queue>

#include "execution/draft.h"

namespace vgpu::software {
namespace {

/// One bit per variable.
class BitSet {
 public:
  explicit BitSet(std::size_t bits) : words_((bits + 63) / 64) {}
  [[nodiscard]] bool contains(std::size_t bit) const { return (words_[bit / 64] >> (bit % 64) & 1) != 0; }
  void insert(std::size_t bit) { words_[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  /// Adds what is in `other` but not in `except`; returns whether anything was new.
  bool insert_difference(const BitSet& other, const BitSet& except) {
    bool changed = false;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const std::uint64_t added = other.words_[i] & ~except.words_[i] & ~words_[i];
      words_[i] |= added;
      changed |= added != 0;
    }
    return changed;
  }
  template <class F>
  void for_each(F action) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        action(i * 64 + static_cast<std::size_t>(__builtin_ctzll(word)));
      }
    }
  }

 private:
  std::vector<std::uint64_t> words_;
};

struct Liveness {
  std::vector<BitSet> at_begin;  // of each block
  std::vector<BitSet> at_end;
};

Liveness find_liveness(const Draft& draft, const std::vector<BasicBlock>& blocks) {
  const std::size_t variables = draft.values.size();
  const BitSet none(variables);
  std::vector<BitSet> read_first(blocks.size(), none);  // read before the block writes them
  std::vector<BitSet> written(blocks.size(), none);
  std::size_t block = 0;
  for (auto reference = draft.references.begin(); reference != draft.references.end();) {
    // All reads of an instruction come before its writes.
    auto next = reference;
    while (next != draft.references.end() && next->instruction == reference->instruction) ++next;
    while (blocks[block].end <= reference->instruction) ++block;
    for (auto it = reference; it != next; ++it) {
      const bool reads = !it->writes || it->keeps_lanes;
      if (reads && !written[block].contains(it->value)) read_first[block].insert(it->value);
    }
    for (auto it = reference; it != next; ++it) {
      if (it->writes && !it->keeps_lanes) written[block].insert(it->value);
    }
    reference = next;
  }

  Liveness live{read_first, std::vector<BitSet>(blocks.size(), none)};
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = blocks.size(); i-- > 0;) {
      for (const std::uint32_t successor : blocks[i].successors) {
        changed |= live.at_end[i].insert_difference(live.at_begin[successor], none);
      }
      changed |= live.at_begin[i].insert_difference(live.at_end[i], written[i]);
    }
  }
  return live;
}

/// Backwards through each block: a write ends what is known about the value in front of it.
std::vector<std::uint32_t> find_last_reads(const Draft& draft, const std::vector<BasicBlock>& blocks,
                                           const Liveness& live) {
  std::vector<std::uint32_t> last_reads(draft.code.size());
  std::vector<std::uint32_t> last_read(draft.values.size());  // of the value as it is here
  auto reference = draft.references.rbegin();
  for (std::size_t block = blocks.size(); block-- > 0;) {
    std::ranges::fill(last_read, 0);
    live.at_end[block].for_each([&](std::size_t value) { last_read[value] = kReadBeyondBlock; });
    while (reference != draft.references.rend() && reference->instruction >= blocks[block].begin) {
      const std::uint32_t instruction = reference->instruction;
      auto next = reference;
      while (next != draft.references.rend() && next->instruction == instruction) ++next;
      for (auto it = reference; it != next; ++it) {
        if (!it->writes) continue;
        last_reads[instruction] = std::max(last_reads[instruction], last_read[it->value]);
        if (!it->keeps_lanes) last_read[it->value] = 0;
      }
      for (auto it = reference; it != next; ++it) {
        const bool reads = !it->writes || it->keeps_lanes;
        if (reads && last_read[it->value] == 0) last_read[it->value] = instruction;
      }
      reference = next;
    }
  }
  return last_reads;
}

struct Interval {
  std::uint32_t value;
  std::uint32_t first;
  std::uint32_t last;
};

/// From the first to the last instruction at which each variable is alive, in the order of the first.
std::vector<Interval> find_intervals(const Draft& draft, const std::vector<BasicBlock>& blocks,
                                     const Liveness& live) {
  std::vector<Interval> intervals(draft.values.size());
  for (std::uint32_t i = 0; i < intervals.size(); ++i) intervals[i] = {i, 0xffff'ffff, 0};
  const auto extend = [&](std::size_t value, std::uint32_t position) {
    intervals[value].first = std::min(intervals[value].first, position);
    intervals[value].last = std::max(intervals[value].last, position);
  };
  for (const Reference& reference : draft.references) extend(reference.value, reference.instruction);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    live.at_begin[i].for_each([&](std::size_t value) { extend(value, blocks[i].begin); });
    live.at_end[i].for_each([&](std::size_t value) { extend(value, blocks[i].end - 1); });
  }
  std::erase_if(intervals, [&](const Interval& interval) {
    return draft.values[interval.value].kind != Value::Kind::variable || interval.first > interval.last;
  });
  std::ranges::sort(intervals, {}, &Interval::first);
  return intervals;
}

/// Rows of one width; rows of different widths never overlap, so two operands are the same row or apart.
struct Pool {
  std::uint32_t rows = 0;
  std::vector<std::uint32_t> free;
};

constexpr std::array kWidths{Width::doubleword, Width::word, Width::half, Width::predicate};

std::size_t pool_of(Width width) {
  return static_cast<std::size_t>(std::ranges::find(kWidths, width) - kWidths.begin());
}

void patch(Draft& draft, std::vector<Instruction>& code, const std::vector<Reference>& references) {
  for (const Reference& reference : references) {
    Instruction& instruction = code[reference.instruction];
    const std::uint32_t offset = draft.values[reference.value].offset;
    switch (reference.field) {
      case Field::destination:
        instruction.destination = offset;
        break;
      case Field::a:
        instruction.a = offset;
        break;
      case Field::b:
        instruction.b = offset;
        break;
      case Field::c:
        instruction.c = offset;
        break;
      case Field::d:
        instruction.d = offset;
        break;
      case Field::immediate:
        instruction.immediate = offset;
        break;
      case Field::listed:
        draft.operand_rows[reference.slot] = offset;
        break;
    }
  }
}

}  // namespace

std::uint64_t assign_rows(Draft& draft) {
  std::array<Pool, kWidths.size()> pools;
  using Ending = std::pair<std::uint32_t, std::uint32_t>;  // last instruction, value
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> active;
  const std::vector<BasicBlock> blocks = find_basic_blocks(draft);
  const Liveness live = find_liveness(draft, blocks);
  draft.last_reads = find_last_reads(draft, blocks, live);
  for (const Interval& interval : find_intervals(draft, blocks, live)) {
    while (!active.empty() && active.top().first < interval.first) {
      const Value& ended = draft.values[active.top().second];
      pools[pool_of(ended.width)].free.push_back(ended.offset);
      active.pop();
    }
    Value& value = draft.values[interval.value];
    Pool& pool = pools[pool_of(value.width)];
    if (pool.free.empty()) {
      value.offset = pool.rows++;
    } else {
      value.offset = pool.free.back();
      pool.free.pop_back();
    }
    active.emplace(interval.last, interval.value);
  }

  // The widest rows first, so that every row is aligned to its own size, up to a cache line.
  std::uint64_t end = 0;
  for (const Width width : kWidths) {
    const std::uint32_t bytes = row_bytes(width);
    for (Value& value : draft.values) {
      if (value.width != width || value.kind == Value::Kind::variable || value.kind == Value::Kind::region)
        continue;
      value.offset = static_cast<std::uint32_t>(end);
      end += bytes;
    }
    for (Value& value : draft.values) {
      if (value.width != width || value.kind != Value::Kind::variable) continue;
      value.offset = static_cast<std::uint32_t>(end) + value.offset * bytes;
    }
    end += std::uint64_t{pools[pool_of(width)].rows} * bytes;
  }
  for (Value& value : draft.values) {
    if (value.kind != Value::Kind::region) continue;
    end = (end + 63) / 64 * 64;
    value.offset = static_cast<std::uint32_t>(end);
    end += value.bits * kLanes;
  }
  patch(draft, draft.code, draft.references);
  patch(draft, draft.preamble, draft.preamble_references);
  // Some handlers read a row that they do not use; it must lie in the frame as well.
  return (end + 63) / 64 * 64 + row_bytes(Width::doubleword);
}

}  // namespace vgpu::software
