// What is the same in every block is computed once for each warp, and nothing else.
#include <doctest/doctest.h>

#include <string>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

constexpr std::uint32_t kThreads = 96;
constexpr std::uint32_t kBlocks = 5;

/// Seven of its instructions are executed in each block, and seven more in each round.
const std::string kProgram =
    std::string(kPtxHeader) +
    ".visible .entry test(.param .u64 out, .param .u32 factor, .param .u16 rounds)\n{\n"
    "  .reg .pred %p<4>;\n  .reg .b16 %h<3>;\n  .reg .b32 %r<20>;\n  .reg .b64 %d<6>;\n"
    "  ld.param.u64 %d1, [out];\n  ld.param.u32 %r1, [factor];\n  ld.param.u16 %h1, [rounds];\n"
    "  cvta.to.global.u64 %d2, %d1;\n  mov.u32 %r2, %ctaid.x;\n  mov.u32 %r3, %ntid.x;\n  mov.u32 %r4, "
    "%tid.x;\n"
    "  mad.lo.u32 %r5, %r2, %r3, %r4;\n"
    "  mul.lo.u32 %r6, %r4, %r1;\n  cvt.u32.u16 %r7, %h1;\n  setp.gt.u32 %p1, %r4, 40;\n"
    // Written under a guard, and written twice: not the same as written once.
    "  mov.u32 %r8, 7;\n  @%p1 mov.u32 %r8, 9;\n  @!%p1 mul.lo.u32 %r9, %r1, 3;\n  @%p1 mul.lo.u32 %r9, %r1, "
    "5;\n"
    "  mov.u32 %r10, 0;\n  mov.u32 %r11, 0;\n"
    "ROUND:\n  add.u32 %r10, %r10, %r6;\n  add.u32 %r10, %r10, %r8;\n  add.u32 %r10, %r10, %r9;\n"
    "  mov.u32 %r12, %r2;\n  add.u32 %r10, %r10, %r12;\n"
    "  add.u32 %r11, %r11, 1;\n  setp.lt.u32 %p2, %r11, %r7;\n  @%p2 bra ROUND;\n"
    "  mul.wide.u32 %d3, %r5, 4;\n  add.u64 %d4, %d2, %d3;\n  st.global.u32 [%d4], %r10;\n  ret;\n}\n";

std::uint32_t expected(std::uint32_t block, std::uint32_t thread, std::uint32_t factor,
                       std::uint32_t rounds) {
  const bool high = thread > 40;
  return rounds * (thread * factor + (high ? 9 : 7) + factor * (high ? 5 : 3) + block);
}

std::uint64_t run(Gpu& gpu, Module& module, std::uint32_t factor, std::uint16_t rounds) {
  DeviceBuffer out(gpu, std::size_t{kBlocks} * kThreads * 4);
  const LaunchStatistics statistics = launch(gpu, module.kernel("test"), {kBlocks}, {kThreads},
                                             Parameters().add(out.address()).add(factor).add(rounds));
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < kBlocks * kThreads; ++i) {
    if (out.as<std::uint32_t>()[i] != expected(i / kThreads, i % kThreads, factor, rounds)) ++wrong;
  }
  CHECK(wrong == 0);
  return statistics.warp_instructions;
}

TEST_CASE("invariants: each launch has its own, and every block the same") {
  for (const auto& gpu : gpus()) {
    const auto module = load(*gpu, kProgram);
    run(*gpu, *module, 3, 1);
    run(*gpu, *module, 1000, 4);
    run(*gpu, *module, 3, 2);
  }
}

TEST_CASE("invariants: they are not executed in the blocks, unless somebody watches") {
  constexpr std::uint32_t kWarps = kBlocks * kThreads / 32;
  constexpr std::uint32_t kRound = 8;
  const std::unique_ptr<Gpu>& plain = gpus().front();
  const std::unique_ptr<Gpu>& observed = gpus().back();
  // Without the three ld.param, cvta, four mov, mul.lo, cvt, setp; a guard counts once with what it guards.
  constexpr std::uint32_t kOutside = 21;
  constexpr std::uint32_t kInvariant = 10;
  CHECK(run(*observed, *load(*observed, kProgram), 3, 2) == kWarps * (kOutside + 2 * kRound));
  CHECK(run(*plain, *load(*plain, kProgram), 3, 2) == kWarps * (kOutside - kInvariant + 2 * (kRound - 1)));
}

}  // namespace
}  // namespace vgpu::software::test
