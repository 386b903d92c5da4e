// Loads and stores whose lanes lie in all patterns that the interpreter treats apart, at the beginning and at
// the end of an allocation, for all lanes and for some.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

constexpr std::uint32_t kBytes = 1024;  // of the memory that is accessed
constexpr std::uint32_t kSlot = 16;     // of each lane's result

using Offsets = std::array<std::uint32_t, 32>;

struct Form {
  std::string vector;  // ".v2", ".v4" or nothing
  std::uint32_t elements;
  std::uint32_t bits;  // of an element
  [[nodiscard]] std::uint32_t bytes() const { return elements * bits / 8; }
};
const std::array<Form, 9> kForms = {{{"", 1, 8},
                                     {"", 1, 16},
                                     {"", 1, 32},
                                     {"", 1, 64},
                                     {".v2", 2, 16},
                                     {".v2", 2, 32},
                                     {".v4", 4, 8},
                                     {".v4", 4, 32},
                                     {".v2", 2, 64}}};

/// Offsets in elements, of `count` that there are.
std::map<std::string, Offsets> patterns(std::uint32_t count) {
  std::mt19937 random(1);
  std::map<std::string, Offsets> result;
  const auto add = [&](const std::string& name, const std::function<std::uint32_t(std::uint32_t)>& place) {
    for (std::uint32_t lane = 0; lane < 32; ++lane) result[name][lane] = place(lane) % count;
  };
  add("next", [](std::uint32_t i) { return i; });
  add("next at the end", [=](std::uint32_t i) { return count - 32 + i; });
  add("next over the end", [=](std::uint32_t i) { return count - 16 + i; });
  add("same", [](std::uint32_t) { return 5; });
  add("same at the end", [=](std::uint32_t) { return count - 1; });
  add("halves the same", [](std::uint32_t i) { return i / 16 * 16; });
  add("halves next", [](std::uint32_t i) { return i % 16; });
  add("backwards", [](std::uint32_t i) { return 31 - i; });
  add("butterfly", [](std::uint32_t i) { return i ^ 5; });
  add("every second", [](std::uint32_t i) { return 2 * i; });
  add("tile", [](std::uint32_t i) { return i / 8 * 16 + i % 8; });
  add("tile at the end", [=](std::uint32_t i) { return count - 25 + i / 8 * 8; });
  add("anywhere", [&](std::uint32_t) { return random(); });
  return result;
}

/// Registers of an element for ld and st: 64 bits need %d, all others %r.
std::string registers(const Form& form) {
  const std::string prefix = form.bits == 64 ? "%d1" : "%r1";
  if (form.elements == 1) return prefix + "0";
  std::string list = "{";
  for (std::uint32_t i = 0; i < form.elements; ++i) list += (i == 0 ? "" : ", ") + prefix + std::to_string(i);
  return list + "}";
}

/// Loads from `memory` at each lane's offset into the lane's slot of `out`, or stores the slot there. Shared
/// memory is a copy of the same and is copied back. Its addresses go below 0 and back over the instruction's
/// own offset.
std::string program(const Form& form, bool shared, bool store) {
  const std::string type = form.vector + (form.bits == 8 ? ".u8 " : ".u" + std::to_string(form.bits) + " ");
  const std::string list = registers(form);
  const std::string place = shared ? "[%r5+64]" : "[%d5+-64]";
  const std::string space = shared ? ".shared" : ".global";
  return std::string(kPtxHeader) +
         ".visible .entry test(.param .u64 memory, .param .u64 offsets, .param .u64 out, .param .u32 "
         "lanes)\n{\n"
         "  .shared .align 16 .b8 tile[1024];\n  .reg .pred %p<4>;\n  .reg .b32 %r<20>;\n  .reg .b64 "
         "%d<20>;\n"
         "  ld.param.u64 %d1, [memory];\n  ld.param.u64 %d2, [offsets];\n  ld.param.u64 %d3, [out];\n"
         "  ld.param.u32 %r1, [lanes];\n  mov.u32 %r2, %tid.x;\n"
         "  mul.wide.u32 %d4, %r2, 4;\n  add.u64 %d4, %d2, %d4;\n  ld.global.u32 %r4, [%d4];\n"
         "  mul.wide.u32 %d4, %r2, 16;\n  add.u64 %d3, %d3, %d4;\n"
         // Each lane copies 32 bytes.
         "  mul.wide.u32 %d6, %r2, 32;\n  add.u64 %d6, %d1, %d6;\n  mov.u32 %r6, tile;\n"
         "  mad.lo.u32 %r7, %r2, 32, %r6;\n"
         "  ld.global.v2.u64 {%d10, %d11}, [%d6];\n  st.shared.v2.u64 [%r7], {%d10, %d11};\n"
         "  ld.global.v2.u64 {%d10, %d11}, [%d6+16];\n  st.shared.v2.u64 [%r7+16], {%d10, %d11};\n"
         "  bar.sync 0;\n"
         "  cvt.u64.u32 %d5, %r4;\n  add.u64 %d5, %d1, %d5;\n  add.u64 %d5, %d5, 64;\n"
         "  add.u32 %r5, %r6, %r4;\n  sub.u32 %r5, %r5, 64;\n"
         "  shr.u32 %r8, %r1, %r2;\n  and.b32 %r8, %r8, 1;\n  setp.eq.u32 %p1, %r8, 0;\n  @%p1 bra DONE;\n" +
         (store ? "  ld.global" + type + list + ", [%d3];\n  st" + space + type + place + ", " + list + ";\n"
                : "  ld" + space + type + list + ", " + place + ";\n  st.global" + type + "[%d3], " + list +
                      ";\n") +
         "DONE:\n  bar.sync 0;\n" +
         (shared && store
              ? "  ld.shared.v2.u64 {%d10, %d11}, [%r7];\n  st.global.v2.u64 [%d6], {%d10, %d11};\n"
                "  ld.shared.v2.u64 {%d10, %d11}, [%r7+16];\n  st.global.v2.u64 [%d6+16], {%d10, %d11};\n"
              : "") +
         "  ret;\n}\n";
}

