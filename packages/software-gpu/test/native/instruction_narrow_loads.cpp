// Loads of 16 bits or less from parameters and from constant memory, with all the values that there are.
// (Loads from other spaces take any value that a test stores there first: instruction_rows_memory.cpp.)
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <numeric>

#include "instruction_counts.h"
#include "instruction_coverage.h"
#include "instruction_harness.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

constexpr unsigned kValues = 65'536;
constexpr std::array<const char*, 6> kTypes = {"b16", "u16", "s16", "b8", "u8", "s8"};

/// What a load extends the value to; of 8 bits it sees the low half.
std::uint32_t extended(unsigned type, std::uint32_t value) {
  const bool is_signed = *kTypes[type] == 's';
  if (type < 3) {
    const auto narrow = static_cast<std::uint16_t>(value);
    return is_signed ? static_cast<std::uint32_t>(static_cast<std::int16_t>(narrow)) : narrow;
  }
  const auto narrow = static_cast<std::uint8_t>(value);
  return is_signed ? static_cast<std::uint32_t>(static_cast<std::int8_t>(narrow)) : narrow;
}

std::string load_and_store(const std::string& space, const std::string& address, unsigned slot) {
  std::string body;
  for (const std::string type : kTypes) {
    body += "  ld." + space + "." + type + " %r, [" + address + "];\n  st.global.b32 [%out+" +
            std::to_string(slot * 4) + "], %r;\n";
    slot += 1;
  }
  return body;
}

constexpr unsigned kPerLaunch = 16;
constexpr unsigned kParameterSlots = kTypes.size() + 1;

/// One thread loads each of sixteen values from an array that is a parameter.
Program parameter_program() {
  Program program{"narrow parameters", "", {"ld.param.v2.u8"}};
  for (const std::string type : kTypes) program.forms.push_back("ld.param." + type);
  std::string body = "  ld.param.u64 %out, [out];\n";
  for (unsigned i = 0; i < kPerLaunch; ++i) {
    const std::string address = "values+" + std::to_string(i * 2);
    const unsigned slot = i * kParameterSlots;
    body += load_and_store("param", address, slot) + "  ld.param.v2.u8 {%r, %high}, [" + address +
            "];\n  mad.lo.u32 %r, %high, 65536, %r;\n  st.global.b32 [%out+" +
            std::to_string((slot + kTypes.size()) * 4) + "], %r;\n";
  }
  program.ptx = std::string(kPtxHeader) +
                ".visible .entry test(.param .align 2 .b8 values[32], .param .u64 out)\n{\n"
                "  .reg .b32 %r, %high;\n  .reg .b64 %out;\n" +
                body + "  ret;\n}\n";
  return program;
}

constexpr unsigned kTableEntries = kValues / 2;  // as many as constant memory has room for

/// Each thread loads an entry of a table that holds the values from `first` on.
Program constant_program(unsigned first) {
  Program program{"narrow constants from " + std::to_string(first), "", {}};
  for (const std::string type : kTypes) program.forms.push_back("ld.const." + type);
  std::string table;
  for (unsigned i = 0; i < kTableEntries; ++i) table += (i == 0 ? "" : ", ") + std::to_string(first + i);
  program.ptx = std::string(kPtxHeader) + ".const .align 2 .u16 table[" + std::to_string(kTableEntries) +
                "] = {" + table + R"(};
.visible .entry test(.param .u64 out)
{
  .reg .b32 %r, %thread, %block;
  .reg .b64 %out, %entry;
  ld.param.u64 %out, [out];
  mov.u32 %thread, %tid.x;
  mov.u32 %block, %ctaid.x;
  mad.lo.u32 %thread, %block, 256, %thread;
  mov.u64 %entry, table;
  mad.wide.u32 %entry, %thread, 2, %entry;
  mad.wide.u32 %out, %thread, 24, %out;
)" + load_and_store("const", "%entry", 0) +
                "  ret;\n}\n";
  return program;
}

}  // namespace

std::vector<Program> narrow_load_programs() {
  return {parameter_program(), constant_program(0), constant_program(kTableEntries)};
}

TEST_CASE("instructions: every value of a narrow parameter") {
  const Program program = parameter_program();
  run_program(program, [](Gpu& gpu, Module& module) {
    DeviceBuffer out(gpu, std::size_t{kPerLaunch} * kParameterSlots * 4);
    std::size_t wrong = 0;
    for (unsigned first = 0; first < kValues; first += kPerLaunch) {
      std::array<std::uint16_t, kPerLaunch> values{};
      std::iota(values.begin(), values.end(), static_cast<std::uint16_t>(first));
      Parameters parameters;
      parameters.add(values).add(out.address());
      launch(gpu, module.kernel("test"), {1, 1, 1}, {1, 1, 1}, parameters);
      const auto slots = out.as<std::uint32_t>();
      for (unsigned i = 0; i < kPerLaunch; ++i) {
        const std::uint32_t value = first + i;
        const auto own = slots.subspan(std::size_t{i} * kParameterSlots, kParameterSlots);
        for (unsigned type = 0; type < kTypes.size(); ++type) {
          wrong += own[type] == extended(type, value) ? 0U : 1U;
        }
        wrong += own[kTypes.size()] == ((value >> 8 << 16) | (value & 0xff)) ? 0U : 1U;
      }
    }
    CHECK(wrong == 0);
  });
  count_all_values(program.forms, kValues);
}

TEST_CASE("instructions: every value of a narrow constant") {
  for (const unsigned first : {0U, kTableEntries}) {
    const Program program = constant_program(first);
    run_program(program, [first](Gpu& gpu, Module& module) {
      DeviceBuffer out(gpu, std::size_t{kTableEntries} * kTypes.size() * 4);
      Parameters parameters;
      parameters.add(out.address());
      launch(gpu, module.kernel("test"), {kTableEntries / 256, 1, 1}, {256, 1, 1}, parameters);
      const auto slots = out.as<std::uint32_t>();
      std::size_t wrong = 0;
      for (unsigned i = 0; i < kTableEntries; ++i) {
        for (unsigned type = 0; type < kTypes.size(); ++type) {
          wrong += slots[i * kTypes.size() + type] == extended(type, first + i) ? 0U : 1U;
        }
      }
      CHECK(wrong == 0);
    });
    count_all_values(program.forms, kTableEntries);
  }
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
