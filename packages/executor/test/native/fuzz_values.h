// What the fuzzer makes requests of: random numbers, and what a client may know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <span>
#include <vector>

#include "support.h"

namespace vgpu::executor::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  bool one_in(std::uint64_t chance) { return below(chance) == 0; }

  /// Numbers that are often wrong in interesting ways.
  std::uint64_t number() {
    static constexpr std::uint64_t kSpecial[] = {0,
                                                 1,
                                                 2,
                                                 4,
                                                 8,
                                                 16,
                                                 31,
                                                 32,
                                                 255,
                                                 256,
                                                 512,
                                                 1024,
                                                 4095,
                                                 0x10001,
                                                 0x7fffffff,
                                                 0x80000000,
                                                 0xffffffff,
                                                 0x100000000,
                                                 1 << 20,
                                                 1ULL << 40,
                                                 1ULL << 63,
                                                 UINT64_MAX,
                                                 UINT64_MAX - 7};
    return one_in(4) ? engine_() : kSpecial[below(std::size(kSpecial))];
  }

 private:
  std::mt19937_64 engine_;
};

/// What earlier answers have given out, so that requests get past the first check.
class Known {
 public:
  /// What is never forgotten.
  void pin(std::uint64_t value) { pinned_.push_back(value); }
  void learn(std::uint64_t value) {
    if (values_.size() == kMaximum) values_.erase(values_.begin());
    values_.push_back(value);
  }
  /// The first two numbers of an answer.
  void learn(std::span<const std::byte> answer) {
    for (std::size_t offset = 0; offset + 8 <= answer.size() && offset < 16; offset += 8) {
      learn(value_at<std::uint64_t>(answer, offset));
    }
  }
  std::uint64_t any(Random& random) const {
    if (!pinned_.empty() && random.one_in(2)) return pinned_[random.below(pinned_.size())];
    if (values_.empty() || random.one_in(8)) return random.number();
    const std::uint64_t value = values_[random.below(values_.size())];
    return random.one_in(8) ? value + random.below(5000) : value;
  }

 private:
  static constexpr std::size_t kMaximum = 24;
  std::vector<std::uint64_t> pinned_;
  std::vector<std::uint64_t> values_;
};

}  // namespace vgpu::executor::test
