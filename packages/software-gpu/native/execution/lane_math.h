// What the rows of operations.def call for one lane. Everything is branch-free where it is hot, so that the
// compiler can turn 32 lanes into vectors.
//
// This header is compiled once for each vector path with other instruction sets allowed. Every function is
// therefore in the path's own namespace (VGPU_VECTOR_PATH): a shared inline function would exist in several
// versions, and the linker could pick one that this processor cannot run.
#pragma once

#include <type_traits>

#include "execution/lane_types.h"

namespace vgpu::software::VGPU_VECTOR_PATH {

// --- Bits of floating-point values
// --------------------------------------------------------------------------

inline u32 bits_of(f32 value) {
  return __builtin_bit_cast(u32, value);
}
inline u64 bits_of(f64 value) {
  return __builtin_bit_cast(u64, value);
}
inline f32 f32_of(u32 bits) {
  return __builtin_bit_cast(f32, bits);
}
inline f64 f64_of(u64 bits) {
  return __builtin_bit_cast(f64, bits);
}

inline f32 canonical(f32 value) {
  return value != value ? f32_of(0x7fffffff) : value;
}
inline f64 canonical(f64 value) {
  return value != value ? f64_of(0xfff8'0000'0000'0000) : value;
}

/// Subnormals become a zero of the same sign.
inline f32 flush(f32 value) {
  const u32 bits = bits_of(value);
  return f32_of((bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits);
}
inline f64 flush(f64 value) {
  const u64 bits = bits_of(value);
  return f64_of((bits & 0x7ff0'0000'0000'0000) == 0 ? bits & 0x8000'0000'0000'0000 : bits);
}
inline f64 upper_half(f64 value) {
  return f64_of(bits_of(value) & 0xffff'ffff'0000'0000);
}

/// To [0, 1]; NaN becomes +0.
inline f32 saturate(f32 value) {
  return value > 0 ? (value < 1 ? value : 1.0F) : 0.0F;
}
inline f64 saturate(f64 value) {
  return value > 0 ? (value < 1 ? value : 1.0) : 0.0;
}

inline bool is_finite(f32 value) {
  return (bits_of(value) & 0x7f800000) != 0x7f800000;
}
inline bool is_finite(f64 value) {
  return (bits_of(value) & 0x7ff0'0000'0000'0000) != 0x7ff0'0000'0000'0000;
}
inline bool is_normal(f32 value) {
  return is_finite(value) && (bits_of(value) & 0x7f800000) != 0;
}
inline bool is_normal(f64 value) {
  return is_finite(value) && (bits_of(value) & 0x7ff0'0000'0000'0000) != 0;
}

// --- Floating-point arithmetic
// ------------------------------------------------------------------------------

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
inline f32 fused(f32 a, f32 b, f32 c) {
  return __builtin_fmaf(a, b, c);
}
#else
/// Without such an instruction: in f64 the product is exact, and the sum is rounded to odd, because an odd
/// last bit can never be mistaken for a tie when it is rounded to f32.
inline f32 fused(f32 a, f32 b, f32 c) {
  const f64 product = static_cast<f64>(a) * static_cast<f64>(b);
  const f64 sum = product + static_cast<f64>(c);
  const f64 part = sum - product;
  const f64 error = (product - (sum - part)) + (static_cast<f64>(c) - part);
  const u64 bits = bits_of(sum);
  // An even result has odd neighbours; take the one on the side of the exact sum. In plain arithmetic, since
  // the oldest vector instructions cannot compare 64-bit integers.
  const u64 step = 1 - 2 * ((bits ^ bits_of(error)) >> 63);
  const u64 if_even = step & ((bits & 1) - 1);
  const u64 change = error > 0 ? if_even : (error < 0 ? if_even : 0);
  return static_cast<f32>(f64_of(bits + change));
}
#endif
inline f64 fused(f64 a, f64 b, f64 c) {
  return __builtin_fma(a, b, c);
}
inline f32 square_root(f32 a) {
  return __builtin_sqrtf(a);
}
inline f64 square_root(f64 a) {
  return __builtin_sqrt(a);
}
/// The hardware multiplies by a reciprocal that has no subnormals: divisors above 2^126 give 0, or NaN for an
/// infinite dividend.
inline f32 approximate_quotient(f32 a, f32 b) {
  const f32 size = __builtin_fabsf(b);
  const bool huge = size > 0x1p126F && size < f32_of(0x7f800000);
  return huge ? a * __builtin_copysignf(0.0F, b) : a / b;
}

/// The number if the other is NaN; -0 is less than +0.
template <class T>
T minimum(T a, T b) {
  const T equal = __builtin_bit_cast(T, bits_of(a) | bits_of(b));  // only the sign can differ
  const T ordered = a < b ? a : (b < a ? b : equal);
  return a != a ? b : (b != b ? a : ordered);
}
template <class T>
T maximum(T a, T b) {
  const T equal = __builtin_bit_cast(T, bits_of(a) & bits_of(b));
  const T ordered = a > b ? a : (b > a ? b : equal);
  return a != a ? b : (b != b ? a : ordered);
}

inline f32 sine(f32 a) {
  return __builtin_sinf(a);
}
inline f32 cosine(f32 a) {
  return __builtin_cosf(a);
}
inline f32 logarithm(f32 a) {
  return __builtin_log2f(a);
}
inline f32 hyperbolic_tangent(f32 a) {
  return __builtin_tanhf(a);
}

/// 2^a to about 1 unit in the last place (PTX allows 2): 2^a = 2^i · e^(f ln 2) with |f| ≤ 1/2.
inline f32 power_of_two(f32 a) {
  const f32 clamped = a > 160.0F ? 160.0F : (a < -160.0F ? -160.0F : a);
  const f32 whole = __builtin_rintf(clamped);
  const f32 x = (clamped - whole) * 0.693147180559945F;
  f32 sum = 1.0F / 5040;
  sum = fused(sum, x, 1.0F / 720);
  sum = fused(sum, x, 1.0F / 120);
  sum = fused(sum, x, 1.0F / 24);
  sum = fused(sum, x, 1.0F / 6);
  sum = fused(sum, x, 0.5F);
  sum = fused(sum, x, 1.0F);
  sum = fused(sum, x, 1.0F);
  // Two factors, because the exponent of a subnormal or infinite result does not fit into one.
  const auto exponent = static_cast<s32>(whole);
  const s32 half = exponent >> 1;
  const f32 result = sum * f32_of(static_cast<u32>(half + 127) << 23) *
                     f32_of(static_cast<u32>(exponent - half + 127) << 23);
  return a != a ? a : result;
}

/// `value` is integral or NaN.
inline s32 float_to_s32(f32 value) {
  const bool inside = value >= -2147483648.0F && value < 2147483648.0F;
  const auto converted = static_cast<s32>(inside ? value : 0.0F);
  return inside ? converted : (value > 0 ? 0x7fffffff : (value < 0 ? -0x7fffffff - 1 : 0));
}
inline u32 float_to_u32(f32 value) {
  const bool inside = value >= 0 && value < 4294967296.0F;
  const auto converted = static_cast<u32>(static_cast<s64>(inside ? value : 0.0F));
  return inside ? converted : (value > 0 ? 0xffffffff : 0);
}

// --- f16
// ----------------------------------------------------------------------------------------------------

inline f32 widen(f16 half) {
  const u32 magnitude = half.bits & 0x7fffU;
  // The exponent moves by 112; a multiplication does that for subnormals too.
  const f32 scaled = f32_of(magnitude << 13) * f32_of((127 + 112) << 23);
  const u32 bits = magnitude >= 0x7c00 ? (magnitude << 13) | 0x7f800000 : bits_of(scaled);
  return f32_of(bits | (half.bits & 0x8000U) << 16);
}

inline f32 widen(bf16 value) {
  return f32_of(static_cast<u32>(value.bits) << 16);
}

/// Round to nearest even; NaN becomes 0x7fff.
inline f16 narrow(f32 value) {
  const u32 magnitude = bits_of(value) & 0x7fffffff;
  // Normal results: round at bit 13 by adding just under half a unit, plus the unit's own parity.
  const u32 rounded = (magnitude + 0xfff + ((magnitude >> 13) & 1) - (112U << 23)) >> 13;
  // Subnormal results: adding 1/2 makes the addition itself round at the unit of subnormal halves, 2^-24.
  const u32 subnormal = bits_of(f32_of(magnitude) + 0.5F) - bits_of(0.5F);
  u32 bits = magnitude < 0x38800000 ? subnormal : rounded;
  bits = magnitude >= 0x47800000 ? 0x7c00 : bits;
  bits = magnitude > 0x7f800000 ? 0x7fff : bits | ((bits_of(value) >> 16) & 0x8000);
  return f16{static_cast<u16>(bits)};
}

inline f32 flush_half(f32 value) {
  return __builtin_fabsf(value) < 0x1p-14F ? value * 0.0F : value;
}

/// a·b + c of widened halves, rounded to odd: rounding that to f16 gives the fused result, since an odd last
/// bit can never be mistaken for a tie.
inline f32 fused_odd(f32 a, f32 b, f32 c) {
  const f32 product = a * b;  // exact: 22 bits
  const f32 sum = product + c;
  const f32 part = sum - product;
  const f32 error = (product - (sum - part)) + (c - part);
  const u32 bits = bits_of(sum);
  // Towards the exact result: one step away from zero if the error has the sum's sign, else one towards it.
  const u32 step = ((bits ^ bits_of(error)) >> 31) != 0 ? bits - 1 : bits;
  const bool exact = error == 0 || !(__builtin_fabsf(sum) < f32_of(0x7f800000));
  return f32_of(exact ? bits : (step | 1));
}

inline f32 low(u32 pair) {
  return widen(f16{static_cast<u16>(pair)});
}
inline f32 high(u32 pair) {
  return widen(f16{static_cast<u16>(pair >> 16)});
}
inline u32 join(f16 low, f16 high) {
  return low.bits | static_cast<u32>(high.bits) << 16;
}

inline f16 narrow_saturated(f32 value) {
  return narrow(saturate(value));
}
/// .relu: what is negative, -0 included, becomes +0; NaN stays.
inline f32 positive(f32 value) {
  return value <= 0 ? 0.0F : value;
}
inline f16 narrow_positive(f32 value) {
  return narrow(positive(value));
}
inline f16 narrow_flushed(f32 value) {
  const f16 half = narrow(value);
  return f16{static_cast<u16>((half.bits & 0x7c00) == 0 ? half.bits & 0x8000 : half.bits)};
}

/// Towards zero.
inline f16 narrow_to_zero(f32 value) {
  const f16 nearest = narrow(value);
  const bool beyond = __builtin_fabsf(widen(nearest)) > __builtin_fabsf(value);
  return f16{static_cast<u16>(beyond ? nearest.bits - 1 : nearest.bits)};
}

// --- bf16 and tf32
// ---------------------------------------------------------------------------------------------

/// Round to nearest even; NaN becomes 0x7fff.
inline bf16 narrow_bf16(f32 value) {
  const u32 bits = bits_of(value);
  return bf16{static_cast<u16>(value != value ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
/// Towards zero.
inline bf16 cut_bf16(f32 value) {
  return bf16{static_cast<u16>(value != value ? 0x7fff : bits_of(value) >> 16)};
}
/// Ten bits of fraction; `addend` makes the carry that rounds.
inline u32 round_tf32(f32 value, u32 addend) {
  const bool is_number = __builtin_fabsf(value) < f32_of(0x7f800000);
  return value != value ? 0x7fffffff : (bits_of(value) + (is_number ? addend : 0)) & 0xffffe000;
}

/// a·b + c of widened bf16, rounded to odd: rounding that to bf16 gives the fused result, since an odd last
/// bit can never be mistaken for a tie. In f64 the product is exact and nothing overflows.
inline f32 fused_odd_bf16(f32 a, f32 b, f32 c) {
  const f64 product = static_cast<f64>(a) * static_cast<f64>(b);
  const f64 sum = product + static_cast<f64>(c);
  const f64 part = sum - product;
  const f64 error = (product - (sum - part)) + (static_cast<f64>(c) - part);
  const auto nearest = static_cast<f32>(sum);
  // What `nearest` lacks; the first difference is exact, and if it is not zero it is larger than `error`.
  const f64 rest = (sum - static_cast<f64>(nearest)) + error;
  const u32 bits = bits_of(nearest);
  const bool beyond = (rest < 0) != ((bits >> 31) != 0);
  const bool exact = rest == 0 || !(__builtin_fabs(sum) < f64_of(0x7ff0'0000'0000'0000));
  return f32_of(exact ? bits : ((beyond ? bits - 1 : bits) | 1));
}

inline f32 low_bf16(u32 pair) {
  return f32_of(pair << 16);
}
inline f32 high_bf16(u32 pair) {
  return f32_of(pair & 0xffff0000);
}
inline u32 join(bf16 low, bf16 high) {
  return low.bits | static_cast<u32>(high.bits) << 16;
}

/// `f` gets the operands in f32 and returns a bf16.
template <class F>
bf16 on_bf16(bf16 a, bf16 b, F f) {
  return f(widen(a), widen(b));
}
template <class F>
bf16 on_bf16(bf16 a, bf16 b, bf16 c, F f) {
  return f(widen(a), widen(b), widen(c));
}
template <class F>
u32 on_bf16_pair(u32 a, u32 b, F f) {
  return join(f(low_bf16(a), low_bf16(b)), f(high_bf16(a), high_bf16(b)));
}
template <class F>
u32 on_bf16_pair(u32 a, u32 b, u32 c, F f) {
  return join(f(low_bf16(a), low_bf16(b), low_bf16(c)), f(high_bf16(a), high_bf16(b), high_bf16(c)));
}

/// `f` gets the operands in f32 and returns a f16.
template <class F>
f16 on_half(f16 a, f16 b, F f) {
  return f(widen(a), widen(b));
}
template <class F>
f16 on_half(f16 a, f16 b, f16 c, F f) {
  return f(widen(a), widen(b), widen(c));
}
template <class F>
u32 on_halves(u32 a, u32 b, F f) {
  return join(f(low(a), low(b)), f(high(a), high(b)));
}
template <class F>
u32 on_halves(u32 a, u32 b, u32 c, F f) {
  return join(f(low(a), low(b), low(c)), f(high(a), high(b), high(c)));
}

// --- Integers
// -----------------------------------------------------------------------------------------------

inline s32 saturate_to_s32(s64 value) {
  return static_cast<s32>(value > 0x7fffffff ? 0x7fffffff
                                             : (value < -s64{0x80000000} ? -s64{0x80000000} : value));
}
inline u32 low24(u32 value) {
  return value & 0xffffff;
}
inline s32 signed24(s32 value) {
  return static_cast<s32>(static_cast<u32>(value) << 8) >> 8;
}
inline u64 pair(u32 high, u32 low) {
  return u64{high} << 32 | low;
}

/// The most negative number divided by -1 overflows; a GPU wraps around, a CPU traps.
template <class T>
T divide(T a, T b) {
  using Unsigned = std::make_unsigned_t<T>;
  if (b == 0) return -1;
  return b == -1 ? static_cast<T>(Unsigned{0} - static_cast<Unsigned>(a)) : static_cast<T>(a / b);
}
template <class T>
T remainder(T a, T b) {
  return b == 0 ? a : (b == -1 ? 0 : static_cast<T>(a % b));
}

inline u32 high_of_signed(u32 a, u32 b) {
  return static_cast<u32>((s64{static_cast<s32>(a)} * static_cast<s32>(b)) >> 32);
}
inline u64 high_of_signed(u64 a, u64 b) {
  return static_cast<u64>((s128{static_cast<s64>(a)} * static_cast<s64>(b)) >> 64);
}

/// c + Σ aᵢ·bᵢ over the four bytes.
template <class A, class B>
u32 dot_bytes(u32 a, u32 b, u32 c) {
  for (int shift = 0; shift < 32; shift += 8) {
    c += static_cast<u32>(s32{static_cast<A>(a >> shift)} * static_cast<B>(b >> shift));
  }
  return c;
}
/// c + Σ aᵢ·bᵢ over the two halves of a and the two low bytes of b.
template <class A, class B>
u32 dot_halves(u32 a, u32 b, u32 c) {
  c += static_cast<u32>(s32{static_cast<A>(a)} * static_cast<B>(b));
  return c + static_cast<u32>(s32{static_cast<A>(a >> 16)} * static_cast<B>(b >> 8));
}
/// |aᵢ - bᵢ| over the parts of type T: side by side in the result, or all added to c.
template <class T, bool kAdd>
u32 absolute_differences(u32 a, u32 b, u32 c) {
  u32 result = kAdd ? c : 0;
  for (unsigned shift = 0; shift < 32; shift += 8 * sizeof(T)) {
    const s32 difference = static_cast<T>(a >> shift) - static_cast<T>(b >> shift);
    const auto size = static_cast<u32>(difference < 0 ? -difference : difference);
    result += kAdd ? size : size << shift;
  }
  return result;
}

// --- Bits
// ---------------------------------------------------------------------------------------------------

/// Bit 4x+2y+z of `table` says what bits x of a, y of b and z of c become.
inline u32 any_function_of_three(u32 a, u32 b, u32 c, s64 table) {
  u32 result = 0;
  for (int minterm = 0; minterm < 8; ++minterm) {
    const u32 chosen = ((table >> minterm) & 1) != 0 ? ~u32{0} : 0;
    result |= chosen & ((minterm & 4) != 0 ? a : ~a) & ((minterm & 2) != 0 ? b : ~b) &
              ((minterm & 1) != 0 ? c : ~c);
  }
  return result;
}

/// Each nibble of `selector` picks one of the eight bytes of {b, a}; its bit 3 spreads that byte's sign.
inline u32 permute_bytes(u32 a, u32 b, u32 selector) {
  const u64 bytes = pair(b, a);
  u32 result = 0;
  for (int place = 0; place < 4; ++place) {
    const u32 nibble = selector >> (4 * place);
    const auto byte = static_cast<u8>(bytes >> (8 * (nibble & 7)));
    const u32 chosen = (nibble & 8) != 0 ? ((byte & 0x80) != 0 ? 0xff : 0) : byte;
    result |= chosen << (8 * place);
  }
  return result;
}
// The special modes of prmt, as selectors of the default mode, indexed by the two low bits of c.
constexpr u32 kForwardFour[4] = {0x3210, 0x4321, 0x5432, 0x6543};
constexpr u32 kBackwardFour[4] = {0x5670, 0x6701, 0x7012, 0x0123};
constexpr u32 kReplicateByte[4] = {0x0000, 0x1111, 0x2222, 0x3333};
constexpr u32 kClampLeft[4] = {0x3210, 0x3211, 0x3222, 0x3333};
constexpr u32 kClampRight[4] = {0x0000, 0x1110, 0x2210, 0x3210};
constexpr u32 kReplicateHalf[4] = {0x1010, 0x3232, 0x1010, 0x3232};

inline u32 reverse_bits(u32 a) {
  a = (a >> 1 & 0x55555555) | (a & 0x55555555) << 1;
  a = (a >> 2 & 0x33333333) | (a & 0x33333333) << 2;
  a = (a >> 4 & 0x0f0f0f0f) | (a & 0x0f0f0f0f) << 4;
  return __builtin_bswap32(a);
}
inline u64 reverse_bits(u64 a) {
  return u64{reverse_bits(static_cast<u32>(a))} << 32 | reverse_bits(static_cast<u32>(a >> 32));
}
/// Place of the highest set bit, or all ones.
inline u32 highest_bit(u32 a) {
  return a == 0 ? ~u32{0} : 31 - static_cast<u32>(__builtin_clz(a));
}
inline u32 highest_bit(u64 a) {
  return a == 0 ? ~u32{0} : 63 - static_cast<u32>(__builtin_clzll(a));
}

/// `width` ones from bit `first` on; both clamped to 32.
inline u32 bit_mask(u32 first, u32 width) {
  const u32 ones = width > 31 ? ~u32{0} : (u32{1} << width) - 1;
  return first > 31 ? 0 : ones << first;
}

/// The n-th set bit of `mask` from bit `base` on (counting `base` itself as the first), upwards for n > 0 and
/// downwards for n < 0; for 0 the bit at `base` if it is set. All ones if there is none.
inline u32 find_nth_set(u32 mask, u32 base, s32 n) {
  if (base > 31) return ~u32{0};
  if (n == 0) return (mask >> base & 1) != 0 ? base : ~u32{0};
  const int step = n > 0 ? 1 : -1;
  s64 left = n > 0 ? s64{n} : -s64{n};
  for (auto place = static_cast<int>(base); place >= 0 && place < 32; place += step) {
    if ((mask >> place & 1) != 0 && --left == 0) return static_cast<u32>(place);
  }
  return ~u32{0};
}

template <class T>
T extract_bits(T a, u32 first, u32 width) {
  constexpr u32 kBits = 8 * sizeof(T);
  if (first >= kBits || width == 0) return 0;
  const T shifted = a >> first;
  return width >= kBits ? shifted : shifted & ((T{1} << width) - 1);
}
/// Above the field and above the top of `a`, the field's highest bit is repeated.
template <class T>
T extract_signed_bits(T a, u32 first, u32 width) {
  constexpr u32 kBits = 8 * sizeof(T);
  if (width == 0) return 0;
  const u32 last = first + width - 1 < kBits - 1 ? first + width - 1 : kBits - 1;
  const bool negative = (a >> last & 1) != 0;
  const T field = extract_bits(a, first, width);
  const u32 present = first >= kBits ? 0 : last - first + 1;
  const T above = present >= kBits ? 0 : ~T{0} << present;
  return negative ? field | above : field;
}
/// `b` with `width` bits from `first` on replaced by the low bits of `a`.
template <class T>
T insert_bits(T a, T b, u32 first, u32 width) {
  constexpr u32 kBits = 8 * sizeof(T);
  if (first >= kBits || width == 0) return b;
  const T ones = width >= kBits ? ~T{0} : (T{1} << width) - 1;
  const T mask = ones << first;
  return (b & ~mask) | ((a << first) & mask);
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
