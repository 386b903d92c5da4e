// cvt between any two types, and arithmetic with a rounding mode: one lane at a time, under the processor's
// own rounding mode. Compiled with -frounding-math, so that the compiler moves nothing across the change of
// mode and folds no constants.
#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstring>

#include "execution/block.h"
#include "execution/control.h"
#include "ptx/syntax.h"

#define VGPU_VECTOR_PATH rounding
#include "execution/lane_math.h"

namespace vgpu::software {
namespace {

using ptx::ScalarType;
using rounding::canonical;
using rounding::flush;
using rounding::saturate;
using rounding::square_root;

// The library's function obeys the rounding mode, which lane_math.h's own does not have to.
f32 fused(f32 a, f32 b, f32 c) {
  return std::fma(a, b, c);
}
f64 fused(f64 a, f64 b, f64 c) {
  return std::fma(a, b, c);
}

class RoundingScope {
 public:
  explicit RoundingScope(std::uint16_t flags) : before_(std::fegetround()) {
    static constexpr int kModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    std::fesetround(kModes[flags & rounding_flag::mode_mask]);
  }
  ~RoundingScope() { std::fesetround(before_); }
  RoundingScope(const RoundingScope&) = delete;
  RoundingScope& operator=(const RoundingScope&) = delete;

 private:
  int before_;
};

template <class T>
T finish(T value, std::uint16_t flags) {
  if ((flags & rounding_flag::flush) != 0) value = flush(value);
  if ((flags & rounding_flag::saturate) != 0) return saturate(value);
  return canonical(value);
}

// --- Arithmetic
// ---------------------------------------------------------------------------------------------

#define UNARY(...)
#define BINARY(...)
#define TERNARY(...)
#define QUATERNARY(...)
#define COMPARE(...)
#define PREDICATE(...)
#define CARRY(...)
#define ROUNDED(id, forms, T, sources, ...)                                            \
  const Instruction* run_##id(const Instruction* in, Warp* warp) {                     \
    const RoundingScope scope(in->flags);                                              \
    const bool flushing = (in->flags & rounding_flag::flush) != 0;                     \
    const auto operand = [&](std::uint32_t offset, std::uint32_t lane) {               \
      const T value = frame_row<const T>(warp, offset)[lane];                          \
      return flushing ? flush(value) : value;                                          \
    };                                                                                 \
    for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1) {         \
      const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));              \
      const T a = operand(in->a, lane);                                                \
      [[maybe_unused]] const T b = operand((sources) >= 2 ? in->b : in->a, lane);      \
      [[maybe_unused]] const T c = operand((sources) >= 3 ? in->c : in->a, lane);      \
      frame_row<T>(warp, in->destination)[lane] = finish<T>((__VA_ARGS__), in->flags); \
    }                                                                                  \
    return in + 1;                                                                     \
  }
#define CONVERT(...)
#define VECTOR(...)
#define CONTROL(...)
#include "execution/operations.def"

// --- Conversion
// ---------------------------------------------------------------------------------------------

bool is_float(ScalarType type) {
  return type == ScalarType::f16 || type == ScalarType::bf16 || type == ScalarType::f32 ||
         type == ScalarType::f64;
}

bool is_signed(ScalarType type) {
  return type == ScalarType::s8 || type == ScalarType::s16 || type == ScalarType::s32 ||
         type == ScalarType::s64;
}

/// The low `bytes` of `bits`, extended to 64 bits.
std::uint64_t extend(std::uint64_t bits, std::size_t bytes, bool with_sign) {
  const auto unused = static_cast<unsigned>(64 - 8 * bytes);
  if (with_sign) return static_cast<std::uint64_t>(static_cast<std::int64_t>(bits << unused) >> unused);
  return bits << unused >> unused;
}

