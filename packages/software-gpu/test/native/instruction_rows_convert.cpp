// cvt (PTX ISA 9.0, 9.7.9.21) between all integer and floating-point types.
#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "instruction_coverage.h"
#include "instruction_reference.h"
#include "instruction_types.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

using Wide = __int128;

template <class T>
std::string suffix() {
  if constexpr (std::is_same_v<T, Half>) {
    return ".f16";
  } else if constexpr (std::is_floating_point_v<T>) {
    return sizeof(T) == 4 ? ".f32" : ".f64";
  } else {
    return std::string(std::is_signed_v<T> ? ".s" : ".u") + std::to_string(sizeof(T) * 8);
  }
}

using Integers = std::tuple<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t,
                            std::int32_t, std::uint64_t, std::int64_t>;
using Floats = std::tuple<Half, float, double>;

/// Calls f.operator()<T>() for each T of the list.
template <class List, class F>
void for_each_type(F f) {
  std::apply([&f]<class... T>(T...) { (f.template operator()<T>(), ...); }, List{});
}

/// A register of `bits` that has the signedness of T.
template <class T, unsigned bits>
using Register = std::conditional_t<
    std::is_signed_v<T>,
    std::conditional_t<bits == 16, std::int16_t, std::conditional_t<bits == 32, std::int32_t, std::int64_t>>,
    std::conditional_t<bits == 16, std::uint16_t,
                       std::conditional_t<bits == 32, std::uint32_t, std::uint64_t>>>;

template <class D>
D clamp_to(Wide value) {
  return static_cast<D>(
      std::clamp(value, Wide{std::numeric_limits<D>::min()}, Wide{std::numeric_limits<D>::max()}));
}

template <class D, class S>
constexpr bool kCanOverflow = Wide{std::numeric_limits<S>::min()}<Wide{std::numeric_limits<D>::min()} ||
                                                                  Wide{std::numeric_limits<S>::max()}>
    Wide{std::numeric_limits<D>::max()};

/// One row per width of the destination register that the form allows: the result is extended to it.
template <class D, class S, class F>
void add_for_registers(std::vector<Row>& rows, const std::string& form, F convert) {
  const auto into = [&rows, &form, convert]<class R>(R) {
    rows.push_back(row(form, [convert](S a) { return static_cast<R>(convert(a)); }));
  };
  if constexpr (sizeof(D) <= 2) into(Register<D, 16>{});
  if constexpr (sizeof(D) <= 4) into(Register<D, 32>{});
  if constexpr (sizeof(D) == 8 || sizeof(D) == 1) into(Register<D, 64>{});
}

template <class D, class S>
void add_integer_to_integer(std::vector<Row>& rows) {
  add_for_registers<D, S>(rows, "cvt" + suffix<D>() + suffix<S>(), [](S a) { return static_cast<D>(a); });
  if constexpr (kCanOverflow<D, S>) {
    add_for_registers<D, S>(rows, "cvt.sat" + suffix<D>() + suffix<S>(), [](S a) { return clamp_to<D>(a); });
  }
  // A source register wider than the type: only its low bits count.
  if constexpr (sizeof(S) <= 2) {
    rows.push_back(row("cvt" + suffix<D>() + suffix<S>(), [](std::uint32_t a) {
      return static_cast<Register<D, std::max(16U, static_cast<unsigned>(sizeof(D) * 8))>>(
          static_cast<D>(static_cast<S>(a)));
    }));
    rows.back().significant_bits = {sizeof(S) * 8};
  }
}

template <class T>
T saturate_any(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    if (is_nan(value) || widen(value) <= 0) return Half{0};
    return widen(value) >= 1 ? Half{0x3c00} : value;
  } else {
    if (is_nan(value) || value <= 0) return 0;
    return value >= 1 ? T{1} : value;
  }
}

template <class D, class S>
void add_integer_to_float(std::vector<Row>& rows) {
  for (const Rounding rounding : kRoundings) {
    const auto convert = [rounding](S a) {
      const bool negative = a < 0;
      const auto magnitude = static_cast<std::uint64_t>(negative ? -Wide{a} : Wide{a});
      return from_integer<D>(negative, magnitude, rounding);
    };
    const std::string form = "cvt" + std::string(modifier(rounding));
    rows.push_back(row(form + suffix<D>() + suffix<S>(), convert));
    if (rounding != Rounding::nearest_even) continue;
    rows.push_back(
        row(form + ".sat" + suffix<D>() + suffix<S>(), [convert](S a) { return saturate_any(convert(a)); }));
  }
}

double as_double(Half value) {
  return widen(value);
}
double as_double(float value) {
  return value;
}
double as_double(double value) {
  return value;
}

