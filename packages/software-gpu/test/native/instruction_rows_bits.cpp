// Logic and shifts (PTX ISA 9.0, 9.7.8), bit fields (9.7.1), byte permutation and moves (9.7.9), video
// (9.7.16).
#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "instruction_coverage.h"
#include "instruction_types.h"

namespace vgpu::software::test {

namespace {

using U32 = std::uint32_t;
using U64 = std::uint64_t;

template <class T>
constexpr unsigned kBits = sizeof(T) * 8;

template <class T>
std::string sized(std::string_view prefix) {
  return std::string(prefix) + std::to_string(kBits<T>);
}

/// Bit i of `value`, by the definition and not by tricks: this file is the reference.
template <class T>
bool bit(T value, unsigned i) {
  return ((value >> i) & 1) != 0;
}

template <class T, class F>
T from_each_bit(F bit_at) {
  T result = 0;
  for (unsigned i = 0; i < kBits<T>; ++i) result |= static_cast<T>(static_cast<T>(bit_at(i) ? 1 : 0) << i);
  return result;
}

template <class T>
void add_logic(std::vector<Row>& rows) {
  const std::string t = sized<T>(".b");
  rows.push_back(row("and" + t, [](T a, T b) { return static_cast<T>(a & b); }));
  rows.push_back(row("or" + t, [](T a, T b) { return static_cast<T>(a | b); }));
  rows.push_back(row("xor" + t, [](T a, T b) { return static_cast<T>(a ^ b); }));
  rows.push_back(row("not" + t, [](T a) { return static_cast<T>(~a); }));
  rows.push_back(row("cnot" + t, [](T a) { return static_cast<T>(a == 0 ? 1 : 0); }));
}

void add_predicate_logic(std::vector<Row>& rows) {
  rows.push_back(row("and.pred", [](bool a, bool b) { return a && b; }));
  rows.push_back(row("or.pred", [](bool a, bool b) { return a || b; }));
  rows.push_back(row("xor.pred", [](bool a, bool b) { return a != b; }));
  rows.push_back(row("not.pred", [](bool a) { return !a; }));
}

/// Counts beyond the width act as the width: everything is shifted out.
template <class U, class S>
void add_shifts(std::vector<Row>& rows) {
  const auto left = [](U a, Shift n) {
    return from_each_bit<U>([&](unsigned i) { return i >= n.value && bit(a, i - n.value); });
  };
  const auto right = [](U a, Shift n) {
    return from_each_bit<U>([&](unsigned i) { return n.value < kBits<U> - i && bit(a, i + n.value); });
  };
  const auto right_signed = [](S a, Shift n) {
    const U filled = from_each_bit<U>(
        [&](unsigned i) { return n.value < kBits<U> - i ? bit(static_cast<U>(a), i + n.value) : a < 0; });
    return static_cast<S>(filled);
  };
  rows.push_back(row(sized<U>("shl.b"), left));
  rows.push_back(row(sized<U>("shr.b"), right));
  rows.push_back(row(sized<U>("shr.u"), right));
  rows.push_back(row(sized<U>("shr.s"), right_signed));
}

void add_funnel_shifts(std::vector<Row>& rows) {
  for (const bool wraps : {false, true}) {
    const std::string mode = wraps ? ".wrap.b32" : ".clamp.b32";
    const auto count = [wraps](Shift n) { return wraps ? n.value & 31 : std::min(n.value, 32U); };
    const auto both = [](U32 low, U32 high) { return U64{high} << 32 | low; };
    rows.push_back(row("shf.l" + mode, [=](U32 a, U32 b, Shift n) {
      return static_cast<U32>((both(a, b) << count(n)) >> 32);
    }));
    rows.push_back(
        row("shf.r" + mode, [=](U32 a, U32 b, Shift n) { return static_cast<U32>(both(a, b) >> count(n)); }));
  }
}

U32 table_lookup(unsigned table, U32 a, U32 b, U32 c) {
  return from_each_bit<U32>([&](unsigned i) {
    const unsigned index = (bit(a, i) ? 4U : 0U) | (bit(b, i) ? 2U : 0U) | (bit(c, i) ? 1U : 0U);
    return bit(table, index);
  });
}

void add_three_input_logic(std::vector<Row>& rows) {
  for (const unsigned table : {0x96U, 0xe8U, 0x2aU}) {
    rows.push_back(row("lop3.b32", "$@lop3.b32 $d0, $s0, $s1, $s2, " + std::to_string(table) + ";",
                       [table](U32 a, U32 b, U32 c) { return table_lookup(table, a, b, c); }));
  }
  // All 256 tables, eight to a kernel to save time.
  constexpr unsigned kTables = 8;
  for (unsigned first = 0; first < 256; first += kTables) {
    Row each;
    each.form = "lop3.b32";
    each.sources = {Type::u32, Type::u32, Type::u32};
    each.destinations.assign(kTables, Type::u32);
    each.immediates = false;
    for (unsigned i = 0; i < kTables; ++i) {
      each.body +=
          "$@lop3.b32 $d" + std::to_string(i) + ", $s0, $s1, $s2, " + std::to_string(first + i) + "; ";
    }
    each.reference = [first](std::span<const U64> sources, std::span<Expected> destinations) {
      for (unsigned i = 0; i < kTables; ++i) {
        destinations[i] = exactly(table_lookup(first + i, static_cast<U32>(sources[0]),
                                               static_cast<U32>(sources[1]), static_cast<U32>(sources[2])));
      }
    };
    rows.push_back(std::move(each));
  }
}

template <class U, class S>
void add_bit_fields(std::vector<Row>& rows) {
  // Start and length are limited to their low eight bits.
  const auto extract = [](U a, U start, U count, bool is_signed) {
    const unsigned position = start & 255;
    const unsigned length = count & 255;
    const bool sign = is_signed && length != 0 && bit(a, std::min(position + length - 1, kBits<U> - 1));
    return from_each_bit<U>(
        [&](unsigned i) { return i < length && position + i < kBits<U> ? bit(a, position + i) : sign; });
  };
  rows.push_back(row(sized<U>("bfe.u"),
                     [extract](U a, Shift b, Shift c) { return extract(a, b.value, c.value, false); }));
  rows.push_back(row(sized<U>("bfe.s"), [extract](S a, Shift b, Shift c) {
    return static_cast<S>(extract(static_cast<U>(a), b.value, c.value, true));
  }));
  rows.push_back(row(sized<U>("bfi.b"), [](U a, U b, Shift c, Shift d) {
    const unsigned position = c.value & 255;
    const unsigned length = d.value & 255;
    return from_each_bit<U>([&](unsigned i) {
      return i >= position && i - position < length ? bit(a, i - position) : bit(b, i);
    });
  }));
}

template <class U, class S>
void add_counts(std::vector<Row>& rows) {
  rows.push_back(row(sized<U>("popc.b"), [](U a) { return static_cast<U32>(std::popcount(a)); }));
  rows.push_back(row(sized<U>("clz.b"), [](U a) { return static_cast<U32>(std::countl_zero(a)); }));
  rows.push_back(row(sized<U>("brev.b"), [](U a) {
    return from_each_bit<U>([&](unsigned i) { return bit(a, kBits<U> - 1 - i); });
  }));
  for (const bool shift_amount : {false, true}) {
    const std::string form = shift_amount ? "bfind.shiftamt" : "bfind";
    const auto find = [shift_amount](U a) {
      if (a == 0) return ~U32{0};
      const U32 top = kBits<U> - 1 - static_cast<U32>(std::countl_zero(a));
      return shift_amount ? kBits<U> - 1 - top : top;
    };
    rows.push_back(row(form + sized<U>(".u"), find));
    rows.push_back(row(form + sized<U>(".s"), [find](S a) { return find(static_cast<U>(a < 0 ? ~a : a)); }));
  }
}

void add_masks(std::vector<Row>& rows) {
  rows.push_back(row("bmsk.clamp.b32", [](Shift a, Shift b) {
    return from_each_bit<U32>([&](unsigned i) { return i >= a.value && U64{i} < U64{a.value} + b.value; });
  }));
  rows.push_back(row("bmsk.wrap.b32", [](Shift a, Shift b) {
    const unsigned start = a.value & 31;
    return from_each_bit<U32>([&](unsigned i) { return i >= start && i < start + (b.value & 31); });
  }));
  for (const bool wraps : {false, true}) {
    const auto bits = [wraps](Shift n) { return wraps ? n.value & 31 : std::min(n.value, 32U); };
    const std::string mode = wraps ? "szext.wrap" : "szext.clamp";
    rows.push_back(row(mode + ".u32", [bits](U32 a, Shift n) {
      return from_each_bit<U32>([&](unsigned i) { return i < bits(n) && bit(a, i); });
    }));
    rows.push_back(row(mode + ".s32", [bits](std::int32_t a, Shift n) {
      const unsigned width = bits(n);
      const auto extended = from_each_bit<U32>(
          [&](unsigned i) { return width != 0 && bit(static_cast<U32>(a), std::min(i, width - 1)); });
      return static_cast<std::int32_t>(extended);
    }));
  }
}

U32 byte_of(U32 a, U32 b, unsigned index) {
  return static_cast<U32>((U64{b} << 32 | a) >> (8 * index)) & 255;
}

/// The byte numbers that a mode selects, most significant first, one row per value of the control's low two
/// bits.
using Selections = std::array<std::array<unsigned, 4>, 4>;

void add_permutations(std::vector<Row>& rows) {
  rows.push_back(row("prmt.b32", [](U32 a, U32 b, U32 c) {
    U32 result = 0;
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned control = (c >> (4 * i)) & 15;
      U32 value = byte_of(a, b, control & 7);
      if (control >= 8) value = bit(value, 7) ? 255 : 0;
      result |= value << (8 * i);
    }
    return result;
  }));
  const std::array<std::pair<const char*, Selections>, 6> modes = {{
      {"f4e", {{{3, 2, 1, 0}, {4, 3, 2, 1}, {5, 4, 3, 2}, {6, 5, 4, 3}}}},
      {"b4e", {{{5, 6, 7, 0}, {6, 7, 0, 1}, {7, 0, 1, 2}, {0, 1, 2, 3}}}},
      {"rc8", {{{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}}}},
      {"ecl", {{{3, 2, 1, 0}, {3, 2, 1, 1}, {3, 2, 2, 2}, {3, 3, 3, 3}}}},
      {"ecr", {{{0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 1, 0}, {3, 2, 1, 0}}}},
      {"rc16", {{{1, 0, 1, 0}, {3, 2, 3, 2}, {1, 0, 1, 0}, {3, 2, 3, 2}}}},
  }};
  for (const auto& [name, selections] : modes) {
    rows.push_back(row(std::string("prmt.b32.") + name, [selections = selections](U32 a, U32 b, U32 c) {
      U32 result = 0;
      for (const unsigned index : selections[c & 3]) result = result << 8 | byte_of(a, b, index);
      return result;
    }));
  }
}

}  // namespace

