// State spaces and addresses (PTX ISA 9.0, chapters 5 and 6; cvta and isspacep 9.7.9.18–9.7.9.20).
#include <doctest/doctest.h>

#include <algorithm>

#include "instruction_coverage.h"
#include "instruction_harness.h"
#include "instruction_values.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

std::string text(std::string body) {
  return std::string(kPtxHeader) + std::move(body);
}

const std::array<std::string, 4> kSpaces = {"global", "shared", "local", "const"};

struct ParameterLoad {
  std::string type;
  unsigned bytes;
  bool is_signed;
  unsigned offset;
};

/// One load of each type from a parameter that is an array of bytes, at an offset of its own.
std::vector<ParameterLoad> parameter_loads() {
  std::vector<ParameterLoad> loads;
  unsigned offset = 0;
  for (const std::string kind : {"b", "u", "s", "f"}) {
    for (const unsigned bytes : {1U, 2U, 4U, 8U}) {
      if (kind == "f" && bytes < 4) continue;
      offset = (offset + bytes - 1) / bytes * bytes;
      loads.push_back({kind + std::to_string(bytes * 8), bytes, kind == "s", offset});
      offset += bytes;
    }
  }
  return loads;
}

constexpr unsigned kParameterBytes = 64;

Program parameter_program() {
  Program program{"parameters", "", {}};
  std::string body = "  ld.param.u64 %out, [out];\n";
  unsigned slot = 0;
  for (const ParameterLoad& load : parameter_loads()) {
    const std::string opcode = "ld.param." + load.type;
    // 8- and 16-bit values are extended to a 32-bit register.
    const std::string bits = load.bytes == 8 ? "64" : "32";
    body += "  " + opcode + " %r" + bits + ", [bytes+" + std::to_string(load.offset) + "];\n  st.global.b" +
            bits + " [%out+" + std::to_string(slot++ * 8) + "], %r" + bits + ";\n";
    program.forms.push_back(opcode);
  }
  for (const std::string opcode : {"ld.param.v2.u32", "ld.param.v2.f32", "ld.param.v2.u8"}) {
    body += "  " + opcode + " {%r32, %s32}, [bytes+8];\n  xor.b32 %r32, %r32, %s32;\n  st.global.b32 [%out+" +
            std::to_string(slot++ * 8) + "], %r32;\n";
    program.forms.push_back(opcode);
  }
  program.ptx = text(
      ".visible .entry test(.param .u8 first, .param .align 8 .b8 bytes[64], .param .u64 out)\n{\n"
      "  .reg .b32 %r32, %s32;\n  .reg .b64 %r64, %out;\n" +
      body + "  ret;\n}\n");
  return program;
}

const char* const kGlobalVariables = R"(.visible .global .align 4 .u32 counter = 41;
.visible .global .align 8 .f64 factors[3] = {0.5, 0d4000000000000000, -1.25};
.global .align 2 .s16 small[4] = {-1, 2, -3};
.const .align 4 .b32 offsets[4] = {10, 20, 30, 40};
.const .align 8 .f64 ratio = 0.25;
.visible .global .align 8 .u64 pointer = generic(counter);

.visible .entry test(.param .u64 out)
{
  .reg .b32 %r;
  .reg .b64 %out, %a, %d, %i;
  .reg .b16 %h;
  ld.param.u64 %out, [out];
  cvta.to.global.u64 %out, %out;
  ld.global.u32 %r, [counter];
  add.u32 %r, %r, 1;
  st.global.u32 [counter], %r;
  st.global.u32 [%out], %r;
  ld.global.f64 %d, [factors+16];
  st.global.f64 [%out+8], %d;
  mov.u64 %a, factors;
  add.s64 %a, %a, 24;
  ld.global.f64 %d, [%a+-16];
  st.global.f64 [%out+16], %d;
  ld.global.s16 %r, [small+4];
  st.global.u32 [%out+24], %r;
  ld.global.s16 %r, [small+6];
  st.global.u32 [%out+32], %r;
  mov.u64 %a, offsets;
  cvta.const.u64 %a, %a;
  ld.u32 %r, [%a+8];
  st.global.u32 [%out+40], %r;
  ld.const.f64 %d, [ratio];
  st.global.f64 [%out+48], %d;
  ld.global.u64 %a, [pointer];
  ld.u32 %r, [%a];
  st.global.u32 [%out+56], %r;
  ld.const.u32 %r, [offsets+12];
  st.global.u32 [%out+64], %r;
  ret;
}
)";

