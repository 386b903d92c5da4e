// wmma (PTX ISA 9.0, 9.7.14.4) from memory to memory, since how a fragment lies in registers is left open;
// and what instructions on matrices refuse.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "instruction_coverage.h"
#include "instruction_harness.h"
#include "instruction_reference.h"
#include "instruction_values.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

/// One of the four matrices of a product.
struct Operand {
  std::string name;  // "a"
  std::string type;
  std::string layout;  // "row" or "col"
  std::uint32_t rows;
  std::uint32_t columns;
  std::uint32_t
      padding;  // elements between two lines in memory; 0 leaves the distance out of the instruction
  std::uint32_t registers;

  [[nodiscard]] std::uint32_t bytes() const {
    if (type == "s8" || type == "u8") return 1;
    if (type == "f16" || type == "bf16") return 2;
    return type == "f64" ? 8 : 4;
  }
  [[nodiscard]] bool has_rows() const { return layout == "row"; }
  [[nodiscard]] std::uint32_t distance() const { return (has_rows() ? columns : rows) + padding; }
  [[nodiscard]] std::uint32_t memory_bytes() const {
    return (has_rows() ? rows : columns) * distance() * bytes();
  }
  [[nodiscard]] std::uint32_t place(std::uint32_t row, std::uint32_t column) const {
    return (has_rows() ? row * distance() + column : column * distance() + row) * bytes();
  }
  [[nodiscard]] std::string register_type() const { return bytes() == 8 ? ".b64" : ".b32"; }
  [[nodiscard]] std::string list() const {
    std::string text = "{";
    for (std::uint32_t i = 0; i < registers; ++i) text += (i == 0 ? "%" : ", %") + name + std::to_string(i);
    return text + "}";
  }
};

struct Product {
  std::uint32_t m, n, k;
  Operand a, b, c, d;
  std::string space;  // "global", "shared", or empty for generic addresses
  bool saturates = false;

  [[nodiscard]] std::string shape() const {
    return "m" + std::to_string(m) + "n" + std::to_string(n) + "k" + std::to_string(k);
  }
};

std::uint32_t accumulator_registers(const std::string& type, std::uint32_t elements) {
  return type == "f16" ? elements / 64 : elements / 32;
}

/// a and b of f16 take eight registers whatever the shape; of the others each element is held once.
std::uint32_t input_registers(const std::string& type, std::uint32_t elements, std::uint32_t bytes) {
  return type == "f16" ? 8 : bytes == 8 ? 1 : elements * bytes / 128;
}

Product product(std::array<std::uint32_t, 3> shape, const std::string& type_a, const std::string& type_b,
                const std::string& type_c, const std::string& type_d, std::size_t number) {
  const auto [m, n, k] = shape;
  const auto layout = [number](unsigned bit) { return number >> bit & 1 ? "col" : "row"; };
  const std::array<std::string, 3> spaces = {"shared", "global", ""};
  Product p{m,
            n,
            k,
            {"a", type_a, layout(0), m, k, number % 3 == 0 ? 0U : 8U, 0},
            {"b", type_b, number >> 1 & 1 ? "row" : "col", k, n, number % 3 == 1 ? 0U : 16U, 0},
            {"c", type_c, layout(2), m, n, number % 2 == 0 ? 0U : 4U, 0},
            {"d", type_d, layout(3), m, n, number % 2 == 1 ? 0U : 12U, 0},
            spaces[number % 3]};
  p.a.registers = input_registers(type_a, m * k, p.a.bytes());
  p.b.registers = input_registers(type_b, k * n, p.b.bytes());
  p.c.registers = accumulator_registers(type_c, m * n);
  p.d.registers = accumulator_registers(type_d, m * n);
  return p;
}

std::vector<Product> products() {
  constexpr std::array<std::array<std::uint32_t, 3>, 3> kShapes = {{{8, 32, 16}, {16, 16, 16}, {32, 8, 16}}};
  std::vector<Product> result;
  std::size_t number = 0;
  for (const auto& shape : kShapes) {
    for (const std::string c : {"f32", "f16"}) {
      for (const std::string d : {"f32", "f16"}) {
        // All layouts of a and b in every space, with those of c and d changing as well.
        for (int i = 0; i < 12; ++i) result.push_back(product(shape, "f16", "f16", c, d, number++));
      }
    }
    for (const std::string type : {"s8", "u8"}) {
      for (int i = 0; i < 6; ++i) result.push_back(product(shape, type, type, "s32", "s32", number++));
      result.back().saturates = true;
    }
    for (int i = 0; i < 6; ++i) result.push_back(product(shape, "bf16", "bf16", "f32", "f32", number++));
  }
  for (int i = 0; i < 6; ++i) result.push_back(product({16, 16, 8}, "tf32", "tf32", "f32", "f32", number++));
  for (int i = 0; i < 6; ++i) result.push_back(product({8, 8, 4}, "f64", "f64", "f64", "f64", number++));
  return result;
}

