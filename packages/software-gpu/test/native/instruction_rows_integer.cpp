// Integer arithmetic (PTX ISA 9.0, 9.7.1) and extended precision (9.7.2).
#include <algorithm>
#include <limits>
#include <type_traits>

#include "instruction_coverage.h"
#include "instruction_types.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

template <class T>
std::string suffix() {
  return std::string(std::is_signed_v<T> ? ".s" : ".u") + std::to_string(sizeof(T) * 8);
}

/// Wide enough for any product of two operands plus a third.
using Wide = __int128;

/// The low bits of an exact result: what "d = a + b" means for a register.
template <class T>
T low(Wide value) {
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(value));
}

template <class T>
struct Doubled;
template <>
struct Doubled<std::uint16_t> {
  using type = std::uint32_t;
};
template <>
struct Doubled<std::int16_t> {
  using type = std::int32_t;
};
template <>
struct Doubled<std::uint32_t> {
  using type = std::uint64_t;
};
template <>
struct Doubled<std::int32_t> {
  using type = std::int64_t;
};

/// The upper half of the exact product. 64-bit unsigned products need all 128 bits, unsigned.
template <class T>
T high_product(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    return static_cast<T>((Wide{a} * Wide{b}) >> (sizeof(T) * 8));
  } else {
    return static_cast<T>((static_cast<unsigned __int128>(a) * b) >> (sizeof(T) * 8));
  }
}

template <class T>
T low_product(T a, T b) {
  return low<T>(
      static_cast<Wide>(static_cast<unsigned __int128>(Wide{a}) * static_cast<unsigned __int128>(Wide{b})));
}

template <class T>
void add_basic(std::vector<Row>& rows) {
  const std::string t = suffix<T>();
  rows.push_back(row("add" + t, [](T a, T b) { return low<T>(Wide{a} + Wide{b}); }));
  rows.push_back(row("sub" + t, [](T a, T b) { return low<T>(Wide{a} - Wide{b}); }));
  rows.push_back(row("mul.lo" + t, [](T a, T b) { return low_product(a, b); }));
  rows.push_back(row("mul.hi" + t, [](T a, T b) { return high_product(a, b); }));
  rows.push_back(row("mad.lo" + t, [](T a, T b, T c) { return low<T>(Wide{low_product(a, b)} + Wide{c}); }));
  rows.push_back(row("mad.hi" + t, [](T a, T b, T c) { return low<T>(Wide{high_product(a, b)} + Wide{c}); }));
  rows.push_back(row("sad" + t, [](T a, T b, T c) {
    return low<T>(Wide{c} + (a < b ? Wide{b} - Wide{a} : Wide{a} - Wide{b}));
  }));
  rows.push_back(row("min" + t, [](T a, T b) { return std::min(a, b); }));
  rows.push_back(row("max" + t, [](T a, T b) { return std::max(a, b); }));
  // A zero divisor gives an unspecified value, but must not stop the program. The one quotient that does not
  // fit its type is its low bits, as for every other result.
  rows.push_back(
      row("div" + t, [](T a, T b) { return b == 0 ? anything<T>() : exactly(low<T>(Wide{a} / Wide{b})); }));
  rows.push_back(
      row("rem" + t, [](T a, T b) { return b == 0 ? anything<T>() : exactly(low<T>(Wide{a} % Wide{b})); }));
}

template <class T>
void add_wide(std::vector<Row>& rows) {
  using D = typename Doubled<T>::type;
  const std::string t = suffix<T>();
  rows.push_back(row("mul.wide" + t, [](T a, T b) { return low<D>(Wide{a} * Wide{b}); }));
  rows.push_back(row("mad.wide" + t, [](T a, T b, D c) { return low<D>(Wide{a} * Wide{b} + Wide{c}); }));
}

template <class T>
void add_signed(std::vector<Row>& rows) {
  const std::string t = suffix<T>();
  rows.push_back(row("abs" + t, [](T a) { return low<T>(a < 0 ? -Wide{a} : Wide{a}); }));
  rows.push_back(row("neg" + t, [](T a) { return low<T>(-Wide{a}); }));
}

std::int32_t clamped(Wide value) {
  constexpr Wide lowest = std::numeric_limits<std::int32_t>::min();
  constexpr Wide highest = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp(value, lowest, highest));
}

template <class T>
Wide low_24(T value) {
  const auto bits = static_cast<std::uint32_t>(value) << 8;
  return std::is_signed_v<T> ? Wide{static_cast<std::int32_t>(bits) >> 8} : Wide{bits >> 8};
}