/// Exact, and therefore good enough for every float type.
f64 float_value(std::uint64_t bits, ScalarType type, bool flushing) {
  if (type == ScalarType::f64) return rounding::f64_of(bits);
  if (type == ScalarType::f16) return rounding::widen(f16{static_cast<u16>(bits)});
  if (type == ScalarType::bf16) return rounding::widen(bf16{static_cast<u16>(bits)});
  const f32 value = rounding::f32_of(static_cast<u32>(bits));
  return flushing ? flush(value) : value;
}

/// A format of 16 bits.
struct SmallFormat {
  int fraction_bits;
  int bias;
};
constexpr SmallFormat kHalf{10, 15};
constexpr SmallFormat kBrain{7, 127};

/// Under the current rounding mode. Numbers below the least normal one have the unit of that; scaling by the
/// unit and rounding to an integer is exact but for that one rounding.
u16 small_bits(f64 value, SmallFormat format) {
  const auto [fraction_bits, bias] = format;
  const u16 sign = std::signbit(value) ? 0x8000 : 0;
  const auto infinity = static_cast<u16>((2 * bias + 1) << fraction_bits);
  if (value != value) return 0x7fff;
  if (value == 0) return sign;
  if (std::isinf(value)) return sign | infinity;
  const int exponent = std::max(std::ilogb(value), 1 - bias);
  const f64 rounded =
      std::ldexp(std::nearbyint(std::ldexp(value, fraction_bits - exponent)), exponent - fraction_bits);
  const f64 magnitude = std::fabs(rounded);
  if (magnitude >= std::ldexp(1.0, bias + 1)) {
    const int mode = std::fegetround();
    const bool away = mode == FE_TONEAREST || mode == (sign != 0 ? FE_DOWNWARD : FE_UPWARD);
    return static_cast<u16>(sign | (away ? infinity : infinity - 1));
  }
  if (magnitude < std::ldexp(1.0, 1 - bias)) {
    return sign | static_cast<u16>(std::ldexp(magnitude, bias - 1 + fraction_bits));
  }
  const int rounded_exponent = std::ilogb(magnitude);
  const f64 leading_one = std::ldexp(1.0, fraction_bits);
  const auto fraction =
      static_cast<u16>(std::ldexp(magnitude, fraction_bits - rounded_exponent) - leading_one);
  return static_cast<u16>(sign | (rounded_exponent + bias) << fraction_bits | fraction);
}

std::uint64_t float_bits(f64 value, ScalarType type, std::uint16_t flags) {
  if ((flags & rounding_flag::saturate) != 0) value = saturate(value);
  if (type == ScalarType::f64) return rounding::bits_of(canonical(value));
  if (type == ScalarType::f16) return small_bits(value, kHalf);
  if (type == ScalarType::bf16) return small_bits(value, kBrain);
  f32 narrowed = static_cast<f32>(value);
  if ((flags & rounding_flag::flush) != 0) narrowed = flush(narrowed);
  return rounding::bits_of(canonical(narrowed));
}

/// `value` is integral. Out of range goes to the nearest end. PTX: NaN becomes 0, but where f64 or 64-bit
/// integers take part, the number with only the highest bit set.
std::uint64_t integer_bits(f64 value, ScalarType from, ScalarType type) {
  const auto bits = static_cast<int>(8 * ptx::size_of(type));
  if (value != value) return from == ScalarType::f64 || bits == 64 ? std::uint64_t{1} << (bits - 1) : 0;
  if (is_signed(type)) {
    const f64 limit = std::ldexp(1.0, bits - 1);
    if (value >= limit) return (std::uint64_t{1} << (bits - 1)) - 1;
    if (value < -limit) return std::uint64_t{1} << (bits - 1);
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  }
  if (value >= std::ldexp(1.0, bits)) return ~std::uint64_t{0} >> (64 - bits);
  return value <= 0 ? 0 : static_cast<std::uint64_t>(value);
}