/// All threads of the warp copy `bytes` bytes, one by one.
std::string copy_loop(const std::string& name, const std::string& from_space, const std::string& from,
                      const std::string& to_space, const std::string& to, std::uint32_t bytes) {
  return "  mov.u64 %i, %lane;\n" + name + ":\n  add.u64 %from, " + from + ", %i;\n  add.u64 %to, " + to +
         ", %i;\n  ld." + from_space + ".u8 %byte, [%from];\n  st." + to_space +
         ".u8 [%to], %byte;\n  add.u64 %i, %i, 32;\n  setp.lt.u64 %p, %i, " + std::to_string(bytes) +
         ";\n  @%p bra " + name + ";\n  bar.warp.sync -1;\n";
}

std::string load_form(const Product& p, const Operand& operand) {
  return "wmma.load." + operand.name + ".sync.aligned." + operand.layout + "." + p.shape() +
         (p.space.empty() ? "" : "." + p.space) + "." + operand.type;
}
std::string store_form(const Product& p) {
  return "wmma.store.d.sync.aligned." + p.d.layout + "." + p.shape() +
         (p.space.empty() ? "" : "." + p.space) + "." + p.d.type;
}
std::string product_form(const Product& p) {
  std::string types = "." + p.d.type + "." + p.c.type;
  if (p.a.type != "f16") types = "." + p.d.type + "." + p.a.type + "." + p.b.type + "." + p.c.type;
  return "wmma.mma.sync.aligned." + p.a.layout + "." + p.b.layout + "." + p.shape() + types +
         (p.saturates ? ".satfinite" : "");
}

/// The address of an operand where the instruction finds it, and the distance of its lines.
std::string address(const Operand& operand) {
  return "[%" + operand.name + "_at]";
}
std::string distance(const Operand& operand) {
  return operand.padding == 0 ? "" : ", %" + operand.name + "_distance";
}

Program program_of(const Product& p) {
  std::string text =
      std::string(kPtxHeader) +
      ".visible .entry test(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 d)\n{\n"
      "  .reg .pred %p;\n  .reg .b32 %t;\n  .reg .b16 %byte;\n  .reg .b64 %i, %from, %to, %lane;\n"
      "  mov.u32 %t, %tid.x;\n  cvt.u64.u32 %lane, %t;\n";
  const bool in_shared = p.space == "shared";
  for (const Operand* operand : {&p.a, &p.b, &p.c, &p.d}) {
    const std::string& name = operand->name;
    text += "  .reg " + operand->register_type() + " %" + name + "<" + std::to_string(operand->registers) +
            ">;\n  .reg .b64 %" + name + "_at, %" + name + "_global;\n  .reg .b32 %" + name +
            "_distance;\n  mov.u32 %" + name + "_distance, " + std::to_string(operand->distance()) +
            ";\n  ld.param.u64 %" + name + "_global, [" + name + "];\n  mov.u64 %" + name + "_at, %" + name +
            "_global;\n";
    if (!in_shared) continue;
    text += "  .shared .align 32 .b8 " + name + "_tile[" + std::to_string(operand->memory_bytes()) +
            "];\n  mov.u64 %" + name + "_at, " + name + "_tile;\n";
    text += copy_loop("IN_" + name, "global", "%" + name + "_global", "shared", "%" + name + "_at",
                      operand->memory_bytes());
  }
  for (const Operand* operand : {&p.a, &p.b, &p.c}) {
    text += "  " + load_form(p, *operand) + " " + operand->list() + ", " + address(*operand) +
            distance(*operand) + ";\n";
  }
  text += "  " + product_form(p) + " " + p.d.list() + ", " + p.a.list() + ", " + p.b.list() + ", " +
          p.c.list() + ";\n  " + store_form(p) + " " + address(p.d) + ", " + p.d.list() + distance(p.d) +
          ";\n";
  if (in_shared) {
    text += "  bar.warp.sync -1;\n" +
            copy_loop("OUT", "shared", "%d_at", "global", "%d_global", p.d.memory_bytes());
  }
  Program program{product_form(p) + " in " + (p.space.empty() ? "generic" : p.space) + " memory",
                  text + "  ret;\n}\n",
                  {load_form(p, p.a), load_form(p, p.b), load_form(p, p.c), product_form(p), store_form(p)}};
  return program;
}