template <class T>
void add_24_bit(std::vector<Row>& rows) {
  const std::string t = suffix<T>();
  rows.push_back(row("mul24.lo" + t, [](T a, T b) { return low<T>(low_24(a) * low_24(b)); }));
  rows.push_back(row("mul24.hi" + t, [](T a, T b) { return low<T>((low_24(a) * low_24(b)) >> 16); }));
  rows.push_back(row("mad24.lo" + t, [](T a, T b, T c) { return low<T>(low_24(a) * low_24(b) + Wide{c}); }));
  rows.push_back(
      row("mad24.hi" + t, [](T a, T b, T c) { return low<T>(((low_24(a) * low_24(b)) >> 16) + Wide{c}); }));
}

/// The sum of the products of A's and B's elements: `elements` of them, B's from index `first_b` on.
template <class A, class B>
std::uint32_t dot(std::uint32_t a, std::uint32_t b, std::uint32_t c, unsigned first_b) {
  constexpr unsigned elements = sizeof(std::uint32_t) / sizeof(A);
  std::int64_t sum = 0;
  for (unsigned i = 0; i < elements; ++i) {
    const auto x = static_cast<A>(a >> (8 * sizeof(A) * i));
    const auto y = static_cast<B>(b >> (8 * (first_b + i)));
    sum += std::int64_t{x} * std::int64_t{y};
  }
  return c + static_cast<std::uint32_t>(sum);
}

template <class A4, class B4, class A2>
void add_dot_products(std::vector<Row>& rows, const std::string& types) {
  using U = std::uint32_t;
  rows.push_back(row("dp4a" + types, [](U a, U b, U c) { return dot<A4, B4>(a, b, c, 0); }));
  rows.push_back(row("dp2a.lo" + types, [](U a, U b, U c) { return dot<A2, B4>(a, b, c, 0); }));
  rows.push_back(row("dp2a.hi" + types, [](U a, U b, U c) { return dot<A2, B4>(a, b, c, 2); }));
}

}  // namespace

std::vector<Row> integer_rows() {
  std::vector<Row> rows;
  add_basic<std::uint16_t>(rows);
  add_basic<std::int16_t>(rows);
  add_basic<std::uint32_t>(rows);
  add_basic<std::int32_t>(rows);
  add_basic<std::uint64_t>(rows);
  add_basic<std::int64_t>(rows);
  add_wide<std::uint16_t>(rows);
  add_wide<std::int16_t>(rows);
  add_wide<std::uint32_t>(rows);
  add_wide<std::int32_t>(rows);
  add_signed<std::int16_t>(rows);
  add_signed<std::int32_t>(rows);
  add_signed<std::int64_t>(rows);
  add_24_bit<std::uint32_t>(rows);
  add_24_bit<std::int32_t>(rows);
  using S = std::int32_t;
  rows.push_back(row("add.sat.s32", [](S a, S b) { return clamped(Wide{a} + Wide{b}); }));
  rows.push_back(row("sub.sat.s32", [](S a, S b) { return clamped(Wide{a} - Wide{b}); }));
  rows.push_back(
      row("mad.hi.sat.s32", [](S a, S b, S c) { return clamped(Wide{high_product(a, b)} + Wide{c}); }));
  add_dot_products<std::uint8_t, std::uint8_t, std::uint16_t>(rows, ".u32.u32");
  add_dot_products<std::uint8_t, std::int8_t, std::uint16_t>(rows, ".u32.s32");
  add_dot_products<std::int8_t, std::uint8_t, std::int16_t>(rows, ".s32.u32");
  add_dot_products<std::int8_t, std::int8_t, std::int16_t>(rows, ".s32.s32");
  return rows;
}

