#include "instruction_values.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "instruction_reference.h"

namespace vgpu::software::test {

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

namespace {

using Values = std::vector<std::uint64_t>;

bool is_float(Type type) {
  return type == Type::f16 || type == Type::bf16 || type == Type::f32 || type == Type::f64;
}

Values without_repeats(const Values& values, unsigned bits) {
  Values result;
  for (const std::uint64_t value : values) {
    const std::uint64_t masked = value & bits_mask(bits);
    if (std::find(result.begin(), result.end(), masked) == result.end()) result.push_back(masked);
  }
  return result;
}

Values integer_edges(unsigned bits) {
  const std::uint64_t top = std::uint64_t{1} << (bits - 1);
  Values values = {0, 1, 2, 3, 5, 7, 8, 10, 16, 31, 32, 33, 63, 64, 127, 128, 255, 256};
  for (const unsigned power : {15U, 16U, 24U, 31U, 32U, 53U, 63U}) {
    if (power >= bits) continue;
    const std::uint64_t value = std::uint64_t{1} << power;
    values.insert(values.end(), {value - 1, value, value + 1});
  }
  values.insert(values.end(), {top - 2, top - 1, top, top + 1, ~std::uint64_t{0}, ~std::uint64_t{0} - 1,
                               ~std::uint64_t{0} - 2, ~std::uint64_t{0} - 31, 0x5555555555555555,
                               0xaaaaaaaaaaaaaaaa, 0x0123456789abcdef, 0xfedcba9876543210});
  return without_repeats(values, bits);
}

Values integer_core(unsigned bits) {
  const std::uint64_t top = std::uint64_t{1} << (bits - 1);
  return without_repeats({0, 1, 2, 31, top - 1, top, top + 1, ~std::uint64_t{0}, ~std::uint64_t{0} - 1,
                          0x5555555555555555, 0xfedcba9876543210, bits_mask(bits / 2)},
                         bits);
}

FloatFormat format_of(Type type) {
  if (type == Type::bf16) return kBfloatFormat;
  return type == Type::f16 ? kHalfFormat : type == Type::f32 ? kFloatFormat : kDoubleFormat;
}

std::uint64_t number_bits(Type type, double value) {
  if (type == Type::f16) return narrow_to_half(value, Rounding::nearest_even).bits;
  if (type == Type::bf16) return narrow_to_bfloat(value, Rounding::nearest_even).bits;
  if (type == Type::f32) return to_bits(narrow_to_float(value, Rounding::nearest_even));
  return to_bits(value);
}

void with_both_signs(Values& values, Type type) {
  const std::uint64_t sign = std::uint64_t{1} << (register_bits(type) - 1);
  const std::size_t count = values.size();
  for (std::size_t i = 0; i < count; ++i) values.push_back(values[i] | sign);
}

Values float_edges(Type type) {
  const FloatFormat format = format_of(type);
  const std::uint64_t normal = std::uint64_t{1} << format.fraction_bits;
  const std::uint64_t infinity = bits_mask(static_cast<unsigned>(format.exponent_bits))
                                 << format.fraction_bits;
  Values values = {0, 1, 2, normal - 1, normal, normal + 1, infinity, infinity - 1, infinity - normal};
  const std::uint64_t one = number_bits(type, 1.0);
  values.insert(values.end(), {one, one - 1, one + 1, one + 2});
  for (const double value : {0.25, 0.5, 0.75, 1.5, 2.0, 2.5, 3.0, 3.5, 10.0, 1.0 / 3, 3.14159265358979,
                             2048.0, 2049.0, 65504.0, 65519.0, 65520.0, 0x1p-14, 0x1p-24, 0x1p-25}) {
    values.push_back(number_bits(type, value));
  }
  if (type != Type::f16) {
    for (const int power : {7, 8, 15, 16, 23, 24, 31, 32, 52, 53, 63, 64, 126}) {
      const std::uint64_t value = number_bits(type, std::ldexp(1.0, power));
      values.insert(values.end(), {value - 1, value, value + 1});
    }
    values.push_back(number_bits(type, 0x1p23 + 0.5));
    values.push_back(number_bits(type, 2147483647.5));
    values.push_back(number_bits(type, 0x1p-126));
  }
  if (type == Type::f64) {
    // Where narrowing to binary32 overflows, ties or becomes subnormal.
    for (const double value :
         {0x1.fffffep127, 0x1.fffffefffffffp127, 0x1.ffffffp127, 0x1.000001p0, 0x1.000003p0, 0x1p-127,
          0x1p-149, 0x1p-150, 0x1.8p-150, 4294967295.5, 0x1p52 + 0.5}) {
      values.push_back(number_bits(type, value));
    }
  }
  const std::uint64_t quiet = infinity | (normal >> 1);
  values.insert(values.end(), {quiet, quiet | 5, infinity | 1, infinity | (normal - 1)});
  with_both_signs(values, type);
  return without_repeats(values, register_bits(type));
}

Values float_core(Type type) {
  const FloatFormat format = format_of(type);
  const std::uint64_t normal = std::uint64_t{1} << format.fraction_bits;
  const std::uint64_t infinity = bits_mask(static_cast<unsigned>(format.exponent_bits))
                                 << format.fraction_bits;
  const std::uint64_t one = number_bits(type, 1.0);
  Values values = {0, 1, normal, infinity, infinity - 1, one, one + 1, number_bits(type, 0.5)};
  with_both_signs(values, type);
  values.push_back(infinity | (normal >> 1));
  return values;
}

Values pairs_of(const Values& halves) {
  Values result;
  for (std::size_t i = 0; i < halves.size(); ++i) {
    result.push_back(halves[i] | (halves[(i * 7 + 3) % halves.size()] << 16));
  }
  return result;
}

Values make_edges(Type type) {
  switch (type) {
    case Type::pred:
      return {0, 1};
    case Type::shift: {
      Values values;
      for (std::uint64_t i = 0; i <= 66; ++i) values.push_back(i);
      values.insert(values.end(),
                    {95, 96, 127, 128, 254, 255, 256, 257, 288, 0x7fffffff, 0x80000000, 0xffffffff});
      return values;
    }
    case Type::f16x2:
      return pairs_of(float_edges(Type::f16));
    case Type::bf16x2:
      return pairs_of(float_edges(Type::bf16));
    default:
      return is_float(type) ? float_edges(type) : integer_edges(register_bits(type));
  }
}

Values make_core(Type type) {
  switch (type) {
    case Type::pred:
      return {0, 1};
    case Type::shift:
      return {0, 1, 5, 16, 31, 32, 33, 63, 64, 65, 255, 256, 0xffffffff};
    case Type::f16x2:
      return pairs_of(float_core(Type::f16));
    case Type::bf16x2:
      return pairs_of(float_core(Type::bf16));
    default:
      return is_float(type) ? float_core(type) : integer_core(register_bits(type));
  }
}

std::uint64_t random_float(Type type, Random& random) {
  const std::uint64_t bits = random.next() & bits_mask(register_bits(type));
  if (random.below(2) == 0) return bits;
  // A moderate magnitude: the exponent within ±12 of that of 1.
  const FloatFormat format = format_of(type);
  const std::uint64_t bias = bits_mask(static_cast<unsigned>(format.exponent_bits - 1));
  const std::uint64_t range = type == Type::f16 ? 12 : 24;
  const std::uint64_t exponent = bias - range / 2 + random.below(range + 1);
  const std::uint64_t exponent_field = bits_mask(static_cast<unsigned>(format.exponent_bits))
                                       << format.fraction_bits;
  return (bits & ~exponent_field) | (exponent << format.fraction_bits);
}

/// Makes later operands depend on earlier ones in ways that independent random values practically never do.
void relate(const Row& row, std::vector<std::uint64_t>& tuple, Random& random) {
  if (tuple.size() < 2 || row.sources[0] != row.sources[1]) return;
  const Type type = row.sources[0];
  const std::uint64_t mask = bits_mask(register_bits(type));
  const std::uint64_t sign = std::uint64_t{1} << (register_bits(type) - 1);
  tuple[1] = (tuple[0] + random.below(5) - 2) & mask;
  if (random.below(2) == 0) tuple[1] ^= is_float(type) ? sign : mask;
  if (tuple.size() < 3 || row.sources[2] != type) return;
  if (type == Type::f32) {
    const float product = from_bits<float>(tuple[0]) * from_bits<float>(tuple[1]);
    tuple[2] = (to_bits(-product) + random.below(3) - 1) & mask;
  } else if (type == Type::f64) {
    const double product = from_bits<double>(tuple[0]) * from_bits<double>(tuple[1]);
    tuple[2] = to_bits(-product) + random.below(3) - 1;
  }
}

void append_combinations(const Row& row, std::vector<Values>& operands) {
  const std::size_t sources = row.sources.size();
  std::vector<const Values*> values;
  std::size_t combinations = 1;
  for (const Type type : row.sources) {
    values.push_back(sources <= 2 ? &edge_values(type) : &core_values(type));
    combinations *= values.back()->size();
  }
  // Four operands of a dozen values each would be more than the rest of the suite together.
  const std::size_t step = combinations > 30000 ? combinations / 30000 * 2 + 1 : 1;
  for (std::size_t i = 0; i < combinations; i += step) {
    std::size_t rest = i;
    for (std::size_t k = 0; k < sources; ++k) {
      operands[k].push_back((*values[k])[rest % values[k]->size()]);
      rest /= values[k]->size();
    }
  }
}

}  // namespace

const std::vector<std::uint64_t>& edge_values(Type type) {
  static std::map<Type, Values> cache;
  auto [found, is_new] = cache.try_emplace(type);
  if (is_new) found->second = make_edges(type);
  return found->second;
}

const std::vector<std::uint64_t>& core_values(Type type) {
  static std::map<Type, Values> cache;
  auto [found, is_new] = cache.try_emplace(type);
  if (is_new) found->second = make_core(type);
  return found->second;
}

std::uint64_t random_value(Type type, Random& random) {
  const std::uint64_t bits = random.next() & bits_mask(register_bits(type));
  switch (type) {
    case Type::f16:
    case Type::bf16:
    case Type::f32:
    case Type::f64:
      return random_float(type, random);
    case Type::bf16x2:
      return random_float(Type::bf16, random) | (random_float(Type::bf16, random) << 16);
    case Type::f16x2:
      return random_float(Type::f16, random) | (random_float(Type::f16, random) << 16);
    case Type::shift:
      return random.below(8) == 0 ? bits : random.below(72);
    case Type::pred:
      return bits;
    default: {
      // Half of them small in magnitude, of either sign.
      if (random.below(2) == 0) return bits;
      const std::uint64_t small = bits >> random.below(register_bits(type));
      return (random.below(2) == 0 ? small : ~small + 1) & bits_mask(register_bits(type));
    }
  }
}

namespace {

/// Of a register; an 8-bit operand counts as the whole of its register, which the instruction has to cut.
unsigned significant_bits(const Row& row, std::size_t source) {
  return row.significant_bits.empty() ? register_bits(row.sources[source]) : row.significant_bits[source];
}

unsigned input_bits(const Row& row) {
  unsigned bits = 0;
  for (std::size_t k = 0; k < row.sources.size(); ++k) bits += significant_bits(row, k);
  return bits;
}

constexpr unsigned kFewInputBits = 16;

/// All values of the bits that count, several times if these are few, with random bits in the others.
std::vector<Values> all_tuples(const Row& row) {
  constexpr std::uint64_t kFewest = 1024;
  const std::uint64_t values = std::uint64_t{1} << std::min(input_bits(row), kFewInputBits);
  std::vector<Values> operands(row.sources.size());
  Random random(0xa11);
  for (std::uint64_t i = 0; i < std::max(values, kFewest); ++i) {
    std::uint64_t rest = i;
    for (std::size_t k = 0; k < row.sources.size(); ++k) {
      const std::uint64_t mask = bits_mask(significant_bits(row, k));
      operands[k].push_back(((rest & mask) | (random.next() & ~mask)) &
                            bits_mask(register_bits(row.sources[k])));
      rest >>= significant_bits(row, k);
    }
  }
  return operands;
}

}  // namespace

bool has_few_inputs(const Row& row) {
  return !row.sources.empty() && !row.source_values && input_bits(row) <= kFewInputBits;
}

std::vector<std::vector<std::uint64_t>> operand_tuples(const Row& row, std::size_t random_tuples) {
  const std::size_t sources = row.sources.size();
  std::vector<Values> operands(sources);
  if (sources == 0) return operands;
  if (has_few_inputs(row)) return all_tuples(row);
  if (row.exhaustive) append_combinations(row, operands);
  Random random(0x5eed + row.form.size());
  for (std::size_t i = 0; i < random_tuples; ++i) {
    Values tuple;
    for (const Type type : row.sources) tuple.push_back(random_value(type, random));
    if (i % 4 == 0) relate(row, tuple, random);
    for (std::size_t k = 0; k < sources; ++k) operands[k].push_back(tuple[k]);
  }
  return operands;
}

std::string literal(Type type, std::uint64_t value) {
  std::array<char, 32> text{};
  switch (type) {
    case Type::f32:
      std::snprintf(text.data(), text.size(), "0f%08X", static_cast<unsigned>(value));
      return text.data();
    case Type::f64:
      std::snprintf(text.data(), text.size(), "0d%016llX", static_cast<unsigned long long>(value));
      return text.data();
    case Type::pred:
    case Type::f16:
    case Type::f16x2:
    case Type::bf16:
    case Type::bf16x2:
      return "";
    default: {
      // Signed decimal whatever the type, which is what compilers emit.
      const unsigned unused = 64 - register_bits(type);
      return std::to_string(static_cast<std::int64_t>(value << unused) >> unused);
    }
  }
}

}  // namespace vgpu::software::test