std::uint64_t bits_of(const std::string& type, int value) {
  if (type == "f16") return narrow_to_half(value, Rounding::nearest_even).bits;
  if (type == "bf16") return narrow_to_bfloat(value, Rounding::nearest_even).bits;
  if (type == "f32" || type == "tf32") return to_bits(static_cast<float>(value));
  if (type == "f64") return to_bits(static_cast<double>(value));
  return static_cast<std::uint32_t>(value);
}

/// A matrix of integers so small that every sum is exact in every type, written to `memory` between other
/// bytes.
std::vector<int> fill(const Operand& operand, std::span<std::byte> memory, Random& random) {
  std::ranges::generate(memory, [&random] { return static_cast<std::byte>(random.next()); });
  std::vector<int> values;
  for (std::uint32_t row = 0; row < operand.rows; ++row) {
    for (std::uint32_t column = 0; column < operand.columns; ++column) {
      const int value = static_cast<int>(random.below(11)) - (operand.type == "u8" ? 0 : 5);
      const std::uint64_t bits = bits_of(operand.type, value);
      std::memcpy(memory.data() + operand.place(row, column), &bits, operand.bytes());
      values.push_back(value);
    }
  }
  return values;
}

void check_product(const Product& p, Gpu& gpu, Module& module) {
  DeviceBuffer a(gpu, p.a.memory_bytes());
  DeviceBuffer b(gpu, p.b.memory_bytes());
  DeviceBuffer c(gpu, p.c.memory_bytes());
  DeviceBuffer d(gpu, p.d.memory_bytes());
  Random random(p.m * 7 + p.k);
  const std::vector<int> a_values = fill(p.a, a.bytes(), random);
  const std::vector<int> b_values = fill(p.b, b.bytes(), random);
  std::vector<int> sums = fill(p.c, c.bytes(), random);
  fill(p.d, d.bytes(), random);
  std::vector<std::byte> expected(d.bytes().begin(), d.bytes().end());
  for (std::uint32_t row = 0; row < p.m; ++row) {
    for (std::uint32_t column = 0; column < p.n; ++column) {
      int& sum = sums[row * p.n + column];
      for (std::uint32_t k = 0; k < p.k; ++k) sum += a_values[row * p.k + k] * b_values[k * p.n + column];
      const std::uint64_t bits = bits_of(p.d.type, sum);
      std::memcpy(expected.data() + p.d.place(row, column), &bits, p.d.bytes());
    }
  }
  Parameters parameters;
  parameters.add(a.address()).add(b.address()).add(c.address()).add(d.address());
  launch(gpu, module.kernel("test"), {1, 1, 1}, {32, 1, 1}, parameters);
  // What lies between the lines must not change either.
  CHECK(std::ranges::equal(d.bytes(), expected));
}

std::string kernel_with(const std::string& body) {
  return std::string(kPtxHeader) +
         ".visible .entry test(.param .u64 address)\n{\n  .reg .pred %p;\n  .reg .b32 %r<16>;\n  .reg .f64 "
         "%f<16>;\n"
         "  .reg .b64 %a;\n  .reg .b32 %t;\n  ld.param.u64 %a, [address];\n  mov.u32 %t, %tid.x;\n" +
         body + "  ret;\n}\n";
}

struct Failure {
  Status status = Status::success;
  std::string message;
};

Failure failure_of(Gpu& gpu, const std::string& ptx, std::uint64_t address) {
  try {
    const std::unique_ptr<Module> module = load(gpu, ptx);
    Parameters parameters;
    parameters.add(address);
    launch(gpu, module->kernel("test"), {1, 1, 1}, {32, 1, 1}, parameters);
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
  return {};
}

}  // namespace

std::vector<Program> matrix_programs() {
  std::vector<Program> programs;
  for (const Product& p : products()) programs.push_back(program_of(p));
  return programs;
}

TEST_CASE("instructions: products of matrices between pieces of memory") {
  for (const Product& p : products()) {
    run_program(program_of(p), [&p](Gpu& gpu, Module& module) { check_product(p, gpu, module); });
  }
}

TEST_CASE("instructions: a part of a warp cannot take part in a product") {
  const std::string ptx = kernel_with(
      "  setp.lt.u32 %p, %t, 20;\n"
      "  @%p mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%r0, %r1}, {%r2}, {%r3}, {%r4, %r5};\n");
  for (const std::unique_ptr<Gpu>& gpu : gpus()) {
    const Failure failure = failure_of(*gpu, ptx, 0);
    CHECK(failure.status == Status::illegal_instruction);
    CHECK(failure.message.find("20 of the warp's 32 threads") != std::string::npos);
  }
}