struct Bytes {
  std::vector<std::byte> memory;
  std::vector<std::byte> slots;
};

Bytes expected(const Form& form, bool store, const Offsets& offsets, std::uint32_t lanes, Bytes bytes) {
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1) == 0) continue;
    std::byte* place = bytes.memory.data() + std::size_t{offsets[lane]} * form.bytes();
    std::byte* slot = bytes.slots.data() + std::size_t{lane} * kSlot;
    std::memcpy(store ? place : slot, store ? slot : place, form.bytes());
  }
  return bytes;
}

void check_pattern(Gpu& gpu, Module& module, const Form& form, bool store, const Offsets& offsets,
                   std::uint32_t lanes) {
  Bytes before{std::vector<std::byte>(kBytes), std::vector<std::byte>(std::size_t{32} * kSlot)};
  std::mt19937 random(2);
  for (std::byte& byte : before.memory) byte = static_cast<std::byte>(random());
  for (std::byte& byte : before.slots) byte = static_cast<std::byte>(random());
  DeviceBuffer memory(gpu, kBytes);
  DeviceBuffer slots(gpu, before.slots.size());
  DeviceBuffer places(gpu, sizeof offsets);
  std::ranges::copy(before.memory, memory.bytes().begin());
  std::ranges::copy(before.slots, slots.bytes().begin());
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    places.as<std::uint32_t>()[lane] = offsets[lane] * form.bytes();
  }
  Parameters parameters;
  parameters.add(memory.address()).add(places.address()).add(slots.address()).add(lanes);
  // Twice: the first time an instruction meets an allocation it takes the slow path.
  for (int run = 0; run < 2; ++run) launch(gpu, module.kernel("test"), {2}, {32}, parameters);
  const Bytes after = expected(form, store, offsets, lanes, before);
  CHECK(std::ranges::equal(memory.bytes(), after.memory));
  CHECK(std::ranges::equal(slots.bytes(), after.slots));
}

TEST_CASE("accesses: every pattern of lanes loads and stores what it should") {
  constexpr std::array<std::uint32_t, 5> kLanes = {0xffff'ffff, 0x5555'5555, 0x0000'007f, 0xffff'f000,
                                                   0x0001'0000};
  for (const auto& gpu : gpus()) {
    CAPTURE(path_name(gpu->vector_path()));
    for (const Form& form : kForms) {
      CAPTURE(form.vector);
      CAPTURE(form.bits);
      for (unsigned kind = 0; kind < 4; ++kind) {
        const bool shared = kind % 2 != 0;
        const bool store = kind / 2 != 0;
        CAPTURE(shared);
        CAPTURE(store);
        const auto module = load(*gpu, program(form, shared, store));
        // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): no form has 0 bytes
        for (const auto& pattern : patterns(kBytes / form.bytes())) {
          CAPTURE(pattern.first);
          for (const std::uint32_t lanes : kLanes) {
            CAPTURE(lanes);
            check_pattern(*gpu, *module, form, store, pattern.second, lanes);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace vgpu::software::test