std::vector<Row> bit_rows() {
  std::vector<Row> rows;
  add_logic<std::uint16_t>(rows);
  add_logic<U32>(rows);
  add_logic<U64>(rows);
  add_predicate_logic(rows);
  add_shifts<std::uint16_t, std::int16_t>(rows);
  add_shifts<U32, std::int32_t>(rows);
  add_shifts<U64, std::int64_t>(rows);
  add_funnel_shifts(rows);
  add_three_input_logic(rows);
  add_bit_fields<U32, std::int32_t>(rows);
  add_bit_fields<U64, std::int64_t>(rows);
  add_counts<U32, std::int32_t>(rows);
  add_counts<U64, std::int64_t>(rows);
  add_masks(rows);
  add_permutations(rows);
  return rows;
}

namespace {

template <class T>
Row copy(const std::string& form) {
  // A move keeps every bit, those of NaNs as well.
  return row(form, [](T a) { return exactly(a); });
}

/// Constants as the source of a move, in the notations that PTX has for them.
template <class T>
Row constant(const std::string& form, const std::string& text, T value) {
  Row result =
      row(form, "$@" + form + " $d0, " + text + ";", [value](bool /*unused*/) { return exactly(value); });
  return result;
}

}  // namespace

std::vector<Row> move_rows() {
  std::vector<Row> rows = {
      copy<bool>("mov.pred"),
      copy<std::uint16_t>("mov.b16"),
      copy<std::uint16_t>("mov.u16"),
      copy<std::int16_t>("mov.s16"),
      copy<U32>("mov.b32"),
      copy<U32>("mov.u32"),
      copy<std::int32_t>("mov.s32"),
      copy<float>("mov.f32"),
      copy<U64>("mov.b64"),
      copy<U64>("mov.u64"),
      copy<std::int64_t>("mov.s64"),
      copy<double>("mov.f64"),
      constant<U32>("mov.u32", "4294967295", 0xffffffff),
      constant<U32>("mov.b32", "-2", 0xfffffffe),
      constant<U32>("mov.u32", "0x7fU", 0x7f),
      constant<U32>("mov.u32", "0b1011", 11),
      constant<U32>("mov.u32", "017", 15),
      constant<std::int32_t>("mov.s32", "(1 << 4) + 3 * 2", 22),
      constant<std::uint16_t>("mov.u16", "-1", 0xffff),
      constant<std::int64_t>("mov.s64", "-9223372036854775808", std::numeric_limits<std::int64_t>::min()),
      constant<U64>("mov.u64", "0xFEDCBA9876543210", 0xfedcba9876543210),
      constant<float>("mov.f32", "0f7FC00001", from_bits<float>(0x7fc00001)),
      constant<float>("mov.f32", "1.5", 1.5F),
      constant<double>("mov.f64", "0d7FF0000000000000", from_bits<double>(0x7ff0000000000000)),
      constant<double>("mov.f64", "-2.5e-3", -2.5e-3),
      constant<bool>("mov.pred", "1", true),
      constant<bool>("mov.pred", "0", false),
  };
  using U16 = std::uint16_t;
  rows.push_back(row("mov.b32", "$@mov.b32 $d0, {$s0, $s1};",
                     [](U16 a, U16 b) { return static_cast<U32>(U32{b} << 16 | a); }));
  rows.push_back(row("mov.b64", "$@mov.b64 $d0, {$s0, $s1};", [](U32 a, U32 b) { return U64{b} << 32 | a; }));
  rows.push_back(row("mov.b64", "$@mov.b64 $d0, {$s0, $s1, $s2, $s3};", [](U16 a, U16 b, U16 c, U16 d) {
    return U64{d} << 48 | U64{c} << 32 | U64{b} << 16 | a;
  }));
  rows.push_back(row("mov.b32", "$@mov.b32 {$d0, $d1}, $s0;", [](U32 a) {
    return std::pair{static_cast<U16>(a), static_cast<U16>(a >> 16)};
  }));
  rows.push_back(row("mov.b64", "$@mov.b64 {$d0, $d1}, $s0;", [](U64 a) {
    return std::pair{static_cast<U32>(a), static_cast<U32>(a >> 32)};
  }));
  // The sink symbol leaves an element out.
  rows.push_back(row("mov.b64", "$@mov.b64 {_, $d0}, $s0;", [](U64 a) { return static_cast<U32>(a >> 32); }));
  rows.push_back(row("mov.b64", "$@mov.b64 {$d0, _}, $s0;", [](U64 a) { return static_cast<U32>(a); }));
  for (Row& each : rows) each.immediates = false;
  return rows;
}