TEST_CASE("instructions: a product waits for lanes that come late") {
  const std::string ptx = kernel_with(
      "  setp.lt.u32 %p, %t, 7;\n  mov.u32 %r6, 100;\n  @!%p bra TOGETHER;\n"
      // Long enough for the others to stop waiting at the join.
      "NAP:\n  nanosleep.u32 20;\n  sub.u32 %r6, %r6, 1;\n  setp.gt.u32 %p, %r6, 0;\n  @%p bra NAP;\n"
      "TOGETHER:\n  mov.u32 %r2, 0x01010101;\n  mov.u32 %r3, 0x02020202;\n  mov.u32 %r4, %t;\n"
      "  mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%r0, %r1}, {%r2}, {%r3}, {%r4, %r4};\n"
      "  mad.wide.u32 %a, %t, 4, %a;\n  st.global.u32 [%a], %r1;\n");
  for (const std::unique_ptr<Gpu>& gpu : gpus()) {
    const std::unique_ptr<Module> module = load(*gpu, ptx);
    DeviceBuffer out(*gpu, 32 * sizeof(std::uint32_t));
    launch(*gpu, module->kernel("test"), {1, 1, 1}, {32, 1, 1}, Parameters().add(out.address()));
    std::uint32_t right = 0;
    for (std::uint32_t lane = 0; lane < 32; ++lane) {
      if (out.as<std::uint32_t>()[lane] == 32 + lane) ++right;
    }
    CHECK(right == 32);
  }
}

TEST_CASE("instructions: accesses of matrices are checked") {
  struct Fault {
    std::string instruction;
    std::int64_t offset;  // from the end of a buffer of 1,024 bytes
    Status status;
  };
  const std::string load =
      "wmma.load.a.sync.aligned.row.m8n32k16.global.f16 {%r0,%r1,%r2,%r3,%r4,%r5,%r6,%r7}, [%a]";
  const std::string store = "wmma.store.d.sync.aligned.row.m8n32k16.global.f16 [%a], {%r0,%r1,%r2,%r3}";
  const std::vector<Fault> faults = {
      {load + ";", -256, Status::success},
      {load + ";", -254, Status::illegal_address},
      {load + ", 24;", -368, Status::success},
      {load + ", 24;", -366, Status::illegal_address},
      {load + ";", -257, Status::misaligned_address},
      {store + ";", -512, Status::success},
      {store + ";", -510, Status::illegal_address},
      {"ldmatrix.sync.aligned.m8n8.x1.b16 %r0, [%a];", -16, Status::success},
      {"ldmatrix.sync.aligned.m8n8.x1.b16 %r0, [%a];", -12, Status::misaligned_address},
      {"ldmatrix.sync.aligned.m8n8.x1.b16 %r0, [%a];", 1 << 20, Status::illegal_address},
  };
  for (const std::unique_ptr<Gpu>& gpu : gpus()) {
    for (const Fault& fault : faults) {
      INFO(fault.instruction << " at end " << fault.offset);
      DeviceBuffer buffer(*gpu, 1024);
      const std::uint64_t address = buffer.address() + 1024 + static_cast<std::uint64_t>(fault.offset);
      CHECK(failure_of(*gpu, kernel_with("  " + fault.instruction + "\n"), address).status == fault.status);
    }
  }
}

TEST_CASE("instructions: forms of matrix instructions that do not exist here are refused by name") {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"mma.sync.aligned.m8n8k4.row.col.f16.f16.f16.f16",
       " {%r0,%r1,%r2,%r3}, {%r0,%r1}, {%r0,%r1}, {%r0,%r1,%r2,%r3};"},
      {"mma.sync.aligned.m8n8k32.row.col.s32.s4.s4.s32", " {%r0,%r1}, {%r2}, {%r3}, {%r4,%r5};"},
      {"mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64",
       " {%f0,%f1,%f2,%f3}, {%f4,%f5}, {%f6}, {%f0,%f1,%f2,%f3};"},
      {"mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc", " {%r0,%r1}, {%r2}, {%r3}, {%r4,%r5};"},
      {"wmma.load.a.sync.aligned.row.m8n8k32.s4", " {%r0}, [%a];"},
      {"ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8", " {%r0,%r1}, [%r2];"},
  };
  for (const auto& [form, operands] : refused) {
    const Failure failure = failure_of(*gpus().front(), kernel_with("  " + form + operands + "\n"), 0);
    INFO(failure.message);
    CHECK(failure.status == Status::not_supported);
    CHECK(failure.message.find("'" + form + "'") != std::string::npos);
  }
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
