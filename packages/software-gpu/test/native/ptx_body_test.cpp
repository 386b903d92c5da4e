// Function bodies: every statement and operand of the grammar.
#include <doctest/doctest.h>

#include "ptx_support.h"

namespace vgpu::ptx::test {
namespace {

/// Registers that most of the tests use.
std::string with_registers(std::string_view statements) {
  return std::string(
             ".reg .pred %p<4>; .reg .b32 %r<10>; .reg .b64 %rd<10>; .reg .f32 %f<10>; .reg .v4 .f32 %v; ")
      .append(statements);
}

ParsedFunction parse_code(std::string_view statements) {
  return parse_statements(with_registers(statements));
}

TEST_CASE("an instruction has guard, opcode, modifiers, operands, line and text") {
  const ParsedFunction parsed =
      parse_code("\n  ret;\n@!%p1  ld.global .v2.u32\t{%r1, %r2}, [%rd3+8] ;\n@%p2 exit;");
  CHECK(parsed.instruction(0).opcode == "ret");
  CHECK(parsed.instruction(0).operands.empty());
  CHECK_FALSE(parsed.instruction(0).guard.has_value());

  const Instruction& load = parsed.instruction(1);
  CHECK(load.line == 7);
  CHECK(load.opcode == "ld");
  CHECK(load.modifiers == std::vector<std::string_view>{"global", "v2", "u32"});
  REQUIRE(load.guard.has_value());
  CHECK(load.guard->reg == 1);
  CHECK(load.guard->negated);
  CHECK(load.text == "@!%p1  ld.global .v2.u32\t{%r1, %r2}, [%rd3+8] ");
  CHECK(load.operands.size() == 2);
  CHECK_FALSE(parsed.instruction(2).guard->negated);
}

TEST_CASE("modifiers with a double colon are one word") {
  const ParsedFunction parsed =
      parse_code("cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [%rd1], [%rd2], 16, [%rd3];");
  CHECK(parsed.instruction(0).modifiers == std::vector<std::string_view>{"async", "bulk", "shared::cta",
                                                                         "global",
                                                                         "mbarrier::complete_tx::bytes"});
}

TEST_CASE("register ranges and single registers are numbered in the order of the text") {
  const ParsedFunction parsed =
      parse_statements(".reg .b32 %r<3>, single, %x<2>; .reg .v2 .f32 %v; add.u32 %r2, single, %x0;");
  const std::vector<Register>& registers = parsed.function().registers;
  REQUIRE(registers.size() == 7);
  CHECK(registers[2].name == "%r");
  CHECK(registers[2].number == 2);
  CHECK(registers[3].name == "single");
  CHECK(registers[3].number == -1);
  CHECK(registers[6].vector_width == 2);
  CHECK(registers[6].type == ScalarType::f32);
  CHECK(parsed.operand<RegisterOperand>(0, 0).index == 2);
  CHECK(parsed.operand<RegisterOperand>(0, 1).index == 3);
  CHECK(parsed.operand<RegisterOperand>(0, 2).index == 4);
}

TEST_CASE("a range's prefix may end with digits") {
  const ParsedFunction parsed =
      parse_statements(".reg .b32 %x<2>, %x1<5>; mov.b32 %x1, 1; mov.b32 %x13, 1; mov.b32 %x10, 1;");
  CHECK(parsed.operand<RegisterOperand>(0, 0).index == 1);
  CHECK(parsed.operand<RegisterOperand>(1, 0).index == 5);
  CHECK(parsed.operand<RegisterOperand>(2, 0).index == 2);
}

TEST_CASE("what looks like a register of a range but lies outside is none") {
  const ParsedFunction parsed =
      parse_code("mov.b32 %r1, %r10; mov.b32 %r1, %r03; mov.b32 %r1, %r99999999999;");
  CHECK(parsed.operand<SpecialOperand>(0, 1).name == "%r10");
  CHECK(parsed.operand<SpecialOperand>(1, 1).name == "%r03");
  CHECK(parsed.operand<SpecialOperand>(2, 1).name == "%r99999999999");
}

TEST_CASE("numbers as operands") {
  const ParsedFunction parsed = parse_code(
      "mad.lo.s32 %r1, -5, 0x10U, 1<<4|1; fma.rn.f32 %f1, 0f3f800000, 0d4000000000000000, -1.5;"
      "mov.u32 %r1, WARP_SZ;");
  CHECK(parsed.operand<IntegerOperand>(0, 1).bits == static_cast<std::uint64_t>(-5));
  CHECK(parsed.operand<IntegerOperand>(0, 2).bits == 16);
  CHECK(parsed.operand<IntegerOperand>(0, 3).bits == 17);
  CHECK(parsed.operand<FloatOperand>(1, 1).is_f32_bits);
  CHECK(parsed.operand<FloatOperand>(1, 1).f32_bits == 0x3f800000);
  CHECK(parsed.operand<FloatOperand>(1, 2).value == 2.0);
  CHECK(parsed.operand<FloatOperand>(1, 3).value == -1.5);
  CHECK(parsed.operand<IntegerOperand>(2, 1).bits == 32);
}

TEST_CASE("special registers with and without component, and the discarded destination") {
  const ParsedFunction parsed = parse_code(
      "mov.u32 %r1, %tid.x; mov.u32 %r1, %laneid; mov.v4.u32 {%r1, _, %r2, %r3}, %ctaid; setp.eq.u32 _, "
      "%r1, 2;");
  CHECK(parsed.operand<SpecialOperand>(0, 1).name == "%tid.x");
  CHECK(parsed.operand<SpecialOperand>(1, 1).name == "%laneid");
  CHECK(parsed.operand<SpecialOperand>(2, 1).name == "%ctaid");
  CHECK(std::holds_alternative<DiscardOperand>(parsed.operand<VectorOperand>(2, 0).elements[1]));
  CHECK(std::holds_alternative<DiscardOperand>(parsed.instruction(3).operands[0]));
}

TEST_CASE("components of vector registers and selectors of video instructions") {
  const ParsedFunction parsed = parse_code(
      "mov.f32 %f1, %v.w; mov.f32 %f1, %v.g; vadd.s32.u32.s32 %r1, %r2.b0, %r3.h1, %r4;"
      "vadd4.s32.s32.s32 %r1.b310, %r2.b7654, %r3, %r4;");
  CHECK(parsed.operand<RegisterOperand>(0, 1).component == 'w');
  CHECK(parsed.operand<RegisterOperand>(1, 1).component == 'y');
  CHECK(parsed.operand<RegisterOperand>(2, 1).selector == "b0");
  CHECK(parsed.operand<RegisterOperand>(2, 2).selector == "h1");
  CHECK(parsed.operand<RegisterOperand>(2, 3).selector.empty());
  CHECK(parsed.operand<RegisterOperand>(3, 0).selector == "b310");
}

TEST_CASE("addresses: register, symbol or number with offsets of either sign") {
  const ParsedFunction parsed = parse_code(
      ".shared .b32 table[8]; ld.u32 %r1, [%rd1]; ld.u32 %r1, [%rd1+8]; ld.u32 %r1, [%rd1+-8]; ld.u32 %r1, "
      "[%rd1-8];"
      "ld.u32 %r1, [table+4*2]; ld.u32 %r1, [elsewhere-4]; ld.u32 %r1, [12]; ld.param.u64 %rd1, [pointer];");
  CHECK(std::get<RegisterOperand>(parsed.operand<AddressOperand>(0, 1).base).index == 15);
  CHECK(parsed.operand<AddressOperand>(0, 1).offset == 0);
  CHECK(parsed.operand<AddressOperand>(1, 1).offset == 8);
  CHECK(parsed.operand<AddressOperand>(2, 1).offset == -8);
  CHECK(parsed.operand<AddressOperand>(3, 1).offset == -8);

  const AddressOperand& table = parsed.operand<AddressOperand>(4, 1);
  CHECK(table.offset == 8);
  CHECK(std::get<SymbolOperand>(table.base).kind == SymbolKind::variable);
  CHECK(std::get<SymbolOperand>(table.base).index == 0);
  CHECK(std::get<SymbolOperand>(table.base).offset == 0);

  const AddressOperand& elsewhere = parsed.operand<AddressOperand>(5, 1);
  CHECK(elsewhere.offset == -4);
  CHECK(std::get<SymbolOperand>(elsewhere.base).kind == SymbolKind::global);
  CHECK(std::get<SymbolOperand>(elsewhere.base).name == "elsewhere");
  CHECK(std::get<IntegerOperand>(parsed.operand<AddressOperand>(6, 1).base).bits == 12);
  CHECK(std::get<SymbolOperand>(parsed.operand<AddressOperand>(7, 1).base).kind == SymbolKind::parameter);
}

TEST_CASE("vectors, pairs, negated predicates and symbols with offsets") {
  const ParsedFunction parsed = parse_code(
      "mov.b64 {%r1, 5}, %rd1; shfl.sync.idx.b32 %r1|%p1, %r2, 0, 31, -1; setp.eq.and.u32 %p1|_, %r1, %r2, "
      "!%p3;"
      "mov.u64 %rd1, elsewhere+16;");
  const VectorOperand& vector = parsed.operand<VectorOperand>(0, 0);
  REQUIRE(vector.elements.size() == 2);
  CHECK(std::get<RegisterOperand>(vector.elements[0]).index == 5);
  CHECK(std::get<IntegerOperand>(vector.elements[1]).bits == 5);
  CHECK(std::get<RegisterOperand>(parsed.operand<PairOperand>(1, 0).first).index == 5);
  CHECK(std::get<RegisterOperand>(parsed.operand<PairOperand>(1, 0).second).index == 1);
  CHECK(std::holds_alternative<DiscardOperand>(parsed.operand<PairOperand>(2, 0).second));
  CHECK(parsed.operand<NegatedOperand>(2, 3).reg.index == 3);
  CHECK(parsed.operand<SymbolOperand>(3, 1).offset == 16);
}

TEST_CASE("textures take their coordinates along") {
  const ParsedFunction parsed = parse_code(
      "tex.2d.v4.f32.f32 {%f1, %f2, %f3, %f4}, [%rd1, {%f5, %f6}]; tex.2d.v4.f32.f32 {%f1, %f2, %f3, %f4}, "
      "[t, s, {%f5, %f6}]; tex.1d.v4.f32.f32 {%f1, %f2, %f3, %f4}, [%rd1, %f5];");
  CHECK(parsed.operand<TextureOperand>(0, 1).handles.size() == 1);
  CHECK(parsed.operand<TextureOperand>(0, 1).coordinates.size() == 2);
  CHECK(parsed.operand<TextureOperand>(1, 1).handles.size() == 2);
  CHECK(parsed.operand<TextureOperand>(2, 1).handles.size() == 1);
  CHECK(parsed.operand<TextureOperand>(2, 1).coordinates.size() == 1);
}

TEST_CASE("calls: direct, without lists, through a pointer") {
  const ParsedFunction parsed = parse_code(R"({
    .param .b32 result;
    .param .b64 argument;
    call.uni (result), device, (argument, 5);
    call nothing;
    call without_result, (argument);
    prototype_0: .callprototype (.param .b32 _) _ (.param .b64 _, .param .align 8 .b8 _[16]) .noreturn;
    call (result), %rd1, (argument), prototype_0;
    targets_0: .calltargets device, other;
    call (result), %rd1, (argument), targets_0;
    call (%r1), in_registers, ();
  })");
  const Instruction& direct = parsed.instruction(0);
  CHECK(direct.modifiers == std::vector<std::string_view>{"uni"});
  REQUIRE(direct.operands.size() == 3);
  CHECK(std::get<SymbolOperand>(parsed.operand<ListOperand>(0, 0).elements.at(0)).kind ==
        SymbolKind::variable);
  CHECK(parsed.operand<SymbolOperand>(0, 1).name == "device");
  CHECK(parsed.operand<SymbolOperand>(0, 1).kind == SymbolKind::global);
  CHECK(parsed.operand<ListOperand>(0, 2).elements.size() == 2);

