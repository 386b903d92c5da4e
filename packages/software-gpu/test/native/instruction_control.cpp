// Control flow (PTX ISA 9.0, 9.7.12): lanes that go different ways, compared with one thread at a time in
// C++.
#include "instruction_control.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "instruction_coverage.h"
#include "instruction_harness.h"
#include "instruction_values.h"

namespace vgpu::software::test {

std::string kernel_around(const std::string& body) {
  return std::string(kPtxHeader) + R"(.visible .entry test(.param .u64 inputs, .param .u64 outputs)
{
  .reg .pred %p, %q;
  .reg .b32 %x, %r, %t, %n, %i, %block, %threads, %thread;
  .reg .b64 %in, %out;
  mov.u32 %block, %ctaid.x;
  mov.u32 %threads, %ntid.x;
  mov.u32 %thread, %tid.x;
  mad.lo.u32 %i, %block, %threads, %thread;
  ld.param.u64 %in, [inputs];
  ld.param.u64 %out, [outputs];
  mad.wide.u32 %in, %i, 4, %in;
  mad.wide.u32 %out, %i, 4, %out;
  ld.global.u32 %x, [%in];
  mov.u32 %r, 0;
)" + body +
         R"(
STORE:
  st.global.u32 [%out], %r;
  ret;
}
)";
}

std::vector<std::uint32_t> random_inputs(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint32_t> values(count);
  for (std::uint32_t& value : values) value = static_cast<std::uint32_t>(random.next() >> random.below(32));
  return values;
}

namespace {
constexpr std::uint32_t kUnwritten = 0xdeadbeef;
}  // namespace

std::vector<std::uint32_t> run(Gpu& gpu, Module& module, const std::vector<std::uint32_t>& inputs) {
  DeviceBuffer in(gpu, inputs.size() * 4);
  DeviceBuffer out(gpu, inputs.size() * 4);
  std::ranges::copy(inputs, in.as<std::uint32_t>().begin());
  std::ranges::fill(out.as<std::uint32_t>(), kUnwritten);
  Parameters parameters;
  parameters.add(in.address()).add(out.address());
  launch(gpu, module.kernel("test"), {static_cast<std::uint32_t>(inputs.size() / kThreads), 1, 1},
         {kThreads, 1, 1}, parameters);
  const auto results = out.as<std::uint32_t>();
  return {results.begin(), results.end()};
}

namespace {

const char* const kNestedBody = R"(
  and.b32 %t, %x, 1;
  setp.eq.u32 %p, %t, 0;
  @%p bra EVEN;
  and.b32 %t, %x, 2;
  setp.eq.u32 %p, %t, 0;
  @%p bra ODD_LOW;
  mul.lo.u32 %r, %x, 3;
  bra.uni ODD_DONE;
ODD_LOW:
  add.u32 %r, %x, 7;
ODD_DONE:
  and.b32 %t, %x, 4;
  setp.ne.u32 %p, %t, 0;
  @%p xor.b32 %r, %r, 85;
  bra DONE;
EVEN:
  and.b32 %t, %x, 8;
  setp.ne.u32 %p, %t, 0;
  @!%p bra EVEN_LOW;
  sub.u32 %r, %x, 9;
  bra DONE;
EVEN_LOW:
  and.b32 %t, %x, 16;
  setp.ne.u32 %p, %t, 0;
  @!%p bra DONE;
  mul.lo.u32 %r, %x, %x;
DONE:
  add.u32 %r, %r, 1;
)";

std::uint32_t nested(std::uint32_t x) {
  std::uint32_t r = 0;
  if ((x & 1) != 0) {
    r = (x & 2) != 0 ? x * 3 : x + 7;
    if ((x & 4) != 0) r ^= 85;
  } else if ((x & 8) != 0) {
    r = x - 9;
  } else if ((x & 16) != 0) {
    r = x * x;
  }
  return r + 1;
}

// Two nested loops whose trip counts come from the data, with a break out of the inner and a continue in the
// outer.
const char* const kLoopBody = R"(
  .reg .b32 %outer, %inner, %limit;
  and.b32 %outer, %x, 15;
  shr.u32 %limit, %x, 4;
  and.b32 %limit, %limit, 31;
