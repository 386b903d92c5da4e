// bfloat16 (PTX ISA 9.0, 9.7.4) and the conversions to it, to packed halves and to tf32 (9.7.9.21).
#include <cmath>
#include <tuple>

#include "instruction_coverage.h"
#include "instruction_reference.h"
#include "instruction_types.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

Bfloat with_bits(unsigned bits) {
  return Bfloat{static_cast<std::uint16_t>(bits)};
}

template <class F>
BfloatPair each_half(F function, BfloatPair a, BfloatPair b = {}, BfloatPair c = {}) {
  std::uint32_t bits = 0;
  for (const unsigned shift : {0U, 16U}) {
    const auto half = [shift](BfloatPair pair) { return with_bits(pair.bits >> shift & 0xffff); };
    bits |= std::uint32_t{function(half(a), half(b), half(c)).bits} << shift;
  }
  return BfloatPair{bits};
}

/// Scalar and packed rows of one operation.
template <class F>
void add_operation(std::vector<Row>& rows, const std::string& name, unsigned operands, F f) {
  if (operands == 1) {
    rows.push_back(row(name + ".bf16", [=](Bfloat a) { return f(a, {}, {}); }));
    rows.push_back(row(name + ".bf16x2", [=](BfloatPair a) { return each_half(f, a); }));
  } else if (operands == 2) {
    rows.push_back(row(name + ".bf16", [=](Bfloat a, Bfloat b) { return f(a, b, {}); }));
    rows.push_back(row(name + ".bf16x2", [=](BfloatPair a, BfloatPair b) { return each_half(f, a, b); }));
  } else {
    rows.push_back(row(name + ".bf16", [=](Bfloat a, Bfloat b, Bfloat c) { return f(a, b, c); }));
    rows.push_back(row(name + ".bf16x2",
                       [=](BfloatPair a, BfloatPair b, BfloatPair c) { return each_half(f, a, b, c); }));
  }
}

/// What is negative becomes +0. PTX does not say whether -0 is; here it is.
template <class T>
T rectified(T value) {
  return !is_nan(value) && (value.bits & 0x8000) != 0 ? T{0} : value;
}

/// -0 is less than +0; a NaN loses to a number, or with .NaN wins.
Bfloat extreme(Bfloat a, Bfloat b, bool greatest, bool keeps_nan) {
  const Bfloat nan = with_bits(0x7fff);
  if (is_nan(a) || is_nan(b)) {
    if (keeps_nan || (is_nan(a) && is_nan(b))) return nan;
    return is_nan(a) ? b : a;
  }
  if (widen(a) == widen(b)) return ((a.bits & 0x8000) != 0) == greatest ? b : a;
  return (widen(a) > widen(b)) == greatest ? a : b;
}

void add_arithmetic(std::vector<Row>& rows) {
  for (const std::string rounding : {"", ".rn"}) {
    add_operation(rows, "add" + rounding, 2, [](Bfloat a, Bfloat b, Bfloat) { return add(a, b); });
    add_operation(rows, "sub" + rounding, 2, [](Bfloat a, Bfloat b, Bfloat) { return subtract(a, b); });
    add_operation(rows, "mul" + rounding, 2, [](Bfloat a, Bfloat b, Bfloat) { return multiply(a, b); });
  }
  add_operation(rows, "fma.rn", 3, [](Bfloat a, Bfloat b, Bfloat c) { return multiply_add(a, b, c); });
  add_operation(rows, "fma.rn.relu", 3,
                [](Bfloat a, Bfloat b, Bfloat c) { return rectified(multiply_add(a, b, c)); });
  add_operation(rows, "neg", 1, [](Bfloat a, Bfloat, Bfloat) { return with_bits(a.bits ^ 0x8000U); });
  add_operation(rows, "abs", 1, [](Bfloat a, Bfloat, Bfloat) { return with_bits(a.bits & 0x7fffU); });
  for (const bool keeps_nan : {false, true}) {
    const std::string end = keeps_nan ? ".NaN" : "";
    add_operation(rows, "min" + end, 2,
                  [=](Bfloat a, Bfloat b, Bfloat) { return extreme(a, b, false, keeps_nan); });
    add_operation(rows, "max" + end, 2,
                  [=](Bfloat a, Bfloat b, Bfloat) { return extreme(a, b, true, keeps_nan); });
  }
}

void add_comparisons(std::vector<Row>& rows) {
  rows.push_back(row("setp.lt.bf16", [](Bfloat a, Bfloat b) { return widen(a) < widen(b); }));
  rows.push_back(row("setp.eq.bf16", [](Bfloat a, Bfloat b) { return widen(a) == widen(b); }));
  rows.push_back(row("setp.geu.bf16", [](Bfloat a, Bfloat b) { return !(widen(a) < widen(b)); }));
  rows.push_back(row("setp.nan.bf16", [](Bfloat a, Bfloat b) { return is_nan(a) || is_nan(b); }));
}

// --- Conversion
// ---------------------------------------------------------------------------------------------

template <class T>
std::string suffix() {
  return std::string(std::is_floating_point_v<T> ? ".f"
                     : std::is_signed_v<T>       ? ".s"
                                                 : ".u") +
         std::to_string(sizeof(T) * 8);
}