// Every thread keeps an array of its own in local memory, reached by direct, computed and generic addresses;
// and a shared one, static and dynamic.
const char* const kThreadArrays = R"(.extern .shared .align 16 .b8 dynamic[];

.visible .entry test(.param .u64 out)
{
  .local .align 8 .b8 frame[64];
  .shared .align 4 .b32 fixed[64];
  .reg .pred %p;
  .reg .b32 %i, %t, %v, %sum, %s, %j;
  .reg .b64 %out, %l, %g, %w, %d;
  ld.param.u64 %out, [out];
  mov.u32 %t, %tid.x;
  mov.u64 %l, frame;
  cvta.local.u64 %g, %l;
  mov.u32 %i, 0;
FILL:
  mad.lo.u32 %v, %t, 100, %i;
  mul.wide.u32 %w, %i, 4;
  add.s64 %w, %g, %w;
  st.u32 [%w], %v;
  add.u32 %i, %i, 1;
  setp.lt.u32 %p, %i, 16;
  @%p bra FILL;
  cvta.to.local.u64 %w, %g;
  and.b32 %j, %t, 15;
  mul.wide.u32 %d, %j, 4;
  add.s64 %w, %w, %d;
  ld.local.u32 %sum, [%w];
  ld.local.u32 %v, [frame+60];
  add.u32 %sum, %sum, %v;
  mov.u32 %s, fixed;
  mad.lo.u32 %s, %t, 4, %s;
  st.shared.u32 [%s], %sum;
  mov.u32 %s, dynamic;
  mad.lo.u32 %s, %t, 8, %s;
  st.shared.u32 [%s+4], %t;
  bar.sync 0;
  xor.b32 %j, %t, 63;
  mov.u32 %s, fixed;
  mad.lo.u32 %s, %j, 4, %s;
  ld.shared.u32 %v, [%s];
  mov.u64 %l, dynamic;
  cvta.shared.u64 %g, %l;
  mad.wide.u32 %w, %j, 8, %g;
  ld.u32 %j, [%w+4];
  cvta.to.shared.u64 %w, %w;
  ld.shared.u32 %s, [%w+4];
  add.u32 %v, %v, %j;
  add.u32 %v, %v, %s;
  mad.wide.u32 %out, %t, 4, %out;
  st.global.u32 [%out], %v;
  ret;
}
)";

/// For a generic address in `space`, a bit for each window that it falls into.
Program window_program(const std::string& space) {
  Program program{"windows of " + space, "", {"isspacep." + space, "cvta." + space + ".u64"}};
  std::string body = R"(.global .align 4 .b32 global_variable;
.const .align 4 .b32 const_variable = 1;

.visible .entry test(.param .u64 out)
{
  .local .align 4 .b8 local_variable[16];
  .shared .align 4 .b8 shared_variable[16];
  .reg .pred %p;
  .reg .b32 %bits, %bit;
  .reg .b64 %out, %address;
  ld.param.u64 %out, [out];
  mov.u32 %bits, 0;
)";
  body += "  mov.u64 %address, " + space + "_variable;\n  cvta." + space + ".u64 %address, %address;\n";
  // The constant window is asked about apart from the others, so that a refusal of it hides nothing else.
  const std::size_t windows = space == "const" ? kSpaces.size() : kSpaces.size() - 1;
  for (std::size_t window = 0; window < windows; ++window) {
    body += "  isspacep." + kSpaces[window] + " %p, %address;\n  selp.b32 %bit, " +
            std::to_string(1U << window) + ", 0, %p;\n  or.b32 %bits, %bits, %bit;\n";
  }
  program.ptx = text(body + "  st.global.u32 [%out], %bits;\n  ret;\n}\n");
  return program;
}

Program variable_program() {
  return {"variables",
          text(kGlobalVariables),
          {"cvta.to.global.u64", "cvta.const.u64", "ld.const.f64", "ld.const.u32"}};
}

Program array_program() {
  return {"arrays of a thread",
          text(kThreadArrays),
          {"cvta.local.u64", "cvta.to.local.u64", "cvta.shared.u64", "cvta.to.shared.u64", "bar.sync"}};
}

}  // namespace

std::vector<Program> space_programs() {
  std::vector<Program> programs = {parameter_program(), variable_program(), array_program()};
  for (const std::string& space : kSpaces) programs.push_back(window_program(space));
  return programs;
}

