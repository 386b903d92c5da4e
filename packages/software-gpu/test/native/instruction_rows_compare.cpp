// Comparison and selection (PTX ISA 9.0, 9.7.7).
#include <cmath>

#include "instruction_coverage.h"
#include "instruction_reference.h"
#include "instruction_types.h"

namespace vgpu::software::test {

namespace {

/// How two values relate; `unordered` when either is NaN.
enum class Order { less, equal, greater, unordered };

template <class T>
Order order(T a, T b) {
  if constexpr (std::is_same_v<T, Half>) {
    return order(widen(a), widen(b));
  } else {
    if (a < b) return Order::less;
    if (a > b) return Order::greater;
    return a == b ? Order::equal : Order::unordered;
  }
}

struct Comparison {
  std::string_view name;
  bool less, equal, greater, unordered;  // the result for each relation

  [[nodiscard]] bool operator()(Order order) const {
    switch (order) {
      case Order::less:
        return less;
      case Order::equal:
        return equal;
      case Order::greater:
        return greater;
      case Order::unordered:
        return unordered;
    }
    return false;
  }
};

constexpr std::array<Comparison, 6> kOrdered = {{{"eq", false, true, false, false},
                                                 {"ne", true, false, true, false},
                                                 {"lt", true, false, false, false},
                                                 {"le", true, true, false, false},
                                                 {"gt", false, false, true, false},
                                                 {"ge", false, true, true, false}}};
constexpr std::array<Comparison, 8> kUnordered = {{{"equ", false, true, false, true},
                                                   {"neu", true, false, true, true},
                                                   {"ltu", true, false, false, true},
                                                   {"leu", true, true, false, true},
                                                   {"gtu", false, false, true, true},
                                                   {"geu", false, true, true, true},
                                                   {"num", true, true, true, false},
                                                   {"nan", false, false, false, true}}};
constexpr std::array<Comparison, 4> kUnsigned = {{{"lo", true, false, false, false},
                                                  {"ls", true, true, false, false},
                                                  {"hi", false, false, true, false},
                                                  {"hs", false, true, true, false}}};

struct Combination {
  std::string_view name;
  bool (*apply)(bool, bool);
};
constexpr std::array<Combination, 3> kCombinations = {{
    {"and", [](bool t, bool c) { return t && c; }},
    {"or", [](bool t, bool c) { return t || c; }},
    {"xor", [](bool t, bool c) { return t != c; }},
}};

std::string dotted(std::string_view name) {
  return "." + std::string(name);
}

/// setp with one destination, with two, and combined with a predicate, negated and not.
template <class T>
void add_setp(std::vector<Row>& rows, const Comparison& comparison, const std::string& type, bool flushes,
              bool with_variants) {
  const auto compare = [comparison, flushes](T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      if (flushes) return comparison(order(flush(a), flush(b)));
    }
    return comparison(order(a, b));
  };
  const std::string form = "setp" + dotted(comparison.name) + (flushes ? ".ftz" : "") + type;
  rows.push_back(row(form, [compare](T a, T b) { return compare(a, b); }));
  if (!with_variants) return;
  constexpr bool kTwoDestinations = !std::is_same_v<T, Half>;
  if (kTwoDestinations) {
    rows.push_back(row(form, "$@" + form + " $d0|$d1, $s0, $s1;", [compare](T a, T b) {
      return std::pair{compare(a, b), !compare(a, b)};
    }));
  }
  for (const Combination& combination : kCombinations) {
    const std::string combined =
        "setp" + dotted(comparison.name) + dotted(combination.name) + (flushes ? ".ftz" : "") + type;
    if (kTwoDestinations) {
      const auto both = [compare, combination](T a, T b, bool c) {
        return std::pair{combination.apply(compare(a, b), c), combination.apply(!compare(a, b), c)};
      };
      rows.push_back(row(combined, "$@" + combined + " $d0|$d1, $s0, $s1, $s2;", both));
    }
    rows.push_back(
        row(combined, "$@" + combined + " $d0, $s0, $s1, !$s2;",
            [compare, combination](T a, T b, bool c) { return combination.apply(compare(a, b), !c); }));
  }
}

template <class T>
void add_integer_comparisons(std::vector<Row>& rows, const std::string& type) {
  for (const Comparison& comparison : kOrdered) {
    add_setp<T>(rows, comparison, type, false, comparison.name == "lt" || comparison.name == "eq");
  }
  if (!std::is_unsigned_v<T>) return;
  for (const Comparison& comparison : kUnsigned) add_setp<T>(rows, comparison, type, false, false);
}

template <class T>
void add_bit_comparisons(std::vector<Row>& rows, const std::string& type) {
  add_setp<T>(rows, kOrdered[0], type, false, false);
  add_setp<T>(rows, kOrdered[1], type, false, false);
}

template <class T>
void add_float_comparisons(std::vector<Row>& rows, const std::string& type, bool flushes) {
  for (const Comparison& comparison : kOrdered) {
    add_setp<T>(rows, comparison, type, flushes, comparison.name == "lt" || comparison.name == "ne");
  }
  for (const Comparison& comparison : kUnordered) {
    add_setp<T>(rows, comparison, type, flushes, comparison.name == "geu");
  }
}

/// set: 1.0 or all ones for true, zero for false.
template <class D, class S, class List>
void add_set(std::vector<Row>& rows, const List& comparisons, const std::string& types) {
  const auto value = [](bool holds) {
    if constexpr (std::is_same_v<D, float>) return exactly(holds ? 1.0F : 0.0F);
    if constexpr (std::is_same_v<D, Half>)
      return exactly(Half{static_cast<std::uint16_t>(holds ? 0x3c00 : 0)});
    if constexpr (std::is_integral_v<D>) return exactly(holds ? static_cast<D>(-1) : D{0});
  };
  for (const Comparison& comparison : comparisons) {
    const std::string form = "set" + dotted(comparison.name) + types;
    Row plain = row(form, [comparison, value](S a, S b) { return value(comparison(order(a, b))); });
    rows.push_back(std::move(plain));
  }
  for (const Combination& combination : kCombinations) {
    const Comparison& comparison = comparisons[2];
    const std::string form = "set" + dotted(comparison.name) + dotted(combination.name) + types;
    rows.push_back(row(form, [comparison, combination, value](S a, S b, bool c) {
      return value(combination.apply(comparison(order(a, b)), c));
    }));
  }
}

/// Two predicates, of the lower and of the upper halves.
void add_packed_half_setp(std::vector<Row>& rows) {
  const auto holds = [](const Comparison& comparison, HalfPair a, HalfPair b, unsigned shift) {
    const Half x{static_cast<std::uint16_t>(a.bits >> shift)};
    const Half y{static_cast<std::uint16_t>(b.bits >> shift)};
    return comparison(order(x, y));
  };
  for (const Comparison& comparison : {kOrdered[0], kOrdered[1], kOrdered[2], kOrdered[4], kUnordered[5]}) {
    const std::string form = "setp" + dotted(comparison.name) + ".f16x2";
    rows.push_back(row(form, "$@" + form + " $d0|$d1, $s0, $s1;", [=](HalfPair a, HalfPair b) {
      return std::pair{holds(comparison, a, b, 0), holds(comparison, a, b, 16)};
    }));
    for (const Combination& combination : kCombinations) {
      const std::string combined = "setp" + dotted(comparison.name) + dotted(combination.name) + ".f16x2";
      rows.push_back(
          row(combined, "$@" + combined + " $d0|$d1, $s0, $s1, $s2;", [=](HalfPair a, HalfPair b, bool c) {
            return std::pair{combination.apply(holds(comparison, a, b, 0), c),
                             combination.apply(holds(comparison, a, b, 16), c)};
          }));
      // The predicate that is combined with both results is the first destination.
      rows.push_back(row(combined, "$@mov.pred $d0, $s2; $@" + combined + " $d0|$d1, $s0, $s1, $d0;",
                         [=](HalfPair a, HalfPair b, bool c) {
                           return std::pair{combination.apply(holds(comparison, a, b, 0), c),
                                            combination.apply(holds(comparison, a, b, 16), c)};
                         }));
    }
  }
}

void add_packed_half_set(std::vector<Row>& rows) {
  for (const Comparison& comparison : kOrdered) {
    const std::string form = "set" + dotted(comparison.name) + ".f16x2.f16x2";
    Row packed = row(form, [comparison](HalfPair a, HalfPair b) {
      std::uint32_t bits = 0;
      for (const unsigned shift : {0U, 16U}) {
        const Half x{static_cast<std::uint16_t>(a.bits >> shift)};
        const Half y{static_cast<std::uint16_t>(b.bits >> shift)};
        if (comparison(order(x, y))) bits |= 0x3c00U << shift;
      }
      return exactly(HalfPair{bits});
    });
    rows.push_back(std::move(packed));
  }
}

}  // namespace