/// .rn and .rz of one and of two floats, with and without .relu. The first operand goes to the upper half.
template <class T, class Pair, class F>
void add_narrowing(std::vector<Row>& rows, const std::string& type, F narrow) {
  for (const Rounding r : {Rounding::nearest_even, Rounding::toward_zero}) {
    for (const bool relu : {false, true}) {
      const auto convert = [=](float a) { return relu ? rectified(narrow(a, r)) : narrow(a, r); };
      const std::string form = "cvt" + std::string(modifier(r)) + (relu ? ".relu." : ".") + type;
      const bool exists =
          type == "bf16" || r == Rounding::nearest_even;  // cvt.rz.f16.f32 is tested elsewhere
      if (exists) rows.push_back(row(form + ".f32", [=](float a) { return convert(a); }));
      rows.push_back(row(form + "x2.f32", [=](float a, float b) {
        return Pair{std::uint32_t{convert(a).bits} << 16 | convert(b).bits};
      }));
    }
  }
}

constexpr FloatFormat kTf32Format{10, 8};

void add_tf32(std::vector<Row>& rows) {
  const auto narrow = [](float a, Rounding r) -> std::uint32_t {
    if (!std::isfinite(a)) return static_cast<std::uint32_t>(to_bits(a));
    const std::uint64_t bits = to_bits(a);
    const std::uint64_t fraction = bits & bits_mask(23);
    const auto exponent = static_cast<int>(bits >> 23 & 255);
    const std::uint64_t significand = exponent == 0 ? fraction : fraction | 1U << 23;
    const std::uint64_t narrowed =
        round_to_format(kTf32Format, bits >> 31 != 0, significand, std::max(exponent, 1) - 150, r);
    return static_cast<std::uint32_t>(narrowed << 13);
  };
  const auto as_float = [](std::uint32_t bits) { return number(from_bits<float>(bits)); };
  rows.push_back(
      row("cvt.rn.tf32.f32", [=](float a) { return as_float(narrow(a, Rounding::nearest_even)); }));
  rows.push_back(row("cvt.rz.tf32.f32", [=](float a) { return as_float(narrow(a, Rounding::toward_zero)); }));
  // A tie goes away from zero; every other number to the nearer neighbour, as with .rn.
  rows.push_back(row("cvt.rna.tf32.f32", [=](float a) {
    const std::uint32_t cut = narrow(a, Rounding::toward_zero);
    const bool is_tie = std::isfinite(a) && (to_bits(a) & 0x1fff) == 0x1000;
    return as_float(is_tie ? cut + 0x2000 : narrow(a, Rounding::nearest_even));
  }));
}

template <class S>
void add_from_integer(std::vector<Row>& rows) {
  for (const Rounding rounding : kRoundings) {
    rows.push_back(row("cvt" + std::string(modifier(rounding)) + ".bf16" + suffix<S>(), [rounding](S a) {
      const bool negative = a < 0;
      const auto magnitude = static_cast<std::uint64_t>(negative ? -static_cast<__int128>(a) : a);
      return from_integer<Bfloat>(negative, magnitude, rounding);
    }));
  }
}

template <class D>
void add_to_integer(std::vector<Row>& rows) {
  for (const Rounding rounding : kRoundings) {
    rows.push_back(
        row("cvt" + std::string(integer_modifier(rounding)) + suffix<D>() + ".bf16", [rounding](Bfloat a) {
          if (is_nan(a)) return sizeof(D) < 8 ? D{0} : static_cast<D>(std::uint64_t{1} << 63);
          const double integral = round_to_integral(widen(a), rounding);
          if (integral >= std::ldexp(1.0, std::numeric_limits<D>::digits))
            return std::numeric_limits<D>::max();
          if (integral < static_cast<double>(std::numeric_limits<D>::min()))
            return std::numeric_limits<D>::min();
          return static_cast<D>(integral);
        }));
  }
}

void add_conversions(std::vector<Row>& rows) {
  add_narrowing<Bfloat, BfloatPair>(rows, "bf16", [](float a, Rounding r) { return narrow_to_bfloat(a, r); });
  add_narrowing<Half, HalfPair>(rows, "f16", [](float a, Rounding r) { return narrow_to_half(a, r); });
  add_tf32(rows);
  rows.push_back(row("cvt.f32.bf16", [](Bfloat a) { return static_cast<float>(widen(a)); }));
  rows.push_back(row("cvt.f64.bf16", [](Bfloat a) { return widen(a); }));
  for (const Rounding r : kRoundings) {
    const std::string form = "cvt" + std::string(modifier(r));
    rows.push_back(row(form + ".bf16.f64", [r](double a) { return narrow_to_bfloat(a, r); }));
    rows.push_back(row(form + ".bf16.f16", [r](Half a) { return narrow_to_bfloat(widen(a), r); }));
    rows.push_back(row(form + ".f16.bf16", [r](Bfloat a) { return narrow_to_half(widen(a), r); }));
  }
  using Integers =
      std::tuple<std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t>;
  std::apply([&rows]<class... T>(T...) { ((add_from_integer<T>(rows), add_to_integer<T>(rows)), ...); },
             Integers{});
}

}  // namespace

std::vector<Row> bfloat_rows() {
  std::vector<Row> rows;
  add_arithmetic(rows);
  add_comparisons(rows);
  add_conversions(rows);
  return rows;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
