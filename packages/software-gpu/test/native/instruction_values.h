// Operand values for the instruction tests: the awkward ones of every type, and reproducible random ones.
#pragma once

#include <cstdint>
#include <vector>

#include "instruction_types.h"

namespace vgpu::software::test {

/// splitmix64: the same sequence on every platform, which the standard library's distributions do not
/// promise.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

/// Limits, zeros, infinities, NaNs, subnormals, rounding boundaries, bit patterns.
const std::vector<std::uint64_t>& edge_values(Type type);

/// A dozen of them, for forms with three operands, where all triples are run.
const std::vector<std::uint64_t>& core_values(Type type);

std::uint64_t random_value(Type type, Random& random);

/// Whether the operands have 16 bits or less together, so that all their values are run.
bool has_few_inputs(const Row& row);

/// The tuples to run a row on: all that there are if these are few. Otherwise all combinations of edge
/// values, random ones, random ones whose operands are related (equal, a few units apart, cancelling).
/// result[k] holds operand k of every tuple.
std::vector<std::vector<std::uint64_t>> operand_tuples(const Row& row, std::size_t random_tuples);

/// How `value` is written as a constant operand; empty where PTX has no constant of that type.
std::string literal(Type type, std::uint64_t value);

}  // namespace vgpu::software::test