  CHECK(parsed.instruction(1).operands.size() == 1);
  CHECK(parsed.operand<ListOperand>(2, 1).elements.size() == 1);
  CHECK(parsed.operand<RegisterOperand>(3, 1).index == 15);
  CHECK(parsed.operand<SymbolOperand>(3, 3).kind == SymbolKind::target_list);
  CHECK(parsed.operand<SymbolOperand>(3, 3).index == 0);
  CHECK(parsed.operand<SymbolOperand>(4, 3).index == 1);
  CHECK(parsed.operand<ListOperand>(5, 2).elements.empty());

  REQUIRE(parsed.function().target_lists.size() == 2);
  const TargetList& prototype = parsed.function().target_lists[0];
  CHECK(prototype.kind == TargetList::Kind::call_prototype);
  CHECK(prototype.return_values.at(0).bytes() == 4);
  CHECK(prototype.parameters.at(1).bytes() == 16);
  const TargetList& targets = parsed.function().target_lists[1];
  CHECK(targets.kind == TargetList::Kind::call_targets);
  CHECK(targets.targets.at(1).name == "other");
  CHECK(targets.targets.at(1).kind == SymbolKind::global);
}

TEST_CASE("branch targets name labels that come later") {
  const ParsedFunction parsed =
      parse_code("table: .branchtargets A, B, A; brx.idx %r1, table; A: ret; B: bra.uni A;");
  CHECK(parsed.operand<SymbolOperand>(0, 1).kind == SymbolKind::target_list);
  const TargetList& list = parsed.function().target_lists.at(0);
  CHECK(list.kind == TargetList::Kind::branch_targets);
  REQUIRE(list.targets.size() == 3);
  CHECK(list.targets[1].kind == SymbolKind::label);
  CHECK(list.targets[1].index == 1);
  CHECK(list.targets[2].index == 0);
  CHECK(parsed.operand<SymbolOperand>(2, 0).index == 0);
  CHECK(parsed.function().label_count == 2);
}

TEST_CASE("labels of equal name in sibling blocks are different labels") {
  const ParsedFunction parsed = parse_code("{ bra WAIT; WAIT: } { bra WAIT; WAIT: } WAIT: bra WAIT;");
  CHECK(parsed.operand<SymbolOperand>(0, 0).index == 0);
  CHECK(parsed.operand<SymbolOperand>(1, 0).index == 1);
  CHECK(parsed.operand<SymbolOperand>(2, 0).index == 2);
}

TEST_CASE("a label is looked for outwards and never inwards") {
  const ParsedFunction parsed = parse_code("{ { bra OUT; } OUT: } { bra OUT; } OUT: bra IN; { IN: }");
  CHECK(parsed.operand<SymbolOperand>(0, 0).index == 0);
  CHECK(parsed.operand<SymbolOperand>(1, 0).index == 1);
  CHECK(parsed.operand<SymbolOperand>(2, 0).kind == SymbolKind::global);
}

TEST_CASE("registers and variables of inner blocks hide outer ones until their block ends") {
  const ParsedFunction parsed = parse_statements(R"(
    .reg .b32 %r<5>; .reg .b32 t; .param .b32 buffer;
    mov.b32 t, %r2;
    { .reg .b64 t; .reg .b16 %r2; .param .b64 buffer;
      mov.b32 t, %r2;
      { .reg .b32 %r<3>; mov.b32 t, %r2; mov.b32 t, %r4; st.param.b32 [buffer], %r1; }
    }
    mov.b32 t, %r2;
    st.param.b32 [buffer], t;)");
  CHECK(parsed.operand<RegisterOperand>(0, 0).index == 5);
  CHECK(parsed.operand<RegisterOperand>(0, 1).index == 2);
  CHECK(parsed.operand<RegisterOperand>(1, 0).index == 6);
  CHECK(parsed.operand<RegisterOperand>(1, 1).index == 7);
  CHECK(parsed.operand<RegisterOperand>(2, 1).index == 10);
  CHECK(parsed.operand<RegisterOperand>(3, 1).index == 4);
  CHECK(std::get<SymbolOperand>(parsed.operand<AddressOperand>(4, 0).base).index == 1);
  CHECK(parsed.operand<RegisterOperand>(5, 0).index == 5);
  CHECK(parsed.operand<RegisterOperand>(5, 1).index == 2);
  CHECK(std::get<SymbolOperand>(parsed.operand<AddressOperand>(6, 0).base).index == 0);
}

TEST_CASE("parameters in registers come first, return values before them") {
  const std::string text = with_header(
      ".func (.reg .u32 result) f(.reg .u32 a, .param .u64 p, .reg .f32 b) { .reg .b32 %r<2>; add.u32 "
      "result, a, %r1; ld.param.u64 b, [p]; }");
  Module module = parse_module(text);
  Function& function = module.functions[0];
  parse_body(function);
  REQUIRE(function.registers.size() == 5);
  CHECK(function.registers[0].name == "result");
  CHECK(function.registers[1].name == "a");
  CHECK(function.registers[2].type == ScalarType::f32);
  const auto& load = std::get<Instruction>(function.statements[1]);
  const auto& address = std::get<AddressOperand>(load.operands[1]);
  CHECK(std::get<SymbolOperand>(address.base).kind == SymbolKind::parameter);
  CHECK(std::get<SymbolOperand>(address.base).index == 1);
}

TEST_CASE("variables of a function") {
  const ParsedFunction parsed = parse_statements(
      ".local .align 8 .b8 __local_depot0[16]; .shared .f64 a, b[4]; .const .u32 c = 4; .global .u32 g[2] = "
      "{1};");
  const std::vector<Variable>& variables = parsed.function().variables;
  REQUIRE(variables.size() == 5);
  CHECK(variables[0].space == StateSpace::local);
  CHECK(variables[0].bytes() == 16);
  CHECK(variables[2].space == StateSpace::shared);
  CHECK(variables[2].bytes() == 32);
  CHECK(variables[3].initial_bytes == std::vector<std::uint8_t>{4, 0, 0, 0});
  CHECK(variables[4].bytes() == 8);
}

TEST_CASE("source locations, also of inlined code, and pragmas") {
  const ParsedFunction parsed = parse_statements(
      ".loc 1 23 4\n.pragma \"nounroll\";\n.loc 2 5 6, function_name $L__info_string0+12, inlined_at 1 23 "
      "4\nret;");
  const std::vector<Statement>& statements = parsed.function().statements;
  REQUIRE(statements.size() == 3);
  CHECK(std::get<SourceLocation>(statements[0]).file == 1);
  CHECK(std::get<SourceLocation>(statements[0]).line == 23);
  CHECK(std::get<SourceLocation>(statements[1]).file == 2);
  CHECK(std::get<Instruction>(statements[2]).opcode == "ret");
}

TEST_CASE("code that is inlined into inlined code has the caller that is not") {
  const ParsedFunction parsed = parse_statements(
      ".loc 2 414 2, function_name $L1, inlined_at 1 41 3\n.loc 2 409 9, function_name $L2, inlined_at 2 414 "
      "2\n"
      ".loc 2 300 1, function_name $L3, inlined_at 2 409 9\n.loc 2 409 9, function_name $L2, inlined_at 1 50 "
      "3\n"
      "ret;");
  const std::vector<Statement>& statements = parsed.function().statements;
  for (const std::size_t inner : {0, 1, 2}) {
    CHECK(std::get<SourceLocation>(statements[inner]).caller_file == 1);
    CHECK(std::get<SourceLocation>(statements[inner]).caller_line == 41);
  }
  CHECK(std::get<SourceLocation>(statements[3]).caller_line == 50);
}

TEST_CASE("labels stand between instructions, several in a row and at the end") {
  const ParsedFunction parsed = parse_statements("A: B: ret; C:");
  const std::vector<Statement>& statements = parsed.function().statements;
  REQUIRE(statements.size() == 4);
  CHECK(std::get<Label>(statements[1]).name == "B");
  CHECK(std::get<Label>(statements[1]).number == 1);
  CHECK(std::get<Label>(statements[3]).number == 2);
}

TEST_CASE("a body can be parsed again with the same result") {
  ParsedFunction parsed = parse_code("L: add.u32 %r1, %r2, %r3; bra L;");
  const std::size_t registers = parsed.function().registers.size();
  parse_body(parsed.module.functions.back());
  CHECK(parsed.function().registers.size() == registers);
  CHECK(parsed.function().statements.size() == 3);
  CHECK(parsed.function().label_count == 1);
}

}  // namespace
}  // namespace vgpu::ptx::test