OUTER:
  setp.eq.u32 %p, %outer, 0;
  @%p bra FINISHED;
  sub.u32 %outer, %outer, 1;
  and.b32 %t, %outer, 3;
  setp.eq.u32 %p, %t, 1;
  @%p bra OUTER;
  mov.u32 %inner, 0;
INNER:
  setp.ge.u32 %p, %inner, %limit;
  @%p bra OUTER;
  add.u32 %inner, %inner, 1;
  mad.lo.u32 %r, %r, 5, %inner;
  and.b32 %t, %r, 63;
  setp.eq.u32 %p, %t, 7;
  @%p bra OUTER;
  bra INNER;
FINISHED:
)";

std::uint32_t loops(std::uint32_t x) {
  std::uint32_t r = 0;
  const std::uint32_t limit = (x >> 4) & 31;
  for (std::uint32_t outer = x & 15; outer != 0;) {
    --outer;
    if ((outer & 3) == 1) continue;
    for (std::uint32_t inner = 0; inner < limit;) {
      ++inner;
      r = r * 5 + inner;
      if ((r & 63) == 7) break;
    }
  }
  return r;
}

// Lanes leave by ret and by exit from inside a loop; what they would have stored stays untouched.
const char* const kEarlyExitBody = R"(
  and.b32 %n, %x, 31;
AGAIN:
  mad.lo.u32 %r, %r, 3, %n;
  and.b32 %t, %r, 15;
  setp.eq.u32 %p, %t, 5;
  @%p exit;
  setp.eq.u32 %p, %t, 9;
  @%p ret;
  setp.eq.u32 %p, %n, 0;
  sub.u32 %n, %n, 1;
  @!%p bra AGAIN;
)";

std::uint32_t early_exit(std::uint32_t x) {
  std::uint32_t r = 0;
  for (std::uint32_t n = x & 31;; --n) {
    r = r * 3 + n;
    if ((r & 15) == 5 || (r & 15) == 9) return kUnwritten;
    if (n == 0) return r;
  }
}

// A switch with fall-through, under a guard.
const char* const kSwitchBody = R"(
  and.b32 %t, %x, 7;
  setp.lt.u32 %p, %t, 5;
TARGETS: .branchtargets CASE0, CASE1, CASE2, CASE1, CASE4;
  @%p brx.idx %t, TARGETS;
  add.u32 %r, %x, 1000;
  bra JOIN;
CASE0:
  xor.b32 %r, %x, -1;
  bra JOIN;
CASE1:
  add.u32 %r, %r, 11;
CASE2:
  mad.lo.u32 %r, %x, 7, %r;
  bra JOIN;
CASE4:
  shr.u32 %r, %x, 3;
JOIN:
  add.u32 %r, %r, %t;
)";

std::uint32_t switched(std::uint32_t x) {
  std::uint32_t r = 0;
  const std::uint32_t t = x & 7;
  switch (t) {
    case 0:
      r = ~x;
      break;
    case 1:
    case 3:
      r = x * 7 + 11;
      break;
    case 2:
      r = x * 7;
      break;
    case 4:
      r = x >> 3;
      break;
    default:
      r = x + 1000;
  }
  return r + t;
}

using Scalar = std::uint32_t (*)(std::uint32_t);

struct ScalarProgram {
  Program program;
  Scalar scalar;
};

std::vector<ScalarProgram> scalar_programs() {
  return {
      {{"nested branches",
        kernel_around(kNestedBody),
        {"bra", "bra.uni", "ret", "st.global.u32", "ld.param.u64"}},
       nested},
      {{"nested loops", kernel_around(kLoopBody), {"bra", "setp.ge.u32", "setp.eq.u32"}}, loops},
      {{"early exit", kernel_around(kEarlyExitBody), {"exit", "ret"}}, early_exit},
      {{"switch", kernel_around(kSwitchBody), {"brx.idx"}}, switched},
  };
}

constexpr std::size_t kBlocks = 21;

/// A block of a random control-flow graph: changes x, then goes on to one of its successors by bits of x.
struct GraphBlock {
  std::uint32_t multiplier;
  std::uint32_t addend;
  unsigned bit;
  std::vector<std::size_t> successors;  // 1 (a jump), 2 (a conditional branch) or 4 (an indexed one)
};