/// A NaN becomes zero, but the half of the range from a double or into 64 bits. Everything else is clamped.
template <class D, class S>
D float_to_integer(S a, Rounding rounding) {
  if (is_nan(a)) {
    constexpr bool is_zero = !std::is_same_v<S, double> && sizeof(D) < 8;
    return is_zero ? D{0} : static_cast<D>(std::uint64_t{1} << (sizeof(D) * 8 - 1));
  }
  const double integral = round_to_integral(as_double(a), rounding);
  if (integral >= 0x1p64) return std::numeric_limits<D>::max();
  if (integral <= -0x1p64) return std::numeric_limits<D>::min();
  return clamp_to<D>(static_cast<Wide>(integral));
}

template <class D, class S>
void add_float_to_integer(std::vector<Row>& rows) {
  for (const Rounding rounding : kRoundings) {
    const std::string form = "cvt" + std::string(integer_modifier(rounding));
    const std::string types = suffix<D>() + suffix<S>();
    add_for_registers<D, S>(rows, form + types, [rounding](S a) { return float_to_integer<D>(a, rounding); });
    if (!std::is_same_v<S, float>) continue;
    add_for_registers<D, S>(rows, form + ".ftz" + types,
                            [rounding](S a) { return float_to_integer<D>(flush(a), rounding); });
  }
}

/// What .ftz and .sat make of an input and a result; .ftz concerns binary32 only.
struct Modifiers {
  bool ftz;
  bool sat;

  [[nodiscard]] std::string text() const { return std::string(ftz ? ".ftz" : "") + (sat ? ".sat" : ""); }

  template <class S>
  [[nodiscard]] S operand(S a) const {
    return ftz && std::is_same_v<S, float> ? flush(a) : a;
  }

  template <class D>
  [[nodiscard]] Expect<D> result(D value) const {
    if (sat) {
      const D clamped = saturate_any(ftz && std::is_same_v<D, float> ? flush(value) : value);
      const bool negative = !is_nan(value) && (to_bits(value) >> (sizeof(D) * 8 - 1)) != 0;
      // Which zero a negative number becomes is not documented.
      return negative ? either(clamped, from_bits<D>(std::uint64_t{1} << (sizeof(D) * 8 - 1)))
                      : number(clamped);
    }
    return ftz && std::is_same_v<D, float> ? flushed_result(value) : number(value);
  }
};

template <class D, class S>
std::vector<Modifiers> float_modifiers() {
  std::vector<Modifiers> result = {{false, false}, {false, true}};
  if (std::is_same_v<D, float> || std::is_same_v<S, float>) {
    result.push_back({true, false});
    result.push_back({true, true});
  }
  return result;
}

template <class D>
D narrow_to(double value, Rounding rounding) {
  if constexpr (std::is_same_v<D, Half>) return narrow_to_half(value, rounding);
  if constexpr (std::is_same_v<D, float>) return narrow_to_float(value, rounding);
  if constexpr (std::is_same_v<D, double>) return value;
}

template <class D, class S>
void add_float_to_float(std::vector<Row>& rows) {
  const std::string types = suffix<D>() + suffix<S>();
  for (const Modifiers m : float_modifiers<D, S>()) {
    if constexpr (sizeof(D) >= sizeof(S)) {
      rows.push_back(row("cvt" + m.text() + types, [m](S a) {
        return m.result(narrow_to<D>(as_double(m.operand(a)), Rounding::nearest_even));
      }));
    }
    if constexpr (sizeof(D) < sizeof(S)) {
      for (const Rounding r : kRoundings) {
        rows.push_back(row("cvt" + std::string(modifier(r)) + m.text() + types,
                           [m, r](S a) { return m.result(narrow_to<D>(as_double(m.operand(a)), r)); }));
      }
    }
    if constexpr (std::is_same_v<D, S>) {
      for (const Rounding r : kRoundings) {
        rows.push_back(row("cvt" + std::string(integer_modifier(r)) + m.text() + types, [m, r](S a) {
          return m.result(narrow_to<D>(round_to_integral(as_double(m.operand(a)), r), r));
        }));
      }
    }
  }
}

}  // namespace

std::vector<Row> convert_rows() {
  std::vector<Row> rows;
  for_each_type<Integers>([&rows]<class D>() {
    for_each_type<Integers>([&rows]<class S>() { add_integer_to_integer<D, S>(rows); });
    for_each_type<Floats>([&rows]<class S>() { add_float_to_integer<D, S>(rows); });
  });
  for_each_type<Floats>([&rows]<class D>() {
    for_each_type<Integers>([&rows]<class S>() { add_integer_to_float<D, S>(rows); });
    for_each_type<Floats>([&rows]<class S>() { add_float_to_float<D, S>(rows); });
  });
  return rows;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
