// What a test row says about one PTX form: its operand types, what it must produce, and how exactly.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vgpu::software::test {

/// An IEEE binary16 number; C++20 has no type for it.
struct Half {
  std::uint16_t bits = 0;
};

/// Two binary16 numbers in one 32-bit register, the first in the low half.
struct HalfPair {
  std::uint32_t bits = 0;
};

/// A bfloat16 number: the upper half of a binary32 one.
struct Bfloat {
  std::uint16_t bits = 0;
};

/// Two bfloat16 numbers, the first in the low half.
struct BfloatPair {
  std::uint32_t bits = 0;
};

/// A shift count or bit position: 32 bits, but values near the operand widths are the interesting ones.
struct Shift {
  std::uint32_t value = 0;
};

enum class Type { pred, u8, s8, u16, s16, u32, s32, u64, s64, shift, f16, f16x2, bf16, bf16x2, f32, f64 };

[[nodiscard]] constexpr unsigned register_bits(Type type) {
  switch (type) {
    case Type::pred:
      return 1;
    case Type::u8:  // there are no 8-bit registers: an 8-bit operand is the low byte of a 16-bit one
    case Type::s8:
    case Type::u16:
    case Type::s16:
    case Type::f16:
    case Type::bf16:
      return 16;
    case Type::u32:
    case Type::s32:
    case Type::shift:
    case Type::f16x2:
    case Type::bf16x2:
    case Type::f32:
      return 32;
    case Type::u64:
    case Type::s64:
    case Type::f64:
      return 64;
  }
  return 0;
}

