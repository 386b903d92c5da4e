#include "random_kernel.h"

#include <algorithm>
#include <set>

#include "instruction_kernel.h"
#include "random_statements.h"

// PTX is put together once for each kernel; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

/// At most 96 threads, for whom the rows of the instruction tests declare shared memory.
constexpr std::array<Dim3, 12> kBlocks = {{{32, 1, 1},
                                           {32, 1, 1},
                                           {64, 1, 1},
                                           {96, 1, 1},
                                           {16, 4, 1},
                                           {33, 1, 1},
                                           {77, 1, 1},
                                           {31, 1, 1},
                                           {7, 1, 1},
                                           {1, 1, 1},
                                           {5, 3, 3},
                                           {8, 4, 2}}};
constexpr std::array<Dim3, 5> kGrids = {{{1, 1, 1}, {2, 1, 1}, {3, 1, 1}, {2, 2, 1}, {5, 1, 1}}};

std::string name_of(const RegisterPool& pool, unsigned i) {
  return std::string("%") + pool.letter + std::to_string(i);
}

std::string declarations() {
  std::string text =
      "  .reg .pred %true, %q;\n  .reg .b32 %t, %word, %index, %thread, %lane, %depth;\n"
      "  .reg .b64 %w, %memory, %in, %own_input, %own_output;\n  .reg .b32 %m<4>, %count<4>;\n";
  for (const RegisterPool& pool : kPools) {
    text += std::string("  .reg ") + (pool.bits == 1 ? ".pred" : ".b" + std::to_string(pool.bits)) + " %" +
            pool.letter + "<" + std::to_string(pool.count) + ">;\n";
  }
  return text;
}

/// Who the thread is and where its memory lies; registers get values from the input, a third of them the same
/// in all threads.
std::string prologue(const MemoryLayout& layout, Random& random) {
  std::string text =
      "  setp.eq.b64 %true, %memory, %memory;\n  .reg .b32 %x_, %y_, %z_;\n"
      "  mov.u32 %x_, %tid.z;\n  mov.u32 %y_, %ntid.y;\n  mov.u32 %z_, %tid.y;\n  mad.lo.u32 %x_, %x_, %y_, "
      "%z_;\n"
      "  mov.u32 %y_, %ntid.x;\n  mov.u32 %z_, %tid.x;\n  mad.lo.u32 %thread, %x_, %y_, %z_;\n"
      "  mov.u32 %x_, %ctaid.y;\n  mov.u32 %y_, %nctaid.x;\n  mov.u32 %z_, %ctaid.x;\n"
      "  mad.lo.u32 %index, %x_, %y_, %z_;\n  mov.u32 %x_, %ntid.x;\n  mov.u32 %y_, %ntid.y;\n"
      "  mul.lo.u32 %x_, %x_, %y_;\n  mov.u32 %y_, %ntid.z;\n  mul.lo.u32 %x_, %x_, %y_;\n"
      "  mad.lo.u32 %index, %index, %x_, %thread;\n  mov.u32 %lane, %laneid;\n"
      "  mad.wide.u32 %own_input, %index, 16, %memory;\n"
      "  add.u64 %in, %memory, " +
      std::to_string(layout.boxes) + ";\n  mad.wide.u32 %in, %index, " +
      std::to_string(MemoryLayout::kBoxBytes) + ", %in;\n  add.u64 %own_output, %memory, " +
      std::to_string(layout.output) + ";\n  mad.wide.u32 %own_output, %index, " +
      std::to_string(MemoryLayout::kOutputBytes) + ", %own_output;\n";
  for (const RegisterPool& pool : kPools) {
    for (unsigned i = 0; i < pool.count; ++i) {
      const std::string base = random.below(3) == 0 ? "[%memory+" : "[%own_input+";
      const std::string address = base + std::to_string(random.below(32) * 8) + "]";
      if (pool.bits == 1) {
        text += "  ld.global.u32 %t, " + address + ";\n  and.b32 %t, %t, 1;\n  setp.eq.u32 " +
                name_of(pool, i) + ", %t, 1;\n";
      } else {
        text += "  ld.global.b" + std::to_string(pool.bits) + " " + name_of(pool, i) + ", " + address + ";\n";
      }
    }
  }
  for (unsigned i = 0; i < kDepths; ++i) text += "  mov.u32 %count" + std::to_string(i) + ", 0;\n";
  return text;
}