std::uint64_t clamp_integer(std::uint64_t value, ScalarType from, ScalarType to) {
  const auto bits = static_cast<int>(8 * ptx::size_of(to));
  const s128 wide = is_signed(from) ? s128{static_cast<std::int64_t>(value)} : s128{value};
  const s128 highest = (s128{1} << (is_signed(to) ? bits - 1 : bits)) - 1;
  const s128 lowest = is_signed(to) ? -(s128{1} << (bits - 1)) : s128{0};
  return static_cast<std::uint64_t>(wide > highest ? highest : (wide < lowest ? lowest : wide));
}

std::uint64_t convert(std::uint64_t bits, ScalarType from, ScalarType to, std::uint16_t flags) {
  if (is_float(from)) {
    f64 value = float_value(bits, from, (flags & rounding_flag::flush) != 0);
    if ((flags & rounding_flag::to_integer) != 0 || !is_float(to)) value = std::nearbyint(value);
    return is_float(to) ? float_bits(value, to, flags) : integer_bits(value, from, to);
  }
  const std::uint64_t value = extend(bits, ptx::size_of(from), is_signed(from));
  if (!is_float(to)) return (flags & rounding_flag::saturate) != 0 ? clamp_integer(value, from, to) : value;
  const auto rounded = [&](auto zero) {
    using T = decltype(zero);
    const T result =
        is_signed(from) ? static_cast<T>(static_cast<std::int64_t>(value)) : static_cast<T>(value);
    return (flags & rounding_flag::saturate) != 0 ? saturate(result) : result;
  };
  if (to == ScalarType::f64) return rounding::bits_of(rounded(f64{}));
  if (to == ScalarType::f32) return rounding::bits_of(rounded(f32{}));
  // Through f64, which holds 53 bits and then a last one that says whether anything is missing.
  const bool negative = is_signed(from) && static_cast<std::int64_t>(value) < 0;
  const std::uint64_t magnitude = negative ? 0 - value : value;
  const bool fits = magnitude >> 53 == 0;
  const std::uint64_t digits = fits ? magnitude : (magnitude >> 11 | ((magnitude & 0x7ff) != 0 ? 1 : 0));
  const f64 wide = std::ldexp(static_cast<f64>(digits), fits ? 0 : 11);
  const f64 number = negative ? -wide : wide;
  return small_bits((flags & rounding_flag::saturate) != 0 ? saturate(number) : number,
                    to == ScalarType::f16 ? kHalf : kBrain);
}

const Instruction* run_convert(const Instruction* in, Warp* warp) {
  Conversion conversion;
  std::memcpy(&conversion, &in->immediate, sizeof conversion);
  const auto from = static_cast<ScalarType>(conversion.from);
  const auto to = static_cast<ScalarType>(conversion.to);
  const RoundingScope scope(in->flags);
  for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    std::uint64_t bits = 0;
    std::memcpy(&bits, warp->frame + in->a + std::size_t{lane} * conversion.register_from,
                conversion.register_from);
    std::uint64_t result = convert(bits, from, to, in->flags);
    // A result narrower than its register is extended by its own sign.
    if (!is_float(to)) result = extend(result, ptx::size_of(to), is_signed(to));
    std::memcpy(warp->frame + in->destination + std::size_t{lane} * conversion.register_to, &result,
                conversion.register_to);
  }
  return in + 1;
}

}  // namespace

void add_conversion_handlers(Handler* table) {
  table[static_cast<std::uint16_t>(Operation::cvt_any)] = run_convert;
#define UNARY(...)
#define BINARY(...)
#define TERNARY(...)
#define QUATERNARY(...)
#define COMPARE(...)
#define PREDICATE(...)
#define CARRY(...)
#define ROUNDED(id, ...) table[static_cast<std::uint16_t>(Operation::id)] = run_##id;
#define CONVERT(...)
#define VECTOR(...)
#define CONTROL(...)
#include "execution/operations.def"
}

}  // namespace vgpu::software
