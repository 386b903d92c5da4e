// Numbers and constant expressions, against what C++ makes of the same expression.
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <limits>

#include "ptx/constant.h"
#include "ptx_support.h"

namespace vgpu::ptx::test {
namespace {

std::uint64_t evaluate(std::string_view text) {
  Lexer lexer(text);
  const std::uint64_t value = parse_integer_constant(lexer);
  REQUIRE(lexer.current().kind == TokenKind::end);
  return value;
}

Constant constant(std::string_view text) {
  Lexer lexer(text);
  return parse_constant(lexer);
}

std::string error_of_constant(std::string_view text) {
  try {
    constant(text);
  } catch (const software::Error& error) {
    return error.what();
  }
  return {};
}

TEST_CASE("integers of every base") {
  CHECK(evaluate("0") == 0);
  CHECK(evaluate("42") == 42);
  CHECK(evaluate("42U") == 42);
  CHECK(evaluate("0x1fU") == 31);
  CHECK(evaluate("0XFF") == 255);
  CHECK(evaluate("017") == 15);
  CHECK(evaluate("0b101") == 5);
  CHECK(evaluate("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  CHECK(evaluate("0xffffffffffffffff") == std::numeric_limits<std::uint64_t>::max());
  CHECK(evaluate("WARP_SZ-1") == 31);
}

TEST_CASE("operators have C's precedence and associativity") {
  CHECK(evaluate("1+2*3") == 7);
  CHECK(evaluate("(1+2)*3") == 9);
  CHECK(evaluate("10-4-3") == 3);
  CHECK(evaluate("100/10/5") == 2);
  CHECK(evaluate("7 % 4 + 1") == 4);
  CHECK(evaluate("1<<3|1") == 9);
  CHECK(evaluate("6&3^5|8") == (((6 & 3) ^ 5) | 8));
  CHECK(evaluate("1<2 == 1") == 1);
  CHECK(evaluate("5 && 0 || 2") == 1);
  CHECK(evaluate("3>=3 && 2<=1") == 0);
  CHECK(evaluate("4!=4") == 0);
  CHECK(evaluate("0 ? 5 : 1 ? 6 : 7") == 6);
  CHECK(evaluate("~0") == ~std::uint64_t{0});
  CHECK(evaluate("!5 + !0") == 1);
  CHECK(evaluate("- -3") == 3);
  CHECK(evaluate("+-3") == static_cast<std::uint64_t>(-3));
}

TEST_CASE("signed unless an operand is unsigned") {
  CHECK(evaluate("-7/2") == static_cast<std::uint64_t>(-3));
  CHECK(evaluate("-7 % 2") == static_cast<std::uint64_t>(-1));
  CHECK(evaluate("-1<0") == 1);
  CHECK(evaluate("-1<0U") == 0);
  CHECK(evaluate("(.u64)-1 < 0") == 0);
  CHECK(evaluate("(.s64)0xffffffffffffffff < 0") == 1);
  CHECK(evaluate("-8>>1") == static_cast<std::uint64_t>(-4));
  CHECK(evaluate("(.u64)-8>>1") == 0x7ffffffffffffffc);
  CHECK(evaluate("-16/2U") == static_cast<std::uint64_t>(-16) / 2);
}

TEST_CASE("results that do not exist in C are defined") {
  CHECK(evaluate("1<<64") == 0);
  CHECK(evaluate("1<<63<<1") == 0);
  CHECK(evaluate("-1>>200") == ~std::uint64_t{0});
  CHECK(evaluate("1U>>64") == 0);
  CHECK(evaluate("(.s64)0x8000000000000000 / -1") == 0x8000000000000000);
  CHECK(evaluate("(.s64)0x8000000000000000 % -1") == 0);
  CHECK(evaluate("0x7fffffffffffffff + 1") == 0x8000000000000000);
  CHECK(error_of_constant("4 / (2-2)") == "PTX line 1:5: division by zero in a constant expression");
  CHECK(error_of_constant("4 % 0U") == "PTX line 1:5: division by zero in a constant expression");
}

TEST_CASE("floating-point literals keep their bits") {
  const Constant nan = constant("0f7fa00001");
  REQUIRE(nan.real);
  CHECK(nan.real->is_f32_bits);
  CHECK(nan.real->f32_bits == 0x7fa00001);
  CHECK(constant("0F3f800000").real->value == 1.0);
  CHECK(constant("-0f3f800000").real->f32_bits == 0xbf800000);
  CHECK(std::bit_cast<std::uint64_t>(constant("0dfff8000000000123").real->value) == 0xfff8000000000123);
  CHECK(constant("0D4000000000000000").real->value == 2.0);
  CHECK(constant("1.5").real->value == 1.5);
  CHECK(constant("-1.5e+2").real->value == -150.0);
  CHECK(constant("2E-1").real->value == 0.2);
  CHECK_FALSE(constant("1.5").real->is_f32_bits);
}

TEST_CASE("wrong numbers are named") {
  CHECK(error_of_constant("0x") == "PTX line 1:1: '0x' is not an integer");
  CHECK(error_of_constant("08") == "PTX line 1:1: '08' is not an integer");
  CHECK(error_of_constant("0b12") == "PTX line 1:1: '0b12' is not an integer");
  CHECK(error_of_constant("12abc") == "PTX line 1:1: '12abc' is not an integer");
  CHECK(error_of_constant("12u") == "PTX line 1:1: '12u' is not an integer");
  CHECK(error_of_constant("18446744073709551616") ==
        "PTX line 1:1: '18446744073709551616' does not fit into 64 bits");
  CHECK(error_of_constant("0f3f80000") == "PTX line 1:1: '0f3f80000' needs 8 hexadecimal digits");
  CHECK(error_of_constant("0f3f80000g") == "PTX line 1:1: '0f3f80000g' needs 8 hexadecimal digits");
  CHECK(error_of_constant("0d") == "PTX line 1:1: '0d' needs 16 hexadecimal digits");
  CHECK(error_of_constant("1e999") == "PTX line 1:1: '1e999' is out of range");
  CHECK(error_of_constant("1.5x") == "PTX line 1:1: '1.5x' is not a number");
  CHECK(error_of_constant("1.5 + 1") ==
        "PTX line 1:1: a floating-point constant takes no operator but a sign");
  CHECK(error_of_constant("~1.5") == "PTX line 1:2: a floating-point constant takes no operator but a sign");
  CHECK(error_of_constant("1 + ") == "PTX line 1:5: expected a constant but found the end of the text");
  CHECK(error_of_constant("(1 + 2") == "PTX line 1:7: expected ')' but found the end of the text");
}

}  // namespace
}  // namespace vgpu::ptx::test