std::vector<Row> compare_rows() {
  std::vector<Row> rows;
  add_integer_comparisons<std::uint16_t>(rows, ".u16");
  add_integer_comparisons<std::int16_t>(rows, ".s16");
  add_integer_comparisons<std::uint32_t>(rows, ".u32");
  add_integer_comparisons<std::int32_t>(rows, ".s32");
  add_integer_comparisons<std::uint64_t>(rows, ".u64");
  add_integer_comparisons<std::int64_t>(rows, ".s64");
  add_bit_comparisons<std::uint16_t>(rows, ".b16");
  add_bit_comparisons<std::uint32_t>(rows, ".b32");
  add_bit_comparisons<std::uint64_t>(rows, ".b64");
  add_float_comparisons<float>(rows, ".f32", false);
  add_float_comparisons<float>(rows, ".f32", true);
  add_float_comparisons<double>(rows, ".f64", false);
  add_float_comparisons<Half>(rows, ".f16", false);
  add_set<std::uint32_t, std::int32_t>(rows, kOrdered, ".u32.s32");
  add_set<std::int32_t, std::uint32_t>(rows, kOrdered, ".s32.u32");
  add_set<std::uint32_t, float>(rows, kOrdered, ".u32.f32");
  add_set<float, float>(rows, kOrdered, ".f32.f32");
  add_set<float, float>(rows, kUnordered, ".f32.f32");
  add_set<float, double>(rows, kUnordered, ".f32.f64");
  add_set<float, std::uint64_t>(rows, kUnsigned, ".f32.u64");
  add_set<std::uint32_t, std::int16_t>(rows, kOrdered, ".u32.s16");
  add_set<Half, Half>(rows, kOrdered, ".f16.f16");
  add_packed_half_setp(rows);
  add_packed_half_set(rows);
  return rows;
}