TEST_CASE("instructions: parameters of every type") {
  std::array<std::uint8_t, kParameterBytes> bytes{};
  for (unsigned i = 0; i < kParameterBytes; ++i) bytes[i] = static_cast<std::uint8_t>(i * 73 + 140);
  run_program(parameter_program(), [&](Gpu& gpu, Module& module) {
    const Kernel& kernel = module.kernel("test");
    REQUIRE(kernel.parameters().size() == 3);
    CHECK(kernel.parameters()[0].offset == 0);
    CHECK(kernel.parameters()[0].bytes == 1);
    CHECK(kernel.parameters()[1].offset == 8);
    CHECK(kernel.parameters()[1].bytes == 64);
    CHECK(kernel.parameters()[2].offset == 72);
    CHECK(kernel.parameter_bytes() == 80);
    DeviceBuffer out(gpu, 256);
    Parameters parameters;
    parameters.add(std::uint64_t{5}).add(bytes).add(out.address());
    launch(gpu, kernel, {1, 1, 1}, {1, 1, 1}, parameters);
    unsigned slot = 0;
    for (const ParameterLoad& load : parameter_loads()) {
      INFO("ld.param." << load.type);
      std::uint64_t value = 0;
      for (unsigned i = 0; i < load.bytes; ++i) value |= std::uint64_t{bytes[load.offset + i]} << (8 * i);
      if (load.is_signed && ((value >> (load.bytes * 8 - 1)) & 1) != 0) value |= ~bits_mask(load.bytes * 8);
      const std::uint64_t mask = load.bytes == 8 ? ~std::uint64_t{0} : bits_mask(32);
      CHECK((out.as<std::uint64_t>()[slot++] & mask) == (value & mask));
    }
    std::uint32_t both = 0;
    for (unsigned i = 0; i < 4; ++i)
      both |= static_cast<std::uint32_t>(bytes[8 + i] ^ bytes[12 + i]) << (8 * i);
    CHECK(out.as<std::uint64_t>()[slot] == both);
    CHECK(out.as<std::uint64_t>()[slot + 1] == both);
    CHECK(out.as<std::uint64_t>()[slot + 2] == (bytes[8] ^ bytes[9]));
  });
}

TEST_CASE("instructions: variables of a module") {
  run_program(variable_program(), [](Gpu& gpu, Module& module) {
    DeviceBuffer out(gpu, 72);
    Parameters parameters;
    parameters.add(out.address());
    launch(gpu, module.kernel("test"), {1, 1, 1}, {1, 1, 1}, parameters);
    const auto words = out.as<std::uint64_t>();
    CHECK(words[0] == 42);
    CHECK(from_bits<double>(words[1]) == -1.25);
    CHECK(from_bits<double>(words[2]) == 2.0);
    CHECK(words[3] == 0xfffffffd);
    CHECK(words[4] == 0);  // not initialised: zero
    CHECK(words[5] == 30);
    CHECK(from_bits<double>(words[6]) == 0.25);
    CHECK(words[7] == 42);
    CHECK(words[8] == 40);
    const std::optional<Global> counter = module.global("counter");
    REQUIRE(counter.has_value());
    CHECK(counter->bytes == 4);
    std::uint32_t value = 0;
    std::memcpy(&value, gpu.memory().bytes(counter->address, 4).data(), 4);
    CHECK(value == 42);
  });
}

TEST_CASE("instructions: local and shared arrays") {
  run_program(array_program(), [](Gpu& gpu, Module& module) {
    constexpr std::uint32_t kThreads = 64;
    DeviceBuffer out(gpu, std::size_t{kThreads} * 4);
    Parameters parameters;
    parameters.add(out.address());
    launch(gpu, module.kernel("test"), {1, 1, 1}, {kThreads, 1, 1}, parameters, kThreads * 8);
    for (std::uint32_t t = 0; t < kThreads; ++t) {
      const std::uint32_t other = t ^ 63;
      const std::uint32_t sum = (other * 100 + (other & 15)) + (other * 100 + 15);
      INFO("thread " << t);
      CHECK(out.as<std::uint32_t>()[t] == sum + 2 * other);
    }
  });
}

TEST_CASE("instructions: windows of generic addresses") {
  for (unsigned space = 0; space < kSpaces.size(); ++space) {
    run_program(window_program(kSpaces[space]), [space](Gpu& gpu, Module& module) {
      DeviceBuffer out(gpu, 4);
      Parameters parameters;
      parameters.add(out.address());
      launch(gpu, module.kernel("test"), {1, 1, 1}, {1, 1, 1}, parameters);
      CHECK(out.as<std::uint32_t>()[0] == 1U << space);
    });
  }
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
