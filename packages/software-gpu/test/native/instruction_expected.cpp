#include <algorithm>
#include <cstdio>

#include "instruction_harness.h"
#include "instruction_reference.h"

namespace vgpu::software::test {

namespace {

long double float_value(Type type, std::uint64_t bits) {
  if (type == Type::f16) return widen(from_bits<Half>(bits));
  if (type == Type::bf16) return widen(from_bits<Bfloat>(bits));
  if (type == Type::f32) return from_bits<float>(bits);
  return from_bits<double>(bits);
}

bool bits_are_nan(Type type, std::uint64_t bits) {
  if (type == Type::f16) return is_nan(from_bits<Half>(bits));
  if (type == Type::bf16) return is_nan(from_bits<Bfloat>(bits));
  if (type == Type::f32) return is_nan(from_bits<float>(bits));
  return type == Type::f64 && is_nan(from_bits<double>(bits));
}

bool same_number(Type type, std::uint64_t expected, std::uint64_t got) {
  if (type == Type::f16x2 || type == Type::bf16x2) {
    const Type half = type == Type::f16x2 ? Type::f16 : Type::bf16;
    return same_number(half, expected & 0xffff, got & 0xffff) && same_number(half, expected >> 16, got >> 16);
  }
  return expected == got || (bits_are_nan(type, expected) && bits_are_nan(type, got));
}

}  // namespace

bool matches(Type type, const Expected& expected, std::uint64_t got) {
  const std::uint64_t mask = bits_mask(register_bits(type));
  got &= mask;
  switch (expected.kind) {
    case Expected::Kind::bits:
      return got == (expected.bits & mask) || (expected.alternative && got == (*expected.alternative & mask));
    case Expected::Kind::number:
      return same_number(type, expected.bits & mask, got) ||
             (expected.alternative && same_number(type, *expected.alternative & mask, got));
    case Expected::Kind::interval:
      return !bits_are_nan(type, got) && float_value(type, got) >= expected.low &&
             float_value(type, got) <= expected.high;
    case Expected::Kind::nan:
      return bits_are_nan(type, got);
    case Expected::Kind::anything:
      return true;
  }
  return false;
}

std::string hexadecimal(Type type, std::uint64_t bits) {
  std::array<char, 96> text{};
  const int digits = std::max(1, static_cast<int>(register_bits(type) / 4));
  const auto masked = static_cast<unsigned long long>(bits & bits_mask(register_bits(type)));
  if (type == Type::f16 || type == Type::bf16 || type == Type::f32 || type == Type::f64) {
    std::snprintf(text.data(), text.size(), "0x%0*llx (%.9Lg)", digits, masked, float_value(type, masked));
  } else {
    std::snprintf(text.data(), text.size(), "0x%0*llx", digits, masked);
  }
  return text.data();
}

std::string describe(Type type, const Expected& expected) {
  switch (expected.kind) {
    case Expected::Kind::bits:
    case Expected::Kind::number:
      return hexadecimal(type, expected.bits) +
             (expected.alternative ? " or " + hexadecimal(type, *expected.alternative) : "");
    case Expected::Kind::interval: {
      std::array<char, 96> text{};
      std::snprintf(text.data(), text.size(), "[%.12Lg, %.12Lg]", expected.low, expected.high);
      return text.data();
    }
    case Expected::Kind::nan:
      return "a NaN";
    case Expected::Kind::anything:
      return "anything";
  }
  return "";
}

}  // namespace vgpu::software::test