namespace {

template <class T>
void add_selp(std::vector<Row>& rows, const std::string& type) {
  rows.push_back(row("selp" + type, [](T a, T b, bool c) { return exactly(c ? a : b); }));
}

template <class T>
void add_slct(std::vector<Row>& rows, const std::string& type) {
  rows.push_back(
      row("slct" + type + ".s32", [](T a, T b, std::int32_t c) { return exactly(c >= 0 ? a : b); }));
  // A NaN is not >= 0, and -0 is.
  rows.push_back(row("slct" + type + ".f32", [](T a, T b, float c) { return exactly(c >= 0 ? a : b); }));
  rows.push_back(
      row("slct.ftz" + type + ".f32", [](T a, T b, float c) { return exactly(flush(c) >= 0 ? a : b); }));
}

template <class T>
void add_testp(std::vector<Row>& rows, const std::string& type) {
  rows.push_back(row("testp.finite" + type, [](T a) { return std::isfinite(a); }));
  rows.push_back(row("testp.infinite" + type, [](T a) { return std::isinf(a); }));
  rows.push_back(row("testp.number" + type, [](T a) { return !is_nan(a); }));
  rows.push_back(row("testp.notanumber" + type, [](T a) { return is_nan(a); }));
  // Zeros count as normal here.
  rows.push_back(row("testp.normal" + type, [](T a) { return std::isfinite(a) && !is_subnormal(a); }));
  rows.push_back(row("testp.subnormal" + type, [](T a) { return is_subnormal(a); }));
}

}  // namespace

std::vector<Row> select_rows() {
  std::vector<Row> rows;
  for (const std::string type : {".b16", ".u16", ".s16"}) add_selp<std::uint16_t>(rows, type);
  for (const std::string type : {".b32", ".u32", ".s32"}) add_selp<std::uint32_t>(rows, type);
  for (const std::string type : {".b64", ".u64", ".s64"}) add_selp<std::uint64_t>(rows, type);
  add_selp<float>(rows, ".f32");
  add_selp<double>(rows, ".f64");
  add_slct<std::uint16_t>(rows, ".b16");
  add_slct<std::uint32_t>(rows, ".u32");
  add_slct<std::uint64_t>(rows, ".s64");
  add_slct<double>(rows, ".f64");
  add_testp<float>(rows, ".f32");
  add_testp<double>(rows, ".f64");
  return rows;
}

}  // namespace vgpu::software::test