std::vector<GraphBlock> random_graph(Random& random) {
  std::vector<GraphBlock> graph(3 + random.below(12));
  for (GraphBlock& block : graph) {
    block.multiplier = static_cast<std::uint32_t>(random.next()) | 1;
    block.addend = static_cast<std::uint32_t>(random.next());
    block.bit = static_cast<unsigned>(random.below(24) + 4);
    constexpr std::array<std::size_t, 6> kCounts = {1, 2, 2, 2, 2, 4};
    block.successors.resize(kCounts[random.below(kCounts.size())]);
    for (std::size_t& successor : block.successors) successor = random.below(graph.size());
  }
  return graph;
}

std::string graph_ptx(const std::vector<GraphBlock>& graph) {
  std::string body = "  and.b32 %n, %x, 127;\n";
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const GraphBlock& block = graph[i];
    const auto label = [](std::size_t number) { return "BLOCK" + std::to_string(number); };
    body += label(i) +
            ":\n  setp.eq.u32 %p, %n, 0;\n  @%p bra FINISHED;\n  sub.u32 %n, %n, 1;\n  mad.lo.u32 %x, %x, " +
            std::to_string(block.multiplier) + ", " + std::to_string(block.addend) + ";\n";
    if (block.successors.size() == 1) {
      body += "  bra " + label(block.successors[0]) + ";\n";
      continue;
    }
    body += "  shr.u32 %t, %x, " + std::to_string(block.bit) + ";\n  and.b32 %t, %t, " +
            std::to_string(block.successors.size() - 1) + ";\n";
    if (block.successors.size() == 2) {
      body += "  setp.ne.u32 %p, %t, 0;\n  @%p bra " + label(block.successors[1]) + ";\n  bra " +
              label(block.successors[0]) + ";\n";
      continue;
    }
    body += "TABLE" + std::to_string(i) + ": .branchtargets ";
    for (std::size_t k = 0; k < 4; ++k) body += (k == 0 ? "" : ", ") + label(block.successors[k]);
    body += ";\n  brx.idx %t, TABLE" + std::to_string(i) + ";\n";
  }
  return kernel_around(body + "FINISHED:\n  mov.u32 %r, %x;\n");
}

std::uint32_t walk(const std::vector<GraphBlock>& graph, std::uint32_t x) {
  std::size_t at = 0;
  for (std::uint32_t fuel = x & 127; fuel != 0; --fuel) {
    const GraphBlock& block = graph[at];
    x = x * block.multiplier + block.addend;
    at = block.successors[(x >> block.bit) & (block.successors.size() - 1)];
  }
  return x;
}

constexpr int kGraphs = 60;

}  // namespace

std::vector<Program> control_programs() {
  std::vector<Program> programs;
  for (const ScalarProgram& each : scalar_programs()) programs.push_back(each.program);
  Random random(0xc0f);
  programs.push_back({"random graph", graph_ptx(random_graph(random)), {"bra"}});
  return programs;
}

TEST_CASE("instructions: divergent control flow equals one thread at a time") {
  const std::vector<std::uint32_t> inputs = random_inputs(kThreads * kBlocks, 0xd1f);
  for (const ScalarProgram& each : scalar_programs()) {
    run_program(each.program, [&](Gpu& gpu, Module& module) {
      const std::vector<std::uint32_t> results = run(gpu, module, inputs);
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        INFO("thread " << i << ", x = " << inputs[i]);
        REQUIRE(results[i] == each.scalar(inputs[i]));
      }
    });
  }
}

TEST_CASE("instructions: random control-flow graphs equal one thread at a time") {
  Random random(0x66a9);
  for (int number = 0; number < kGraphs; ++number) {
    const std::vector<GraphBlock> graph = random_graph(random);
    const std::vector<std::uint32_t> inputs = random_inputs(kThreads * 2, random.next());
    const Program program{"random graph " + std::to_string(number), graph_ptx(graph), {"bra"}};
    run_program(program, [&](Gpu& gpu, Module& module) {
      const std::vector<std::uint32_t> results = run(gpu, module, inputs);
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        INFO("thread " << i << ", x = " << inputs[i] << "\n" << program.ptx);
        REQUIRE(results[i] == walk(graph, inputs[i]));
      }
    });
  }
}

}  // namespace vgpu::software::test
