// Every row of every family, on every path of the interpreter.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "instruction_coverage.h"
#include "instruction_harness.h"
#include "instruction_reference.h"
#include "instruction_values.h"

namespace vgpu::software::test {

TEST_CASE("instructions: integer arithmetic") {
  check_rows("integer arithmetic", integer_rows());
}
TEST_CASE("instructions: extended precision") {
  check_rows("extended precision", carry_rows());
}
TEST_CASE("instructions: logic, shifts, bit fields") {
  check_rows("logic, shifts, bits", bit_rows());
}
TEST_CASE("instructions: video") {
  check_rows("video", video_rows());
}
TEST_CASE("instructions: moves") {
  check_rows("moves", move_rows());
}
TEST_CASE("instructions: comparison") {
  check_rows("comparison", compare_rows());
}
TEST_CASE("instructions: selection") {
  check_rows("selection", select_rows());
}
TEST_CASE("instructions: floating point") {
  check_rows("floating point", float_rows());
}
TEST_CASE("instructions: approximations") {
  check_rows("approximations", approximation_rows());
}
TEST_CASE("instructions: coarse approximations") {
  check_rows("coarse approximations", coarse_rows());
}
TEST_CASE("instructions: half precision") {
  check_rows("half precision", half_rows());
}
TEST_CASE("instructions: bfloat16 and tf32") {
  check_rows("bfloat16 and tf32", bfloat_rows());
}
TEST_CASE("instructions: matrices in registers") {
  check_rows("matrices in registers", matrix_rows());
}
TEST_CASE("instructions: conversion") {
  check_rows("conversion", convert_rows());
}
TEST_CASE("instructions: loads and stores") {
  check_rows("loads and stores", memory_rows());
}
TEST_CASE("instructions: warp") {
  check_rows("warp", warp_rows());
}
TEST_CASE("instructions: atomics") {
  check_rows("atomics", atomic_rows());
}

// The reference must be right before it can judge: its own rounding against the host's, by different means.
TEST_CASE("instruction reference: rounding agrees with the host's unit") {
  if (std::getenv("VGPU_UNDER_VALGRIND") != nullptr) {
    std::puts(
        "instruction reference: not compared with the host, whose rounding modes valgrind ignores in part");
    return;
  }
  Random random(0x1eee);
  for (int i = 0; i < 20000; ++i) {
    const float a = from_bits<float>(random_value(Type::f32, random));
    const float b = from_bits<float>(random_value(Type::f32, random));
    // A product of two floats is exact in binary64, so narrowing it is the whole rounding of a
    // multiplication.
    const double product = static_cast<double>(a) * b;
    for (const Rounding rounding : kRoundings) {
      const Expected expected = number(multiply(a, b, rounding));
      const std::uint64_t got = to_bits(narrow_to_float(product, rounding));
      REQUIRE_MESSAGE(matches(Type::f32, expected, got), a << " * " << b << modifier(rounding));
    }
  }
}

TEST_CASE("instruction reference: every half survives a round trip") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const Half half{static_cast<std::uint16_t>(bits)};
    const Half back = narrow_to_half(widen(half), Rounding::nearest_even);
    REQUIRE((back.bits == half.bits || (is_nan(half) && is_nan(back))));
  }
}

TEST_CASE("instruction reference: half sums and products agree with fused ones") {
  Random random(0xfa11);
  for (int i = 0; i < 20000; ++i) {
    const Half a{static_cast<std::uint16_t>(random.next())};
    const Half b{static_cast<std::uint16_t>(random.next())};
    const Half one{0x3c00};
    const Half zero{
        static_cast<std::uint16_t>(((a.bits ^ b.bits) & 0x8000))};  // keeps the sign of a zero product
    REQUIRE(matches(Type::f16, number(add(a, b)), multiply_add(a, one, b).bits));
    REQUIRE(matches(Type::f16, number(multiply(a, b)), multiply_add(a, b, zero).bits));
  }
}

}  // namespace vgpu::software::test