std::string entry_prologue() {
  return "  vote.sync.ballot.b32 %m0, %true, 0xffffffff;\n  mov.b32 %m1, %m0;\n  mov.b32 %m2, %m0;\n  "
         "mov.b32 %m3, %m0;\n"
         "  mov.u32 %depth, 0;\n  mov.u32 %word, tally;\n  setp.gt.u32 %q, %thread, 0;\n  @%q bra STARTED;\n"
         "  st.shared.v4.u32 [%word], {0, 0, 0, 0};\n  st.shared.v4.u32 [%word+16], {0, 0, 0, 0};\nSTARTED:\n"
         "  bar.sync 0;\n";
}

/// Every register, and what the block has counted if all of its threads come here.
std::string epilogue(bool has_left) {
  std::string text;
  unsigned slot = 0;
  for (const RegisterPool& pool : kPools) {
    for (unsigned i = 0; i < pool.count; ++i, ++slot) {
      const std::string address = "[%own_output+" + std::to_string(slot * 8) + "]";
      if (pool.bits == 1) {
        text += "  selp.u32 %t, 1, 0, " + name_of(pool, i) + ";\n  st.global.u32 " + address + ", %t;\n";
      } else {
        text += "  st.global.b" + std::to_string(pool.bits) + " " + address + ", " + name_of(pool, i) + ";\n";
      }
    }
  }
  if (!has_left) {
    text +=
        "  bar.sync 0;\n  and.b32 %t, %thread, 7;\n  mov.u32 %word, tally;\n  mad.lo.u32 %word, %t, 4, "
        "%word;\n"
        "  ld.shared.u32 %t, [%word];\n  st.global.u32 [%own_output+" +
        std::to_string(slot * 8) + "], %t;\n";
  }
  return text + "  ret;\n}\n";
}

std::string module_head() {
  static const std::string shared = [] {
    std::set<std::string> declarations;
    for (const std::vector<Row>& family : lane_rows()) {
      for (const Row& row : family) declarations.insert(row.module_declarations);
    }
    std::string text;
    for (const std::string& each : declarations) text += each;
    return text +
           ".shared .align 16 .b8 exchanged[768];\n.shared .align 16 .b8 own_shared[768];\n"
           ".shared .align 16 .b8 tally[32];\n";
  }();
  return std::string(kPtxHeader) + shared;
}

RandomKernel::Function helper(const std::string& name, StatementWriter& writer, const MemoryLayout& layout,
                              Random& random) {
  writer.add_function(name);
  Place place;
  place.warp = place.barriers = false;
  place.function = true;
  const std::string begin =
      ".func (.param .b64 result) " + name +
      "(.param .b32 first, .param .b64 second, .param .b64 third, .param .b32 fourth)\n{\n" + declarations() +
      "  ld.param.b64 %memory, [third];\n" + prologue(layout, random) +
      "  ld.param.b32 %depth, [fourth];\n  ld.param.b32 %r0, [first];\n  ld.param.b64 %d0, [second];\n"
      "  mov.b32 %f0, %r0;\n";
  return {begin, writer.body(place, 2 + static_cast<unsigned>(random.below(6)),
                             "  st.param.b64 [result], %d1;\n  ret;\n}\n")};
}

void append(std::string& text, const Body& body) {
  for (const Statement& statement : body.statements) {
    text += statement.text;
    for (const Body& each : statement.bodies) append(text, each);
  }
  text += body.end;
}

}  // namespace

MemoryLayout::MemoryLayout(std::uint32_t threads)
    : counters(kInputBytes),
      boxes(counters + kCounters * 8),
      columns(boxes + threads * kBoxBytes),
      output((columns + threads * kColumnBytes + 15) / 16 * 16),
      bytes(output + threads * kOutputBytes) {}

std::string RandomKernel::ptx() const {
  std::string text = head;
  for (const Function& function : functions) {
    text += function.begin;
    append(text, function.body);
  }
  return text;
}

RandomKernel random_kernel(std::uint64_t seed, std::uint64_t number) {
  Random random(seed * 0x9e3779b97f4a7c15 + number);
  RandomKernel kernel;
  kernel.seed = seed;
  kernel.number = number;
  kernel.block = kBlocks[random.below(kBlocks.size())];
  kernel.grid = kGrids[random.below(kGrids.size())];
  kernel.head = module_head();
  const MemoryLayout layout(kernel.threads());
  StatementWriter writer(random, kernel);
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    kernel.functions.push_back(helper("helper" + std::to_string(i), writer, layout, random));
  }
  Place place;
  place.whole = kernel.threads_per_block() % 32 == 0;
  const std::string begin = ".visible .entry test(.param .u64 memory)\n{\n" + declarations() +
                            "  ld.param.u64 %memory, [memory];\n" + prologue(layout, random) +
                            entry_prologue();
  kernel.functions.push_back({begin, writer.body(place, 8 + static_cast<unsigned>(random.below(40)), "")});
  kernel.functions.back().body.end = epilogue(writer.has_left());
  return kernel;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
