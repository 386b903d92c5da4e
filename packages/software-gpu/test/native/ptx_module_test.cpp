// Declarations of a module.
#include <doctest/doctest.h>

#include <cstring>

#include "ptx_support.h"

namespace vgpu::ptx::test {
namespace {

/// Keeps the text alive for as long as the module.
struct ParsedModule {
  explicit ParsedModule(std::string_view declarations)
      : text(with_header(declarations)), module(parse_module(text)) {}
  ParsedModule(const ParsedModule&) = delete;
  ParsedModule& operator=(const ParsedModule&) = delete;
  std::string text;
  Module module;
};

Variable variable(std::string_view declaration) {
  // Only names point into the text, and the tests that look at names keep it themselves.
  return ParsedModule(declaration).module.variables.back();
}

template <typename T>
std::vector<T> values(const Variable& variable) {
  std::vector<T> result(variable.initial_bytes.size() / sizeof(T));
  std::memcpy(result.data(), variable.initial_bytes.data(), result.size() * sizeof(T));
  return result;
}

TEST_CASE("a module states version, target and address size") {
  const ParsedModule parsed("");
  CHECK(parsed.module.version_major == 9);
  CHECK(parsed.module.version_minor == 0);
  CHECK(parsed.module.target == "sm_75");
  CHECK(parsed.module.address_size == 64);

  const Module module = parse_module(".version 8.12\n.target sm_90a, debug, texmode_independent\n");
  CHECK(module.version_major == 8);
  CHECK(module.version_minor == 12);
  CHECK(module.target == "sm_90a");
  CHECK(module.address_size == 64);
}

TEST_CASE("comments, strings with braces, files, sections and pragmas are passed over") {
  const ParsedModule parsed(R"(
    // { a comment }
    /* another {
       over two lines */
    .file 2 "src/{main}.cu", 123, 456
    .section .debug_str { $L__info_string0: .b8 1, 2, 3 .b8 "}" { } }
    .pragma "nounroll", "other";
    .entry k { /* } */ // }
      .pragma "}";
      ret;
    }
    .global .u32 after;)");
  REQUIRE(parsed.module.files.size() == 3);
  CHECK(parsed.module.files[2] == "src/{main}.cu");
  REQUIRE(parsed.module.functions.size() == 1);
  CHECK(parsed.module.functions[0].body_line == 11);
  REQUIRE(parsed.module.variables.size() == 1);
  CHECK(parsed.module.variables[0].line == 15);
}

TEST_CASE("a variable has space, linkage, type, alignment and dimensions") {
  const ParsedModule parsed(R"(
    .visible .global .align 16 .v4 .f32 quads[2][3];
    .extern .shared .align 8 .b8 dynamic[];
    .weak .const .u16 short_value;
    .common .global .b64 a, b;
    .extern .global .s8 bytes[];
    .global .texref texture;
    .global .attribute(.managed) .s32 managed;
    .global .attribute(.unified(19, 95)) .align 4 .f16x2 unified;)");
  const std::vector<Variable>& variables = parsed.module.variables;
  REQUIRE(variables.size() == 9);

  CHECK(variables[0].name == "quads");
  CHECK(variables[0].space == StateSpace::global);
  CHECK(variables[0].linkage == Linkage::visible);
  CHECK(variables[0].type == ScalarType::f32);
  CHECK(variables[0].vector_width == 4);
  CHECK(variables[0].alignment == 16);
  CHECK(variables[0].dimensions == std::vector<std::uint64_t>{2, 3});
  CHECK(variables[0].bytes() == 96);
  CHECK(variables[0].line == 5);

  CHECK(variables[1].linkage == Linkage::external);
  CHECK(variables[1].space == StateSpace::shared);
  CHECK(variables[1].bytes() == 0);
  CHECK(variables[1].alignment == 8);

  CHECK(variables[2].space == StateSpace::constant);
  CHECK(variables[2].linkage == Linkage::weak);
  CHECK(variables[2].alignment == 2);
  CHECK(variables[2].bytes() == 2);

  CHECK(variables[3].name == "a");
  CHECK(variables[4].name == "b");
  CHECK(variables[4].linkage == Linkage::common);
  CHECK(variables[5].dimensions == std::vector<std::uint64_t>{0});
  CHECK(variables[6].type == ScalarType::texref);
  CHECK(variables[7].managed);
  CHECK_FALSE(variables[8].managed);
  CHECK(variables[8].bytes() == 4);
}

TEST_CASE("every type has its size") {
  CHECK(size_of(ScalarType::none) == 0);
  CHECK(size_of(ScalarType::pred) == 0);
  CHECK(size_of(scalar_type(".b8")) == 1);
  CHECK(size_of(scalar_type("bf16")) == 2);
  CHECK(size_of(scalar_type("bf16x2")) == 4);
  CHECK(size_of(scalar_type("s64")) == 8);
  CHECK(size_of(scalar_type("b128")) == 16);
  CHECK(scalar_type("u33") == ScalarType::none);
  CHECK(scalar_type("") == ScalarType::none);
}

TEST_CASE("initial values of integers") {
  CHECK(values<std::uint32_t>(variable(".global .u32 a = 0x1FU;")) == std::vector<std::uint32_t>{31});
  CHECK(values<std::int8_t>(variable(".global .s8 a[4] = {-1, 2, -128};")) ==
        std::vector<std::int8_t>{-1, 2, -128});
  CHECK(values<std::uint16_t>(variable(".global .b16 a = 70000;")) == std::vector<std::uint16_t>{4464});
  CHECK(variable(".global .u32 a[3] = {};").initial_bytes.empty());
  CHECK(variable(".global .u32 a[3];").initial_bytes.empty());
}

TEST_CASE("rows that are not full are filled with zeros, and the text after the last value is not stored") {
  const Variable rows = variable(".global .u32 a[3][3] = {{1}, {2, 3}};");
  CHECK(values<std::uint32_t>(rows) == std::vector<std::uint32_t>{1, 0, 0, 2, 3});
  CHECK(rows.bytes() == 36);
  const Variable vectors = variable(".const .v2 .f32 a[2] = {{1.0, 2.0}, {0f40400000, 4.5}};");
  CHECK(values<float>(vectors) == std::vector<float>{1.0F, 2.0F, 3.0F, 4.5F});
}

TEST_CASE("the number of rows gives an array its length") {
  const Variable rows = variable(".global .u16 a[][2] = {{1, 2}, {3}, {4}};");
  CHECK(rows.dimensions == std::vector<std::uint64_t>{3, 2});
  CHECK(values<std::uint16_t>(rows) == std::vector<std::uint16_t>{1, 2, 3, 0, 4});
}

TEST_CASE("initial values of floating-point types") {
  CHECK(values<float>(variable(".global .f32 a[5] = {0f3f800000, 0d4000000000000000, 1.5, -2.5e1, .25};")) ==
        std::vector<float>{1.0F, 2.0F, 1.5F, -25.0F, 0.25F});
  CHECK(values<double>(variable(".global .f64 a[4] = {0f3F800000, 0d4000000000000000, -1., 1e3};")) ==
        std::vector<double>{1.0, 2.0, -1.0, 1000.0});
  CHECK(values<std::uint32_t>(variable(".global .b32 a = 0f7fc00001;")) ==
        std::vector<std::uint32_t>{0x7fc00001});
  CHECK(values<std::uint32_t>(variable(".global .f32 a = 0fffc12345;")) ==
        std::vector<std::uint32_t>{0xffc12345});
}

TEST_CASE("initial values that are addresses") {
  const ParsedModule parsed(R"(
    .global .u32 target[4];
    .global .u64 table[5] = {generic(target), 7, target+8, generic(target)+4, target-4};
    .global .u8 parts[3] = {0xff(target), 0xff00(generic(target)+4), 3};)");
  const Variable& table = parsed.module.variables[1];
  CHECK(values<std::uint64_t>(table) == std::vector<std::uint64_t>{0, 7, 0, 0, 0});
  REQUIRE(table.initial_addresses.size() == 4);
  CHECK(table.initial_addresses[0].symbol == "target");
  CHECK(table.initial_addresses[0].position == 0);
  CHECK(table.initial_addresses[0].size == 8);
  CHECK(table.initial_addresses[0].generic);
  CHECK(table.initial_addresses[0].mask == ~std::uint64_t{0});
  CHECK(table.initial_addresses[1].position == 16);
  CHECK(table.initial_addresses[1].addend == 8);
  CHECK_FALSE(table.initial_addresses[1].generic);
  CHECK(table.initial_addresses[2].addend == 4);
  CHECK(table.initial_addresses[3].addend == -4);

  const Variable& parts = parsed.module.variables[2];
  CHECK(values<std::uint8_t>(parts) == std::vector<std::uint8_t>{0, 0, 3});
  REQUIRE(parts.initial_addresses.size() == 2);
  CHECK(parts.initial_addresses[0].mask == 0xff);
  CHECK(parts.initial_addresses[1].mask == 0xff00);
  CHECK(parts.initial_addresses[1].generic);
  CHECK(parts.initial_addresses[1].addend == 4);
  CHECK(parts.initial_addresses[1].position == 1);
}

TEST_CASE("functions: kernels, device functions, declarations and aliases") {
  const ParsedModule parsed(R"(
    .visible .entry kernel(
      .param .u64 .ptr .global .align 16 pointer,
      .param .align 8 .b8 structure[24],
      .param .f32 factor)
    .maxntid 128, 2
    .minnctapersm 3
    .maxnreg 64
    { ret; }
    .entry bare .reqntid 4, 5, 6 .pragma "x"; { }
    .weak .func (.param .b32 result) device(.param .b64 p) .noreturn { }
    .extern .func nothing();
    .func .attribute(.unified(1, 2)) (.reg .u32 r) in_registers(.reg .u32 a, .reg .v2 .f32 b) { }
    .alias other, device;)");
  const std::vector<Function>& functions = parsed.module.functions;
  REQUIRE(functions.size() == 5);

  CHECK(functions[0].name == "kernel");
  CHECK(functions[0].is_entry);
  CHECK(functions[0].linkage == Linkage::visible);
  CHECK(functions[0].line == 5);
  CHECK(functions[0].body_line == 12);
  CHECK(functions[0].body_text == " ret; ");
  REQUIRE(functions[0].parameters.size() == 3);
  CHECK(functions[0].parameters[0].alignment == 8);
  CHECK(functions[0].parameters[1].bytes() == 24);
  CHECK(functions[0].parameters[1].alignment == 8);
  CHECK(functions[0].parameters[2].name == "factor");
  CHECK(functions[0].max_threads[0] == 128);
  CHECK(functions[0].max_threads[1] == 2);
  CHECK(functions[0].max_threads[2] == 1);
  CHECK(functions[0].minimum_blocks == 3);
  CHECK(functions[0].maximum_registers == 64);
  CHECK(functions[0].required_threads[0] == 0);

  CHECK(functions[1].parameters.empty());
  CHECK(functions[1].required_threads[2] == 6);
  CHECK_FALSE(functions[2].is_entry);
  CHECK(functions[2].linkage == Linkage::weak);
  CHECK(functions[2].return_values.at(0).name == "result");
  CHECK(functions[3].is_declaration);
  CHECK(functions[3].linkage == Linkage::external);
  CHECK(functions[4].parameters.at(1).vector_width == 2);
  CHECK(functions[4].parameters.at(1).space == StateSpace::reg);

  REQUIRE(parsed.module.aliases.size() == 1);
  CHECK(parsed.module.aliases[0].name == "other");
  CHECK(parsed.module.aliases[0].target == "device");
}

TEST_CASE("directives that only advise are accepted") {
  CHECK(error_of_module(
            ".entry k .maxnctapersm 2 .reqnctapercluster 2, 1, 1 .explicitcluster .maxclusterrank 8 "
            ".blocksareclusters .abi_preserve 3 .abi_preserve_control 2 { }") == "");
}

}  // namespace
}  // namespace vgpu::ptx::test
