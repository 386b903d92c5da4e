#include "instruction_reference.h"

#include <cfenv>
#include <cmath>

namespace vgpu::software::test {

std::string_view modifier(Rounding rounding) {
  switch (rounding) {
    case Rounding::nearest_even:
      return ".rn";
    case Rounding::toward_zero:
      return ".rz";
    case Rounding::down:
      return ".rm";
    case Rounding::up:
      return ".rp";
  }
  return "";
}

std::string_view integer_modifier(Rounding rounding) {
  switch (rounding) {
    case Rounding::nearest_even:
      return ".rni";
    case Rounding::toward_zero:
      return ".rzi";
    case Rounding::down:
      return ".rmi";
    case Rounding::up:
      return ".rpi";
  }
  return "";
}

namespace {

int host_rounding(Rounding rounding) {
  switch (rounding) {
    case Rounding::nearest_even:
      return FE_TONEAREST;
    case Rounding::toward_zero:
      return FE_TOWARDZERO;
    case Rounding::down:
      return FE_DOWNWARD;
    case Rounding::up:
      return FE_UPWARD;
  }
  return FE_TONEAREST;
}

/// Runs `operation` on volatile copies between two changes of the rounding direction: volatile accesses keep
/// the compiler from moving or folding the operation across those calls, without a compiler flag for this
/// file.
template <class T, class Operation, class... Operands>
T in_direction(Rounding rounding, Operation operation, Operands... operands) {
  std::fesetround(host_rounding(rounding));
  volatile T result = operation(*const_cast<const volatile Operands*>(&operands)...);
  std::fesetround(FE_TONEAREST);
  return result;
}

template <class T>
T host_add(T a, T b, Rounding r) {
  return in_direction<T>(
      r, [](T x, T y) { return x + y; }, a, b);
}
template <class T>
T host_subtract(T a, T b, Rounding r) {
  return in_direction<T>(
      r, [](T x, T y) { return x - y; }, a, b);
}
template <class T>
T host_multiply(T a, T b, Rounding r) {
  return in_direction<T>(
      r, [](T x, T y) { return x * y; }, a, b);
}
template <class T>
T host_divide(T a, T b, Rounding r) {
  return in_direction<T>(
      r, [](T x, T y) { return x / y; }, a, b);
}
template <class T>
T host_multiply_add(T a, T b, T c, Rounding r) {
  return in_direction<T>(
      r, [](T x, T y, T z) { return std::fma(x, y, z); }, a, b, c);
}
template <class T>
T host_square_root(T a, Rounding r) {
  return in_direction<T>(
      r, [](T x) { return std::sqrt(x); }, a);
}

int bit_length(unsigned __int128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  const auto low = static_cast<std::uint64_t>(value);
  return high != 0 ? 128 - std::countl_zero(high) : 64 - std::countl_zero(low);
}

}  // namespace

float add(float a, float b, Rounding r) {
  return host_add(a, b, r);
}
float subtract(float a, float b, Rounding r) {
  return host_subtract(a, b, r);
}
float multiply(float a, float b, Rounding r) {
  return host_multiply(a, b, r);
}
float divide(float a, float b, Rounding r) {
  return host_divide(a, b, r);
}
float multiply_add(float a, float b, float c, Rounding r) {
  return host_multiply_add(a, b, c, r);
}
float square_root(float a, Rounding r) {
  return host_square_root(a, r);
}
double add(double a, double b, Rounding r) {
  return host_add(a, b, r);
}
double subtract(double a, double b, Rounding r) {
  return host_subtract(a, b, r);
}
double multiply(double a, double b, Rounding r) {
  return host_multiply(a, b, r);
}
double divide(double a, double b, Rounding r) {
  return host_divide(a, b, r);
}
double multiply_add(double a, double b, double c, Rounding r) {
  return host_multiply_add(a, b, c, r);
}
double square_root(double a, Rounding r) {
  return host_square_root(a, r);
}

std::uint64_t round_to_format(FloatFormat format, bool negative, unsigned __int128 significand, int exponent,
                              Rounding rounding) {
  const std::uint64_t sign = std::uint64_t{negative} << (format.fraction_bits + format.exponent_bits);
  if (significand == 0) return sign;
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  // The exponent of the last place kept: that of the leading bit minus the fraction, but never below the
  // subnormals' last place.
  const int last_place = std::max(exponent + bit_length(significand) - 1 - format.fraction_bits,
                                  1 - bias - format.fraction_bits);
  unsigned __int128 kept = 0;
  bool half = false;
  bool below_half = false;
  if (const int dropped = last_place - exponent; dropped <= 0) {
    kept = significand << -dropped;
  } else if (dropped > 128) {
    below_half = true;
  } else {
    kept = dropped == 128 ? 0 : significand >> dropped;
    half = ((significand >> (dropped - 1)) & 1) != 0;
    const unsigned __int128 one = 1;
    below_half = (significand & ((one << (dropped - 1)) - 1)) != 0;
  }
  const bool inexact = half || below_half;
  const bool away = (rounding == Rounding::nearest_even && half && (below_half || (kept & 1) != 0)) ||
                    (rounding == Rounding::up && inexact && !negative) ||
                    (rounding == Rounding::down && inexact && negative);
  if (away) ++kept;
  auto fraction = static_cast<std::uint64_t>(kept);
  // A subnormal's stored exponent is 0 and a normal's leading bit is implicit; adding the fraction with that
  // bit to the exponent field minus one covers both, and a carry out of the rounding as well.
  const int stored_exponent = last_place + format.fraction_bits + bias;
  const std::uint64_t magnitude =
      (static_cast<std::uint64_t>(stored_exponent - 1) << format.fraction_bits) + fraction;
  const std::uint64_t infinity = bits_mask(static_cast<unsigned>(format.exponent_bits))
                                 << format.fraction_bits;
  if (magnitude < infinity) return sign | magnitude;
  const bool to_largest = rounding == Rounding::toward_zero || (rounding == Rounding::up && negative) ||
                          (rounding == Rounding::down && !negative);
  return sign | (to_largest ? infinity - 1 : infinity);
}

double widen(Half value) {
  const int exponent = (value.bits >> 10) & 31;
  const int fraction = value.bits & 1023;
  const double sign = (value.bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

double widen(Bfloat value) {
  return from_bits<float>(std::uint64_t{value.bits} << 16);
}

namespace {

std::uint64_t narrow(FloatFormat format, double value, Rounding rounding) {
  const std::uint64_t bits = to_bits(value);
  const bool negative = (bits >> 63) != 0;
  const auto exponent = static_cast<int>((bits >> 52) & 2047);
  const std::uint64_t fraction = bits & bits_mask(52);
  if (exponent == 2047) {
    const std::uint64_t infinity = bits_mask(static_cast<unsigned>(format.exponent_bits))
                                   << format.fraction_bits;
    const std::uint64_t sign = std::uint64_t{negative} << (format.fraction_bits + format.exponent_bits);
    return sign | infinity | (fraction != 0 ? std::uint64_t{1} << (format.fraction_bits - 1) : 0);
  }
  const std::uint64_t significand = exponent == 0 ? fraction : fraction | (std::uint64_t{1} << 52);
  return round_to_format(format, negative, significand, std::max(exponent, 1) - 1075, rounding);
}

}  // namespace

Half narrow_to_half(double value, Rounding rounding) {
  return Half{static_cast<std::uint16_t>(narrow(kHalfFormat, value, rounding))};
}

Bfloat narrow_to_bfloat(double value, Rounding rounding) {
  return Bfloat{static_cast<std::uint16_t>(narrow(kBfloatFormat, value, rounding))};
}

float narrow_to_float(double value, Rounding rounding) {
  return from_bits<float>(narrow(kFloatFormat, value, rounding));
}

Half multiply_add(Half a, Half b, Half c) {
  const double x = widen(a);
  const double y = widen(b);
  const double z = widen(c);
  if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z)) {
    return narrow_to_half(x * y + z, Rounding::nearest_even);
  }
  // Every product of two finite halves is a multiple of 2^-48 below 2^32, so the sum is an exact 128-bit
  // integer.
  const auto scaled = [](double value, int exponent) {
    return static_cast<__int128>(static_cast<std::int64_t>(std::ldexp(value, exponent)));
  };
  const __int128 sum = scaled(x, 24) * scaled(y, 24) + scaled(z, 24) * (static_cast<__int128>(1) << 24);
  if (sum == 0) return narrow_to_half(x * y + z, Rounding::nearest_even);
  const bool negative = sum < 0;
  const auto magnitude = static_cast<unsigned __int128>(negative ? -sum : sum);
  return Half{static_cast<std::uint16_t>(
      round_to_format(kHalfFormat, negative, magnitude, -48, Rounding::nearest_even))};
}

namespace {

/// value = significand · 2^exponent
struct Scaled {
  __int128 significand;
  int exponent;
};

Scaled scaled(Bfloat value) {
  const int exponent = (value.bits >> 7) & 255;
  const int fraction = value.bits & 127;
  const int magnitude = exponent == 0 ? fraction : fraction | 128;
  return {(value.bits & 0x8000) != 0 ? -magnitude : magnitude, std::max(exponent, 1) - 134};
}

/// The exact sum, but that a term too small to be added by shifting only shows in the last bit.
Scaled sum_of(Scaled a, Scaled b) {
  if (a.significand == 0) return b;
  if (b.significand == 0) return a;
  if (a.exponent < b.exponent) std::swap(a, b);
  constexpr int kRoom = 100;  // bits above a product's 16
  const int shift = std::min(a.exponent - b.exponent, kRoom);
  const bool fits = a.exponent - b.exponent == shift;
  const __int128 sticky = b.significand < 0 ? -1 : 1;
  return {a.significand * (static_cast<__int128>(1) << shift) + (fits ? b.significand : sticky),
          a.exponent - shift};
}

}  // namespace

Bfloat multiply_add(Bfloat a, Bfloat b, Bfloat c) {
  const double x = widen(a);
  const double y = widen(b);
  const double z = widen(c);
  if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z)) {
    return narrow_to_bfloat(x * y + z, Rounding::nearest_even);
  }
  const Scaled product = {scaled(a).significand * scaled(b).significand,
                          scaled(a).exponent + scaled(b).exponent};
  const Scaled sum = sum_of(product, scaled(c));
  if (sum.significand == 0) return narrow_to_bfloat(x * y + z, Rounding::nearest_even);
  const bool negative = sum.significand < 0;
  const auto magnitude = static_cast<unsigned __int128>(negative ? -sum.significand : sum.significand);
  return Bfloat{static_cast<std::uint16_t>(
      round_to_format(kBfloatFormat, negative, magnitude, sum.exponent, Rounding::nearest_even))};
}