namespace {

using UnsignedWide = unsigned __int128;

template <class T>
constexpr UnsignedWide kRegister = UnsignedWide{1} << (sizeof(T) * 8);

/// A chain of two links whose second is `second`: the first produces a carry (or none) from random operands,
/// the second consumes it. Both results are checked; a third link shows the carry that the second wrote.
template <class T, class F>
void add_chain(std::vector<Row>& rows, const std::string& form, const std::string& body, F reference) {
  Row chain = row(form, body, reference);
  chain.immediates = false;
  rows.push_back(std::move(chain));
}

template <class T>
void add_sums(std::vector<Row>& rows, const std::string& t) {
  using Pair = std::pair<T, T>;
  const auto sum = [](T a, T b, T c, T d) {
    const UnsignedWide first = UnsignedWide{a} + b;
    return Pair{static_cast<T>(first),
                static_cast<T>(UnsignedWide{c} + d + (first >= kRegister<T> ? 1U : 0U))};
  };
  add_chain<T>(rows, "add.cc" + t, "$@add.cc" + t + " $d0, $s0, $s1; $@addc" + t + " $d1, $s2, $s3;", sum);
  add_chain<T>(rows, "addc" + t, "$@add.cc" + t + " $d0, $s0, $s1; $@addc" + t + " $d1, $s2, $s3;", sum);
  // The carry out of the middle of three links, made visible by adding it to zero.
  const auto carry = [](T a, T b, T c, T d) {
    const UnsignedWide first = UnsignedWide{a} + b;
    const UnsignedWide second = UnsignedWide{c} + d + (first >= kRegister<T> ? 1U : 0U);
    return Pair{static_cast<T>(second), static_cast<T>(second >= kRegister<T> ? 1 : 0)};
  };
  add_chain<T>(
      rows, "addc.cc" + t,
      "$@add.cc" + t + " $d0, $s0, $s1; $@addc.cc" + t + " $d0, $s2, $s3; $@addc" + t + " $d1, 0, 0;", carry);
}

template <class T>
void add_differences(std::vector<Row>& rows, const std::string& t) {
  using Pair = std::pair<T, T>;
  const auto difference = [](T a, T b, T c, T d) {
    return Pair{static_cast<T>(a - b), static_cast<T>(UnsignedWide{c} - d - (a < b ? 1U : 0U))};
  };
  add_chain<T>(rows, "sub.cc" + t, "$@sub.cc" + t + " $d0, $s0, $s1; $@subc" + t + " $d1, $s2, $s3;",
               difference);
  add_chain<T>(rows, "subc" + t, "$@sub.cc" + t + " $d0, $s0, $s1; $@subc" + t + " $d1, $s2, $s3;",
               difference);
  const auto borrow = [](T a, T b, T c, T d) {
    const UnsignedWide subtrahend = UnsignedWide{d} + (a < b ? 1U : 0U);
    return Pair{static_cast<T>(UnsignedWide{c} - subtrahend), static_cast<T>(c < subtrahend ? ~T{0} : T{0})};
  };
  add_chain<T>(
      rows, "subc.cc" + t,
      "$@sub.cc" + t + " $d0, $s0, $s1; $@subc.cc" + t + " $d0, $s2, $s3; $@subc" + t + " $d1, 0, 0;",
      borrow);
}

/// The half of the exact product that .lo or .hi names, as an unsigned number.
template <class T>
UnsignedWide half_product(T a, T b, bool high) {
  using Unsigned = std::make_unsigned_t<T>;
  return static_cast<Unsigned>(high ? high_product(a, b) : low_product(a, b));
}

template <class T>
void add_products(std::vector<Row>& rows, const std::string& t) {
  using U = std::make_unsigned_t<T>;
  using Pair = std::pair<U, U>;
  for (const bool high : {false, true}) {
    const std::string half = high ? ".hi" : ".lo";
    const auto carry_out = [high](T a, T b, U c) {
      const UnsignedWide sum = half_product(a, b, high) + c;
      return Pair{static_cast<U>(sum), static_cast<U>(sum >= kRegister<U> ? 1 : 0)};
    };
    add_chain<U>(rows, "mad" + half + ".cc" + t,
                 "$@mad" + half + ".cc" + t + " $d0, $s0, $s1, $s2; $@addc" + t + " $d1, 0, 0;", carry_out);
    // s3 + s2 sets the carry that goes in.
    const auto carry_in = [high](T a, T b, U c, U d) {
      const UnsignedWide in = UnsignedWide{c} + d >= kRegister<U> ? 1 : 0;
      const UnsignedWide sum = half_product(a, b, high) + c + in;
      return Pair{static_cast<U>(sum), static_cast<U>(sum >= kRegister<U> ? 1 : 0)};
    };
    add_chain<U>(rows, "madc" + half + ".cc" + t,
                 "$@add.cc" + t + " $d0, $s2, $s3; $@madc" + half + ".cc" + t +
                     " $d0, $s0, $s1, $s2; $@addc" + t + " $d1, 0, 0;",
                 carry_in);
    const auto no_carry_out = [high](T a, T b, U c, U d) {
      const UnsignedWide in = UnsignedWide{c} + d >= kRegister<U> ? 1 : 0;
      return static_cast<U>(half_product(a, b, high) + c + in);
    };
    add_chain<U>(rows, "madc" + half + t,
                 "$@add.cc" + t + " $d0, $s2, $s3; $@madc" + half + t + " $d0, $s0, $s1, $s2;", no_carry_out);
  }
}

}  // namespace

std::vector<Row> carry_rows() {
  std::vector<Row> rows;
  for (const std::string type : {".u32", ".s32"}) {
    add_sums<std::uint32_t>(rows, type);
    add_differences<std::uint32_t>(rows, type);
  }
  for (const std::string type : {".u64", ".s64"}) {
    add_sums<std::uint64_t>(rows, type);
    add_differences<std::uint64_t>(rows, type);
  }
  add_products<std::uint32_t>(rows, ".u32");
  add_products<std::int32_t>(rows, ".s32");
  add_products<std::uint64_t>(rows, ".u64");
  add_products<std::int64_t>(rows, ".s64");
  return rows;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
