// Arithmetic of the reference: IEEE operations under an explicit rounding direction, binary16, flushing and
// saturation as the PTX ISA describes them.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

#include "instruction_types.h"

namespace vgpu::software::test {

enum class Rounding { nearest_even, toward_zero, down, up };

inline constexpr std::array kRoundings = {Rounding::nearest_even, Rounding::toward_zero, Rounding::down,
                                          Rounding::up};

/// ".rn", ".rz", ".rm" or ".rp".
std::string_view modifier(Rounding rounding);
/// ".rni", ".rzi", ".rmi" or ".rpi".
std::string_view integer_modifier(Rounding rounding);

struct FloatFormat {
  int fraction_bits;
  int exponent_bits;
};
inline constexpr FloatFormat kHalfFormat{10, 5};
inline constexpr FloatFormat kBfloatFormat{7, 8};
inline constexpr FloatFormat kFloatFormat{23, 8};
inline constexpr FloatFormat kDoubleFormat{52, 11};

/// The bits of (-1)^negative · significand · 2^exponent, rounded once.
std::uint64_t round_to_format(FloatFormat format, bool negative, unsigned __int128 significand, int exponent,
                              Rounding rounding);

/// The operation in the host's unit under `rounding`.
float add(float a, float b, Rounding rounding);
float subtract(float a, float b, Rounding rounding);
float multiply(float a, float b, Rounding rounding);
float divide(float a, float b, Rounding rounding);
float multiply_add(float a, float b, float c, Rounding rounding);
float square_root(float a, Rounding rounding);
double add(double a, double b, Rounding rounding);
double subtract(double a, double b, Rounding rounding);
double multiply(double a, double b, Rounding rounding);
double divide(double a, double b, Rounding rounding);
double multiply_add(double a, double b, double c, Rounding rounding);
double square_root(double a, Rounding rounding);

/// binary16: exact in between, rounded once (to nearest even).
Half add(Half a, Half b);
Half subtract(Half a, Half b);
Half multiply(Half a, Half b);
Half multiply_add(Half a, Half b, Half c);

/// bfloat16 likewise.
Bfloat add(Bfloat a, Bfloat b);
Bfloat subtract(Bfloat a, Bfloat b);
Bfloat multiply(Bfloat a, Bfloat b);
Bfloat multiply_add(Bfloat a, Bfloat b, Bfloat c);

double widen(Half value);
double widen(Bfloat value);
Bfloat narrow_to_bfloat(double value, Rounding rounding);
Half narrow_to_half(double value, Rounding rounding);
float narrow_to_float(double value, Rounding rounding);

/// The integer value `negative ? -magnitude : magnitude` in T.
template <class T>
T from_integer(bool negative, std::uint64_t magnitude, Rounding rounding) {
  constexpr FloatFormat format = std::is_same_v<T, Half>     ? kHalfFormat
                                 : std::is_same_v<T, Bfloat> ? kBfloatFormat
                                 : std::is_same_v<T, float>  ? kFloatFormat
                                                             : kDoubleFormat;
  return from_bits<T>(round_to_format(format, negative, magnitude, 0, rounding));
}

/// `value` rounded to an integral value; the sign of a zero result is that of `value`.
double round_to_integral(double value, Rounding rounding);

[[nodiscard]] bool is_nan(Half value);
[[nodiscard]] bool is_nan(Bfloat value);
[[nodiscard]] bool is_nan(float value);
[[nodiscard]] bool is_nan(double value);
[[nodiscard]] bool is_subnormal(Half value);
[[nodiscard]] bool is_subnormal(Bfloat value);
[[nodiscard]] bool is_subnormal(float value);
[[nodiscard]] bool is_subnormal(double value);

/// .ftz on an operand: a subnormal becomes the zero of its sign.
template <class T>
T flush(T value) {
  if (!is_subnormal(value)) return value;
  const std::uint64_t sign = std::uint64_t{1} << (sizeof(T) * 8 - 1);
  return from_bits<T>(to_bits(value) & sign);
}

/// .ftz on a result. Whether a value that rounds up to the smallest normal number counts as subnormal is not
/// documented, so for that one number the zero is accepted too.
template <class T>
Expect<T> flushed_result(T value) {
  const T flushed = flush(value);
  const std::uint64_t sign = std::uint64_t{1} << (sizeof(T) * 8 - 1);
  constexpr std::uint64_t smallest_normal = std::is_same_v<T, Half>    ? 0x0400
                                            : std::is_same_v<T, float> ? 0x00800000
                                                                       : 0x0010000000000000;
  if ((to_bits(value) & ~sign) == smallest_normal) {
    return either(value, from_bits<T>(to_bits(value) & sign));
  }
  return number(flushed);
}

/// .sat on a result: into [0, 1], NaN to +0. The sign of a zero that was negative before is not documented.
float saturate(float value);

}  // namespace vgpu::software::test