Bfloat add(Bfloat a, Bfloat b) {
  const Bfloat one{0x3f80};
  return multiply_add(a, one, b);
}
Bfloat subtract(Bfloat a, Bfloat b) {
  if (is_nan(b)) return b;
  return add(a, Bfloat{static_cast<std::uint16_t>(b.bits ^ 0x8000)});
}
// A product of two is exact in binary64.
Bfloat multiply(Bfloat a, Bfloat b) {
  return narrow_to_bfloat(widen(a) * widen(b), Rounding::nearest_even);
}

// Sums and products of two halves are exact in binary64.
Half add(Half a, Half b) {
  return narrow_to_half(widen(a) + widen(b), Rounding::nearest_even);
}
Half subtract(Half a, Half b) {
  return narrow_to_half(widen(a) - widen(b), Rounding::nearest_even);
}
Half multiply(Half a, Half b) {
  return narrow_to_half(widen(a) * widen(b), Rounding::nearest_even);
}

double round_to_integral(double value, Rounding rounding) {
  switch (rounding) {
    case Rounding::nearest_even:
      return std::nearbyint(value);
    case Rounding::toward_zero:
      return std::trunc(value);
    case Rounding::down:
      return std::floor(value);
    case Rounding::up:
      return std::ceil(value);
  }
  return value;
}

bool is_nan(Half value) {
  return (value.bits & 0x7fff) > 0x7c00;
}
bool is_nan(Bfloat value) {
  return (value.bits & 0x7fff) > 0x7f80;
}
bool is_nan(float value) {
  return (to_bits(value) & 0x7fffffff) > 0x7f800000;
}
bool is_nan(double value) {
  return (to_bits(value) & bits_mask(63)) > 0x7ff0000000000000;
}

bool is_subnormal(Half value) {
  return (value.bits & 0x7c00) == 0 && (value.bits & 0x3ff) != 0;
}
bool is_subnormal(Bfloat value) {
  return (value.bits & 0x7f80) == 0 && (value.bits & 0x7f) != 0;
}
bool is_subnormal(float value) {
  return (to_bits(value) & 0x7f800000) == 0 && (to_bits(value) & 0x007fffff) != 0;
}
bool is_subnormal(double value) {
  return (to_bits(value) & 0x7ff0000000000000) == 0 && (to_bits(value) & bits_mask(52)) != 0;
}

float saturate(float value) {
  if (is_nan(value) || value <= 0) return 0;
  return value >= 1 ? 1.0F : value;
}

}  // namespace vgpu::software::test
