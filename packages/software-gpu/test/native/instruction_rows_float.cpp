// Floating-point arithmetic (PTX ISA 9.0, 9.7.3), its approximations, and half precision (9.7.4).
#include <algorithm>
#include <cmath>

#include "instruction_coverage.h"
#include "instruction_reference.h"
#include "instruction_types.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

/// How a result is post-processed: .ftz and .sat, in f32 only.
struct Modifiers {
  bool ftz = false;
  bool sat = false;

  [[nodiscard]] std::string text() const { return std::string(ftz ? ".ftz" : "") + (sat ? ".sat" : ""); }

  template <class T>
  [[nodiscard]] T operand(T value) const {
    return ftz ? flush(value) : value;
  }

  template <class T>
  [[nodiscard]] Expect<T> result(T value) const {
    if constexpr (std::is_same_v<T, float>) {
      if (sat) {
        const float clamped = saturate(ftz ? flush(value) : value);
        return clamped == 0 ? either(clamped, std::signbit(value) && !is_nan(value) ? -0.0F : 0.0F)
                            : number(clamped);
      }
    }
    return ftz ? flushed_result(value) : number(value);
  }
};

constexpr std::array<Modifiers, 4> kAllModifiers = {
    {{false, false}, {true, false}, {false, true}, {true, true}}};
constexpr std::array<Modifiers, 1> kNoModifiers = {{{false, false}}};

template <class T>
constexpr std::string_view kSuffix = std::is_same_v<T, float> ? ".f32" : ".f64";

/// The roundings of add, sub and mul: ".rn" may be left out.
struct NamedRounding {
  std::string text;
  Rounding rounding;
};

std::vector<NamedRounding> roundings(bool with_default) {
  std::vector<NamedRounding> result;
  if (with_default) result.push_back({"", Rounding::nearest_even});
  for (const Rounding rounding : kRoundings) result.push_back({std::string(modifier(rounding)), rounding});
  return result;
}

template <class T, class List>
void add_arithmetic(std::vector<Row>& rows, const List& modifier_list) {
  for (const Modifiers m : modifier_list) {
    const std::string end = m.text() + std::string(kSuffix<T>);
    for (const auto& [text, r] : roundings(true)) {
      rows.push_back(row("add" + text + end,
                         [m, r = r](T a, T b) { return m.result(add(m.operand(a), m.operand(b), r)); }));
      rows.push_back(row("sub" + text + end,
                         [m, r = r](T a, T b) { return m.result(subtract(m.operand(a), m.operand(b), r)); }));
      rows.push_back(row("mul" + text + end,
                         [m, r = r](T a, T b) { return m.result(multiply(m.operand(a), m.operand(b), r)); }));
    }
    for (const auto& [text, r] : roundings(false)) {
      for (const std::string name : {"fma", "mad"}) {
        rows.push_back(row(name + text + end, [m, r = r](T a, T b, T c) {
          return m.result(multiply_add(m.operand(a), m.operand(b), m.operand(c), r));
        }));
      }
      if (m.sat) continue;
      rows.push_back(row("div" + text + end,
                         [m, r = r](T a, T b) { return m.result(divide(m.operand(a), m.operand(b), r)); }));
      rows.push_back(
          row("rcp" + text + end, [m, r = r](T a) { return m.result(divide(T{1}, m.operand(a), r)); }));
      rows.push_back(
          row("sqrt" + text + end, [m, r = r](T a) { return m.result(square_root(m.operand(a), r)); }));
    }
  }
}

template <class T>
T magnitude(T a) {
  return from_bits<T>(to_bits(a) & bits_mask(sizeof(T) * 8 - 1));
}

template <class T>
T negated(T a) {
  return from_bits<T>(to_bits(a) ^ (std::uint64_t{1} << (sizeof(T) * 8 - 1)));
}