[[nodiscard]] constexpr std::uint64_t bits_mask(unsigned bits) {
  return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

template <class T>
constexpr Type type_of() {
  if constexpr (std::is_same_v<T, bool>) return Type::pred;
  if constexpr (std::is_same_v<T, std::uint8_t>) return Type::u8;
  if constexpr (std::is_same_v<T, std::int8_t>) return Type::s8;
  if constexpr (std::is_same_v<T, std::uint16_t>) return Type::u16;
  if constexpr (std::is_same_v<T, std::int16_t>) return Type::s16;
  if constexpr (std::is_same_v<T, std::uint32_t>) return Type::u32;
  if constexpr (std::is_same_v<T, std::int32_t>) return Type::s32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return Type::u64;
  if constexpr (std::is_same_v<T, std::int64_t>) return Type::s64;
  if constexpr (std::is_same_v<T, Shift>) return Type::shift;
  if constexpr (std::is_same_v<T, Half>) return Type::f16;
  if constexpr (std::is_same_v<T, HalfPair>) return Type::f16x2;
  if constexpr (std::is_same_v<T, Bfloat>) return Type::bf16;
  if constexpr (std::is_same_v<T, BfloatPair>) return Type::bf16x2;
  if constexpr (std::is_same_v<T, float>) return Type::f32;
  if constexpr (std::is_same_v<T, double>) return Type::f64;
}

/// The value of a register whose bits are `bits`; bits above the type's width are ignored.
template <class T>
T from_bits(std::uint64_t bits) {
  if constexpr (std::is_same_v<T, bool>) {
    return (bits & 1) != 0;
  } else {
    T value;
    std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
    return value;
  }
}

template <class T>
std::uint64_t to_bits(T value) {
  std::uint64_t bits = 0;
  if constexpr (std::is_same_v<T, bool>) {
    bits = value ? 1 : 0;
  } else {
    std::memcpy(&bits, &value, sizeof value);
  }
  return bits;
}

/// What one destination may hold afterwards.
struct Expected {
  enum class Kind {
    bits,      // these bits, or the alternative's
    number,    // the same, except that any NaN stands for any other NaN
    interval,  // a floating-point value in [low, high]
    nan,       // any NaN
    anything,  // the documentation leaves the value open
  };
  Kind kind = Kind::anything;
  std::uint64_t bits = 0;
  std::optional<std::uint64_t> alternative;
  long double low = 0;
  long double high = 0;
};

/// An Expected that knows the type of the destination, so that a row can be built from a reference's
/// signature.
template <class T>
struct Expect : Expected {};

template <class T>
Expect<T> exactly(T value) {
  return {{Expected::Kind::bits, to_bits(value), std::nullopt, 0, 0}};
}

template <class T>
Expect<T> number(T value) {
  return {{Expected::Kind::number, to_bits(value), std::nullopt, 0, 0}};
}

template <class T>
Expect<T> either(T value, T other) {
  return {{Expected::Kind::number, to_bits(value), to_bits(other), 0, 0}};
}

template <class T>
Expect<T> any_nan() {
  return {{Expected::Kind::nan, 0, std::nullopt, 0, 0}};
}

template <class T>
Expect<T> anything() {
  return {};
}

template <class T>
Expect<T> between(long double low, long double high) {
  return {{Expected::Kind::interval, 0, std::nullopt, low, high}};
}

/// The 32 lanes of a warp that execute an instruction together.
struct Warp {
  std::uint32_t active = 0;
  std::array<std::span<const std::uint64_t>, 32> operands;
  std::array<std::span<Expected>, 32> destinations;
};

/// One PTX form under test.
struct Row {
  /// `operands` are the sources' bits and then what the destinations hold before.
  using Reference =
      std::function<void(std::span<const std::uint64_t> operands, std::span<Expected> destinations)>;

  std::string form;  // as the documentation writes it: "add.s32"
  /// The instructions: $d0… are destinations, $s0… sources, and $@ stands where a guard predicate may be put.
  /// [%in+$offset] is sixteen bytes of global memory of the thread's own, $mask the lanes that execute.
  std::string body;
  std::vector<Type> destinations;
  std::vector<Type> sources;
  Reference reference;
  bool immediates = true;  // also run with constants in place of each source
  bool exhaustive = true;  // combine all edge values; forms that only copy bits need not
  /// How many low bits of each source count, where not all do. With 16 or less together, all their values are
  /// run.
  std::vector<unsigned> significant_bits;
  /// Instead of `reference`, for instructions in which the lanes of a warp see each other: called once per
  /// warp.
  using WarpReference = std::function<void(Warp& warp)>;
  WarpReference warp_reference;
  /// The instruction means something only when all lanes of a warp execute it: it is tried with all and with
  /// none.
  bool whole_warps = false;
  /// Values for the sources other than the generated ones: of one source in one lane, given random bits.
  std::function<std::uint64_t(std::size_t source, std::size_t warp, std::uint64_t random)> source_values;
  /// The last destination stands for memory, which holds this source's value before.
  std::optional<std::size_t> memory_source;
  std::string module_declarations;
  std::string kernel_declarations;  // and instructions to run before the variants
};

namespace detail {

template <class D>
struct Destination {
  using type = D;
  static Expected expect(D value) {
    if constexpr (std::is_same_v<D, float> || std::is_same_v<D, double> || std::is_same_v<D, Half> ||
                  std::is_same_v<D, HalfPair> || std::is_same_v<D, Bfloat> || std::is_same_v<D, BfloatPair>) {
      return number(value);
    } else {
      return exactly(value);
    }
  }
};

template <class D>
struct Destination<Expect<D>> {
  using type = D;
  static Expected expect(const Expect<D>& value) { return value; }
};

template <class D, class... S, std::size_t... I>
Row make_row(std::string form, std::function<D(S...)> function, std::index_sequence<I...>) {
  Row row;
  row.body = "$@" + form + " $d0";
  ((row.body += ", $s" + std::to_string(I)), ...);
  row.body += ";";
  row.form = std::move(form);
  row.destinations = {type_of<typename Destination<D>::type>()};
  row.sources = {type_of<S>()...};
  row.reference = [function = std::move(function)](std::span<const std::uint64_t> sources,
                                                   std::span<Expected> destinations) {
    destinations[0] = Destination<D>::expect(function(from_bits<S>(sources[I])...));
  };
  return row;
}

template <class D, class E, class... S, std::size_t... I>
Row make_row(std::string form, std::function<std::pair<D, E>(S...)> function, std::index_sequence<I...>) {
  Row row;
  row.form = std::move(form);
  row.destinations = {type_of<typename Destination<D>::type>(), type_of<typename Destination<E>::type>()};
  row.sources = {type_of<S>()...};
  row.reference = [function = std::move(function)](std::span<const std::uint64_t> sources,
                                                   std::span<Expected> destinations) {
    auto [first, second] = function(from_bits<S>(sources[I])...);
    destinations[0] = Destination<D>::expect(first);
    destinations[1] = Destination<E>::expect(second);
  };
  return row;
}

template <class D, class... S>
Row make_row(std::string form, std::function<D(S...)> function) {
  return make_row(std::move(form), std::move(function), std::index_sequence_for<S...>{});
}

}  // namespace detail

/// The row of "form d, a, b, …" whose types are those of `reference`'s signature.
template <class F>
Row row(std::string form, F reference) {
  return detail::make_row(std::move(form), std::function(std::move(reference)));
}

/// The same with the instructions spelt out, for forms whose operands are not simply "d, a, b, …".
template <class F>
Row row(std::string form, std::string body, F reference) {
  Row result = detail::make_row(std::move(form), std::function(std::move(reference)));
  result.body = std::move(body);
  return result;
}

}  // namespace vgpu::software::test