namespace {

/// The absolute differences of the elements of a and b: `bits` wide, signed or not.
template <class Element>
U32 differences(U32 a, U32 b, U32 c, bool accumulate) {
  constexpr unsigned elements = sizeof(U32) / sizeof(Element);
  U32 sum = c;
  U32 merged = 0;
  for (unsigned i = 0; i < elements; ++i) {
    // NOLINTBEGIN(bugprone-signed-char-misuse): extending the sign is what the signed types ask for
    const int x = static_cast<Element>(a >> (kBits<Element> * i));
    const int y = static_cast<Element>(b >> (kBits<Element> * i));
    // NOLINTEND(bugprone-signed-char-misuse)
    const auto difference = static_cast<U32>(x < y ? y - x : x - y);
    sum += difference;
    merged |= (difference & static_cast<U32>(bits_mask(kBits<Element>))) << (kBits<Element> * i);
  }
  return accumulate ? sum : merged;
}

}  // namespace

std::vector<Row> video_rows() {
  // With all elements selected, which is the default, the merge operand does not show in the result.
  std::vector<Row> rows = {
      row("vabsdiff4.u32.u32.u32",
          [](U32 a, U32 b, U32 c) { return differences<std::uint8_t>(a, b, c, false); }),
      row("vabsdiff4.u32.u32.u32.add",
          [](U32 a, U32 b, U32 c) { return differences<std::uint8_t>(a, b, c, true); }),
      row("vabsdiff4.u32.s32.s32.add",
          [](U32 a, U32 b, U32 c) { return differences<std::int8_t>(a, b, c, true); }),
      row("vabsdiff2.u32.u32.u32",
          [](U32 a, U32 b, U32 c) { return differences<std::uint16_t>(a, b, c, false); }),
      row("vabsdiff2.u32.u32.u32.add",
          [](U32 a, U32 b, U32 c) { return differences<std::uint16_t>(a, b, c, true); }),
      row("vabsdiff2.u32.s32.s32.add",
          [](U32 a, U32 b, U32 c) { return differences<std::int16_t>(a, b, c, true); }),
  };
  for (Row& each : rows) each.immediates = false;
  return rows;
}

}  // namespace vgpu::software::test