/// A NaN loses to a number, and -0 is less than +0.
template <class T>
T smaller(T a, T b) {
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

template <class T>
T larger(T a, T b) {
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

template <class T, class List>
void add_sign_and_order(std::vector<Row>& rows, const List& modifier_list) {
  for (const Modifiers m : modifier_list) {
    if (m.sat) continue;
    const std::string end = m.text() + std::string(kSuffix<T>);
    rows.push_back(row("abs" + end, [m](T a) { return m.result(magnitude(m.operand(a))); }));
    rows.push_back(row("neg" + end, [m](T a) { return m.result(negated(m.operand(a))); }));
    // The operands are flushed before they are compared, so the result never is subnormal.
    rows.push_back(row("min" + end, [m](T a, T b) { return number(smaller(m.operand(a), m.operand(b))); }));
    rows.push_back(row("max" + end, [m](T a, T b) { return number(larger(m.operand(a), m.operand(b))); }));
  }
  rows.push_back(row("copysign" + std::string(kSuffix<T>), [](T a, T b) {
    // The sign of the first operand with the value of the second.
    const std::uint64_t sign = std::uint64_t{1} << (sizeof(T) * 8 - 1);
    return number(from_bits<T>((to_bits(a) & sign) | (to_bits(b) & ~sign)));
  }));
}

}  // namespace

std::vector<Row> float_rows() {
  std::vector<Row> rows;
  add_arithmetic<float>(rows, kAllModifiers);
  add_arithmetic<double>(rows, kNoModifiers);
  add_sign_and_order<float>(rows, kAllModifiers);
  add_sign_and_order<double>(rows, kNoModifiers);
  return rows;
}

namespace {

/// The position of a float among all floats, so that neighbours differ by one.
std::int64_t rank(float value) {
  const auto bits = static_cast<std::int64_t>(to_bits(value));
  return (bits & 0x80000000) != 0 ? 0x80000000 - bits : bits;
}

float at_rank(std::int64_t rank) {
  const std::int64_t infinity = 0x7f800000;
  rank = std::clamp(rank, -infinity, infinity);
  return from_bits<float>(static_cast<std::uint64_t>(rank < 0 ? 0x80000000 - rank : rank));
}

/// Any float within `ulps` of the correctly rounded value of `exact`; with .ftz also zero where that reaches
/// into the subnormals, and nothing but zero inside them.
Expect<float> within_ulps(long double exact, int ulps, bool ftz) {
  const auto rounded = static_cast<float>(exact);
  if (std::isnan(rounded)) return any_nan<float>();
  std::int64_t low = rank(rounded) - ulps;
  std::int64_t high = rank(rounded) + ulps;
  if (exact > 0) low = std::max<std::int64_t>(low, 0);
  if (exact < 0) high = std::min<std::int64_t>(high, 0);
  constexpr std::int64_t smallest_normal = 0x00800000;
  if (ftz && low < smallest_normal && high > -smallest_normal) {
    low = std::min<std::int64_t>(low, 0);
    high = std::max<std::int64_t>(high, 0);
    if (is_subnormal(rounded)) {
      low = high = 0;
    }
  }
  return between<float>(at_rank(low), at_rank(high));
}

Expect<float> within_relative(long double exact, long double error, bool ftz) {
  const long double bound = std::fabs(exact) * error;
  const auto magnitude = std::fabs(exact);
  if (ftz && magnitude < 0x1p-126L) return between<float>(std::min(exact, 0.0L), std::max(exact, 0.0L));
  return between<float>(exact - bound, exact + bound);
}

template <class F>
void add_unary_approximation(std::vector<Row>& rows, const std::string& name, F reference) {
  for (const bool ftz : {false, true}) {
    rows.push_back(row(name + ".approx" + (ftz ? ".ftz" : "") + ".f32",
                       [reference, ftz](float a) { return reference(ftz ? flush(a) : a, ftz); }));
  }
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Expect<float> reference_sine_or_cosine(float a, bool ftz, bool sine) {
  if (!std::isfinite(a)) return any_nan<float>();
  if (a == 0) return exactly(sine ? a : 1.0F);
  const long double exact =
      sine ? std::sin(static_cast<long double>(a)) : std::cos(static_cast<long double>(a));
  constexpr long double kPi = 3.14159265358979323846264338327950288L;
  const long double magnitude = std::fabs(static_cast<long double>(a));
  // Beyond 100π nothing is promised but that it is a sine.
  if (magnitude > 100 * kPi) return between<float>(-1 - 0x1p-14L, 1 + 0x1p-14L);
  const long double error = magnitude <= 2 * kPi ? std::exp2(-20.5L) : std::exp2(-14.7L);
  static_cast<void>(ftz);  // a flushed result is within the absolute error anyway
  return between<float>(exact - error, exact + error);
}

Expect<float> reference_logarithm(float a, bool /*ftz*/) {
  if (is_nan(a) || a < 0) return any_nan<float>();
  if (a == 0) return exactly(-kInfinity);
  if (std::isinf(a)) return exactly(kInfinity);
  const long double exact = std::log2(static_cast<long double>(a));
  const long double error = a > 0.5F && a < 2 ? 0x1p-22L : std::fabs(exact) * 0x1p-22L;
  return between<float>(exact - error, exact + error);
}

Expect<float> reference_exponential(float a, bool ftz) {
  if (is_nan(a)) return any_nan<float>();
  if (a == -kInfinity) return exactly(0.0F);
  if (a == 0) return exactly(1.0F);
  return within_ulps(std::exp2(static_cast<long double>(a)), 2, ftz);
}

Expect<float> reference_reciprocal(float a, bool ftz) {
  if (is_nan(a)) return any_nan<float>();
  if (std::isinf(a) || a == 0) return exactly(1 / a);
  return within_ulps(1 / static_cast<long double>(a), 1, ftz);
}

Expect<float> reference_square_root(float a, bool ftz) {
  if (is_nan(a) || a < 0) return any_nan<float>();
  if (a == 0 || std::isinf(a)) return exactly(a);
  return within_relative(std::sqrt(static_cast<long double>(a)), 0x1p-23L, ftz);
}

Expect<float> reference_reciprocal_square_root(float a, bool ftz) {
  if (is_nan(a) || a < 0) return any_nan<float>();
  if (a == 0) return exactly(std::copysign(kInfinity, a));
  if (std::isinf(a)) return exactly(0.0F);
  return within_relative(1 / std::sqrt(static_cast<long double>(a)), std::exp2(-22.9L), ftz);
}

Expect<float> reference_tangent(float a) {
  if (is_nan(a)) return any_nan<float>();
  if (a == 0 || std::isinf(a)) return exactly(a == 0 ? a : std::copysign(1.0F, a));
  return within_relative(std::tanh(static_cast<long double>(a)), 0x1p-11L, false);
}

Expect<float> reference_quotient(float a, float b, bool ftz, bool full_range) {
  if (ftz) {
    a = flush(a);
    b = flush(b);
  }
  const float quotient = a / b;
  if (!full_range && std::isfinite(b) && std::fabs(b) > 0x1p126F) {
    if (is_nan(a) || std::isinf(a)) return any_nan<float>();
    return exactly(std::copysign(0.0F, std::signbit(a) == std::signbit(b) ? 1.0F : -1.0F));
  }
  // Below 2^-126 the fast form promises nothing: the reciprocal that it multiplies by overflows.
  if (!full_range && b != 0 && std::fabs(b) < 0x1p-126F) return anything<float>();
  if (is_nan(quotient)) return any_nan<float>();
  if (!std::isfinite(a) || !std::isfinite(b) || a == 0 || b == 0) return exactly(quotient);
  return within_ulps(static_cast<long double>(a) / b, 2, ftz);
}

/// These look at the upper word only and leave the lower word zero: 20 bits of fraction.
Expect<double> reference_coarse(double a, long double (*function)(long double), bool negative_is_nan) {
  double upper = from_bits<double>(to_bits(a) & ~bits_mask(32));
  if (is_nan(a) && (to_bits(a) & 0x000fffff00000000) == 0)
    return anything<double>();  // the upper word is ±inf
  upper = flush(upper);
  if (is_nan(upper) || (negative_is_nan && upper < 0)) return any_nan<double>();
  if (upper == 0) return exactly(std::copysign(std::numeric_limits<double>::infinity(), upper));
  if (std::isinf(upper)) return exactly(std::copysign(0.0, upper));
  const long double exact = function(upper);
  if (std::fabs(exact) < 0x1p-1022L) return exactly(std::copysign(0.0, upper));
  return between<double>(exact - std::fabs(exact) * 0x1p-19L, exact + std::fabs(exact) * 0x1p-19L);
}

/// The same form with the rule that the lower word is zero, as a second destination.
Row coarse_row(const std::string& form, long double (*function)(long double), bool negative_is_nan) {
  return row(form, "$@" + form + " $d0, $s0; $@mov.b64 {$d1, _}, $d0;",
             [function, negative_is_nan](double a) {
               return std::pair{reference_coarse(a, function, negative_is_nan), std::uint32_t{0}};
             });
}

}  // namespace

std::vector<Row> approximation_rows() {
  std::vector<Row> rows;
  add_unary_approximation(rows, "sin",
                          [](float a, bool ftz) { return reference_sine_or_cosine(a, ftz, true); });
  add_unary_approximation(rows, "cos",
                          [](float a, bool ftz) { return reference_sine_or_cosine(a, ftz, false); });
  add_unary_approximation(rows, "lg2", reference_logarithm);
  add_unary_approximation(rows, "ex2", reference_exponential);
  add_unary_approximation(rows, "rcp", reference_reciprocal);
  add_unary_approximation(rows, "sqrt", reference_square_root);
  add_unary_approximation(rows, "rsqrt", reference_reciprocal_square_root);
  rows.push_back(row("tanh.approx.f32", reference_tangent));
  for (const bool ftz : {false, true}) {
    for (const bool full : {false, true}) {
      const std::string form =
          std::string("div") + (full ? ".full" : ".approx") + (ftz ? ".ftz" : "") + ".f32";
      rows.push_back(
          row(form, [ftz, full](float a, float b) { return reference_quotient(a, b, ftz, full); }));
    }
  }
  rows.push_back(row("rsqrt.approx.f64", [](double a) {
    if (is_nan(a) || a < 0) return any_nan<double>();
    if (a == 0) return exactly(std::copysign(std::numeric_limits<double>::infinity(), a));
    if (std::isinf(a)) return exactly(0.0);
    // No bound is documented for this one; two units in the last place is what the emulation is known for.
    const long double exact = 1 / std::sqrt(static_cast<long double>(a));
    return between<double>(exact - exact * 0x1p-51L, exact + exact * 0x1p-51L);
  }));
  return rows;
}

std::vector<Row> coarse_rows() {
  return {
      coarse_row(
          "rcp.approx.ftz.f64", [](long double a) { return 1 / a; }, false),
      coarse_row(
          "rsqrt.approx.ftz.f64", [](long double a) { return 1 / std::sqrt(a); }, true),
  };
}

namespace {

template <class F>
HalfPair each_half(F function, HalfPair a, HalfPair b = {}, HalfPair c = {}) {
  std::uint32_t bits = 0;
  for (const unsigned shift : {0U, 16U}) {
    const auto half = [shift](HalfPair pair) { return Half{static_cast<std::uint16_t>(pair.bits >> shift)}; };
    bits |= std::uint32_t{function(half(a), half(b), half(c)).bits} << shift;
  }
  return HalfPair{bits};
}

Half saturate(Half value) {
  if (is_nan(value) || widen(value) <= 0) return Half{0};
  return widen(value) >= 1 ? Half{0x3c00} : value;
}

/// Scalar and packed rows of one operation on halves.
template <class F>
void add_half(std::vector<Row>& rows, const std::string& name, unsigned operands, F function) {
  const auto operation = [function](Half a, Half b, Half c) { return function(a, b, c); };
  if (operands == 1) {
    rows.push_back(row(name + ".f16", [=](Half a) { return operation(a, {}, {}); }));
    rows.push_back(row(name + ".f16x2", [=](HalfPair a) { return each_half(operation, a); }));
  } else if (operands == 2) {
    rows.push_back(row(name + ".f16", [=](Half a, Half b) { return operation(a, b, {}); }));
    rows.push_back(row(name + ".f16x2", [=](HalfPair a, HalfPair b) { return each_half(operation, a, b); }));
  } else {
    rows.push_back(row(name + ".f16", [=](Half a, Half b, Half c) { return operation(a, b, c); }));
    rows.push_back(row(name + ".f16x2",
                       [=](HalfPair a, HalfPair b, HalfPair c) { return each_half(operation, a, b, c); }));
  }
}

}  // namespace

std::vector<Row> half_rows() {
  std::vector<Row> rows;
  for (const std::string rounding : {"", ".rn"}) {
    add_half(rows, "add" + rounding, 2, [](Half a, Half b, Half) { return add(a, b); });
    add_half(rows, "sub" + rounding, 2, [](Half a, Half b, Half) { return subtract(a, b); });
    add_half(rows, "mul" + rounding, 2, [](Half a, Half b, Half) { return multiply(a, b); });
  }
  add_half(rows, "fma.rn", 3, [](Half a, Half b, Half c) { return multiply_add(a, b, c); });
  add_half(rows, "add.sat", 2, [](Half a, Half b, Half) { return saturate(add(a, b)); });
  add_half(rows, "mul.sat", 2, [](Half a, Half b, Half) { return saturate(multiply(a, b)); });
  add_half(rows, "fma.rn.sat", 3, [](Half a, Half b, Half c) { return saturate(multiply_add(a, b, c)); });
  add_half(rows, "neg", 1,
           [](Half a, Half, Half) { return Half{static_cast<std::uint16_t>(a.bits ^ 0x8000)}; });
  add_half(rows, "abs", 1,
           [](Half a, Half, Half) { return Half{static_cast<std::uint16_t>(a.bits & 0x7fff)}; });
  return rows;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
