// Text that is wrong, by mistake or on purpose: each is refused, at its line and column, without harm.
#include <doctest/doctest.h>

#include <chrono>

#include "ptx_support.h"

namespace vgpu::ptx::test {
namespace {

std::string repeated(std::string_view piece, std::size_t count) {
  std::string result;
  result.reserve(piece.size() * count);
  for (std::size_t i = 0; i < count; ++i) result += piece;
  return result;
}

TEST_CASE("a text without its first lines") {
  CHECK(error_of("") == "PTX line 1:1: expected '.version' but found the end of the text");
  CHECK(error_of("hello") == "PTX line 1:1: expected '.version' but found 'hello'");
  CHECK(error_of(".version 9\n") == "PTX line 1:10: expected a version number such as 8.0 but found '9'");
  CHECK(error_of(".version 1e3\n") == "PTX line 1:10: expected a version number such as 8.0");
  CHECK(error_of(".version 9.9999\n") == "PTX line 1:10: '9.9999' is not a PTX version");
  CHECK(error_of(".version 9.0\n.address_size 64") ==
        "PTX line 2:1: expected '.target' but found '.address_size'");
  CHECK(error_of(".version 9.0\n.target 75") ==
        "PTX line 2:9: expected a target such as sm_75 but found '75'");
  CHECK(error_of_module(".address_size 63") == "PTX line 4:15: an address has 32 or 64 bits");
}

TEST_CASE("an unknown directive") {
  CHECK(error_of_module(".globl x;") ==
        "PTX line 4:1: expected a function, a .global, .const or .shared variable, or another directive but "
        "found "
        "'.globl'");
  CHECK(error_of_module("mov.u32 %r1, 5;") == "PTX line 4:1: expected a directive but found 'mov'");
  CHECK(error_of_module(".entry k .fast { }") == "PTX line 4:10: unknown directive '.fast' of a function");
  CHECK(error_of_module(".global .attribute(.magic) .u32 x;") == "PTX line 4:20: unknown attribute '.magic'");
}

TEST_CASE("lines and columns count from 1, across comments and inside bodies") {
  CHECK(error_of_module("/* one\n two */ .global .u33 x;") ==
        "PTX line 5:17: expected a type but found '.u33'");
  CHECK(error_of_module(".entry k { // comment\n\n  add.u32 %r1 %r2; }") ==
        "PTX line 6:15: expected ',' or ';' but found '%r2'");
  CHECK(error_of_module(".entry k { ret }") ==
        "PTX line 4:16: expected an operand but found the end of the text");
}

TEST_CASE("a block without end") {
  CHECK(error_of_module(".entry k {\n ret;") == "PTX line 4:10: this '{' has no '}'");
  CHECK(error_of_module(".entry k { { ret; }") == "PTX line 4:10: this '{' has no '}'");
  CHECK(error_of_module(".section .debug_info { .b8 1") == "PTX line 4:22: this '{' has no '}'");
  CHECK(error_of_module(".entry k { } }") == "PTX line 4:14: expected a directive but found '}'");
}

TEST_CASE("a comment or string without end") {
  CHECK(error_of_module("\n  /* never closed") == "PTX line 5:3: this comment has no end");
  CHECK(error_of_module(".entry k { /* } ") == "PTX line 4:12: this comment has no end");
  CHECK(error_of_module(".file 1 \"name\n\"") == "PTX line 4:9: this string has no end on its line");
  CHECK(error_of_module(".entry k {\n .pragma \"x }") == "PTX line 5:10: this string has no end on its line");
  CHECK(error_of_module(".file 1 \"name\\") == "PTX line 4:9: this string has no end on its line");
}

TEST_CASE("characters that PTX does not have, shown without harming a log") {
  CHECK(error_of_module("\x1b[31m") == "PTX line 4:1: unexpected character '\\x1b'");
  CHECK(error_of_module(std::string_view("\0", 1)) == "PTX line 4:1: unexpected character '\\x00'");
  CHECK(error_of_module("\xff") == "PTX line 4:1: unexpected character '\\xff'");
  CHECK(error_of_module(". x") == "PTX line 4:1: expected a word after '.'");
  CHECK(error_of_module(".file 1 2 \"a\nb\"") == "PTX line 4:9: expected a file name but found '2'");
  CHECK(error_of_module(repeated("x", 1000)) ==
        "PTX line 4:1: expected a directive but found '" + repeated("x", 40) + "…'");
}

TEST_CASE("variables that cannot be") {
  CHECK(error_of_module(".global x;") == "PTX line 4:9: expected a type but found 'x'");
  CHECK(error_of_module(".global .u32 .u64 x;") == "PTX line 4:14: expected one type but found also '.u64'");
  CHECK(error_of_module(".global .pred p;") == "PTX line 4:15: a predicate lives in a register only");
  CHECK(error_of_module(".global .align 3 .u32 x;") == "PTX line 4:16: alignment 3 is not a power of two");
  CHECK(error_of_module(".global .align 0 .u32 x;") == "PTX line 4:16: alignment 0 is not a power of two");
  CHECK(error_of_module(".global .align 131072 .u32 x;") ==
        "PTX line 4:16: '131072' is too large for an alignment: the limit is 65536");
  CHECK(error_of_module(".global .u32 x[];") == "PTX line 4:14: array 'x' has no length");
  CHECK(error_of_module(".global .u32 x[2][];") == "PTX line 4:19: expected a constant but found ']'");
  CHECK(error_of_module(".global .u32 x y;") == "PTX line 4:16: expected ';' but found 'y'");
  CHECK(error_of_module(".reg .u32 x;") ==
        "PTX line 4:1: expected a function, a .global, .const or .shared variable, or another directive but "
        "found "
        "'.reg'");
  CHECK(error_of_module(".entry k(.global .u32 x) { }") ==
        "PTX line 4:10: expected '.param' or '.reg' but found '.global'");
}

TEST_CASE("arrays whose size overflows") {
  CHECK(error_of_module(".global .b8 x[18446744073709551615];") == "PTX line 4:14: this array is too large");
  CHECK(error_of_module(".global .b8 x[-1];") == "PTX line 4:14: this array is too large");
  CHECK(error_of_module(".global .b64 x[4294967296][4294967296];") ==
        "PTX line 4:15: this array is too large");
  CHECK(error_of_module(".global .b64 x[0][4294967296][4294967296];") ==
        "PTX line 4:15: this array is too large");
  CHECK(error_of_module(".extern .global .b8 x" + repeated("[1]", 17) + ";") ==
        "PTX line 4:71: expected at most 16 dimensions but found '1'");
}

TEST_CASE("initialisers that do not fit their variable") {
  CHECK(error_of_module(".global .u32 x[2] = {1, 2, 3};") ==
        "PTX line 4:28: expected no more than 2 values but found '3'");
  CHECK(error_of_module(".global .u32 x[2][2] = {1, 2};") == "PTX line 4:25: expected '{' but found '1'");
  CHECK(error_of_module(".global .u32 x[2] = {{1}, {2}};") ==
        "PTX line 4:22: expected a constant but found '{'");
  CHECK(error_of_module(".global .u32 x[2] = {1,};") == "PTX line 4:24: expected a constant but found '}'");
  CHECK(error_of_module(".global .u32 x = \"text\";") ==
        "PTX line 4:18: expected a constant but found '\"text\"'");
  CHECK(error_of_module(".global .u32 x = 1.5;") ==
        "PTX line 4:18: a floating-point value cannot initialise a variable of this type");
  CHECK(error_of_module(".global .f32 x = 1;") ==
        "PTX line 4:18: an integer cannot initialise a floating-point variable");
  CHECK(error_of_module(".global .f64 x = y;") ==
        "PTX line 4:18: an address cannot initialise a floating-point variable");
  CHECK(error_of_module(".shared .u32 x = 1;") ==
        "PTX line 4:18: only .global and .const variables have initial values");
  CHECK(error_of_module(".extern .global .u32 x = 1;") ==
        "PTX line 4:26: an external variable has no initial value");
  CHECK(error_of_module(".global .u8 x = 0(y);") == "PTX line 4:17: a mask of zero selects nothing");
  CHECK(error_of_module(".global .u64 x = generic(5);") == "PTX line 4:26: expected a symbol but found '5'");
}

TEST_CASE("a few characters that ask for gigabytes of initial zeros") {
  CHECK(error_of_module(".global .b8 x[2][1000000000] = {{1}, {2}};") ==
        "PTX line 4:40: the initial values of this text are too large together");
  std::string many;
  for (int i = 0; i < 40; ++i) many += ".global .b8 x" + std::to_string(i) + "[2][10000000] = {{1}, {2}};\n";
  CHECK(error_of_module(many).ends_with(": the initial values of this text are too large together"));
}

TEST_CASE("registers without number") {
  CHECK(error_of_statements(".reg .b32 %r<4000000000>;") ==
        "PTX line 5:15: '4000000000' is too large for a number of registers: the limit is 1048576");
  CHECK(error_of_statements(".reg .b32 %a<1000000>; .reg .b32 %b<1000000>;") ==
        "PTX line 5:35: function 'k' has more than 1048576 registers");
  CHECK(error_of_statements(repeated("{ .reg .b32 %r<100000>; }\n", 11)) ==
        "PTX line 15:13: function 'k' has more than 1048576 registers");
  CHECK(error_of_statements(".reg .b32 %r<-1>;") ==
        "PTX line 5:15: expected a number of registers but found '-'");
  CHECK(error_of_statements(".reg .b32 %r<4;") == "PTX line 5:16: expected '>' but found ';'");
}

TEST_CASE("a million nested blocks") {
  const std::string open = repeated("{", 1000000);
  const std::string close = repeated("}", 1000000);
  CHECK(error_of_statements(open + close) ==
        "PTX line 5:257: expected at most 256 nested blocks but found '{'");
  CHECK(error_of_statements(open).ends_with("this '{' has no '}'"));
}

TEST_CASE("a million nested parentheses, signs and conditions") {
  for (const std::string_view piece : {"(", "-", "~", "1?", "1?2:", "(.s64)", "1+("}) {
    const std::string message = error_of_module(".global .u32 x = " + repeated(piece, 1000000) + "1;");
    CHECK(message.ends_with(": this expression is nested too deeply"));
  }
  CHECK(error_of_module(".global .u32 x[1] = " + repeated("{", 1000000)) ==
        "PTX line 4:22: expected a constant but found '{'");
  CHECK(
      error_of_module(".entry k .attribute" + repeated("(", 1000000)).ends_with("found the end of the text"));
}

TEST_CASE("many names, blocks and look-ups take linear time") {
  std::string text;
  for (int i = 0; i < 100000; ++i) {
    const std::string number = std::to_string(i);
    text.append(".reg .b32 a").append(number).append("x; L").append(number);
    text.append(": mov.b32 a").append(number).append("x, 1; bra L0;\n");
  }
  text += repeated("{", 200) + repeated("bra nowhere;", 100000) + repeated("}", 200);
  const auto start = std::chrono::steady_clock::now();
  CHECK(error_of_statements(text) == "");
  // A tenth of this is usual; what is quadratic would take hours.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("names that are declared twice in one block") {
  CHECK(error_of_statements(".reg .b32 a; .reg .b64 a;") ==
        "PTX line 5:25: 'a' is already declared in this block");
  CHECK(error_of_statements(".reg .b32 %r<5>; .reg .b64 %r<5>;") ==
        "PTX line 5:29: '%r' is already declared in this block");
  CHECK(error_of_statements(".reg .b32 %r<5>; .reg .b64 %r3;") ==
        "PTX line 5:29: '%r3' is already declared in this block");
  CHECK(error_of_statements("A: ret; A: ret;") == "PTX line 5:10: 'A' is already declared in this block");
  CHECK(error_of_statements(".local .b32 a, a;") == "PTX line 5:2: 'a' is already declared in this block");
  CHECK(error_of_module(".entry k(.param .u32 a,\n.param .u32 a) { }")
            .ends_with("'a' is already declared in this block"));
}

TEST_CASE("statements that are none") {
  CHECK(error_of_statements(";") ==
        "PTX line 5:2: expected an instruction, a label or a directive but found ';'");
  CHECK(error_of_statements("5;") ==
        "PTX line 5:2: expected an instruction, a label or a directive but found '5'");
  CHECK(error_of_statements(".version 9.0;") ==
        "PTX line 5:2: expected an instruction or a declaration but found '.version'");
  CHECK(error_of_statements("@%p1 ret;") == "PTX line 5:3: expected a predicate register but found '%p1'");
  CHECK(error_of_statements(".reg .pred p; @p A: ret;") ==
        "PTX line 5:20: expected an operand but found ':'");
  CHECK(error_of_statements("A: .calltarget f;") ==
        "PTX line 5:5: expected an instruction or a declaration but found '.calltarget'");
  CHECK(error_of_statements("A: .branchtargets 5;") ==
        "PTX line 5:20: expected a label or function but found '5'");
  CHECK(error_of_statements("A: .callprototype 5;") == "PTX line 5:20: expected '_' but found '5'");
  CHECK(error_of_statements("A: .callprototype _ () .fast;") ==
        "PTX line 5:25: unknown directive '.fast' of a call prototype");
  CHECK(error_of_statements(".loc 1 2 3, somewhere 5\n") ==
        "PTX line 5:14: expected 'function_name' or 'inlined_at' but found 'somewhere'");
}

TEST_CASE("a brace that closes more than was opened, in text that was not cut by parse_module") {
  Function function;
  function.name = "k";
  function.body_line = 1;
  function.body_column = 1;
  function.body_text = "ret; }";
  CHECK_THROWS_WITH_AS(parse_body(function),
                       "PTX line 1:6: expected an instruction: no block is open but found '}'",
                       software::Error);
  function.body_text = "{ ret;";
  CHECK_THROWS_WITH_AS(parse_body(function), "PTX line 1:7: expected '}' but found the end of the text",
                       software::Error);
}

TEST_CASE("operands that are none") {
  const auto error = [](std::string_view operands) {
    return error_of_statements(".reg .b32 r;\nmov " + std::string(operands) + ";");
  };
  CHECK(error("r,") == "PTX line 6:7: expected an operand but found ';'");
  CHECK(error("r, \"x\"") == "PTX line 6:8: expected an operand but found '\"x\"'");
  CHECK(error("[r") == "PTX line 6:7: expected ']' but found ';'");
  CHECK(error("[]") == "PTX line 6:6: expected an operand but found ']'");
  CHECK(error("[r+]") == "PTX line 6:8: expected a constant but found ']'");
  CHECK(error("[r+1.5]") == "PTX line 6:7: expected an integer but found a floating-point constant");
  CHECK(error("{r, {r}}") == "PTX line 6:9: expected an operand but found '{'");
  CHECK(error("{}") == "PTX line 6:6: expected an operand but found '}'");
  CHECK(error("!5") == "PTX line 6:6: expected a predicate register but found '5'");
  CHECK(error("r.x") == "PTX line 6:6: this register has no component '.x'");
  CHECK(error("r.c0") == "PTX line 6:6: expected part of a register but found '.c0'");
  CHECK(error("r|") == "PTX line 6:7: expected an operand but found ';'");
  CHECK(error("%tid .x") == "PTX line 6:10: expected ',' or ';' but found '.x'");
  CHECK(error("table[1]") == "PTX line 6:10: expected ',' or ';' but found '['");
}

}  // namespace
}  // namespace vgpu::ptx::test
