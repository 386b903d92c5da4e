// Lanes that exchange values (PTX ISA 9.0, 9.7.9.6 and 9.7.13) from different branches, and in groups.
#include <doctest/doctest.h>

#include <span>

#include "instruction_control.h"
#include "instruction_coverage.h"
#include "instruction_harness.h"
#include "instruction_values.h"

namespace vgpu::software::test {

namespace {

// The lanes of a warp vote and exchange from different branches, each naming the whole warp: the instruction
// waits for the others wherever they are.
const char* const kMeetingBody = R"(
  and.b32 %t, %x, 1;
  setp.ne.u32 %p, %t, 0;
  setp.gt.u32 %q, %x, 1000;
  @%p bra ODD;
  vote.sync.ballot.b32 %r, %q, -1;
  bra JOIN;
ODD:
  vote.sync.ballot.b32 %r, %q, -1;
JOIN:
  bar.warp.sync -1;
)";

// The same under guards, which part the lanes like a branch.
const char* const kGuardedBody = R"(
  and.b32 %t, %x, 1;
  setp.ne.u32 %p, %t, 0;
  setp.gt.u32 %q, %x, 1000;
  @%p vote.sync.ballot.b32 %r, %q, -1;
  @!%p vote.sync.ballot.b32 %r, %q, -1;
)";

// Groups of 8 lanes that each name themselves, as tiles of cooperative groups do: converged, and in branches
// that part some groups (lanes below 12 of each 32 go another way) while they leave others whole.
std::string group_body(bool apart) {
  const std::string operations = R"(
  vote.sync.ballot.b32 %t, %q, %n;
  shl.b32 %r, %t, 1;
  vote.sync.any.pred %q2, %q, %n;
  selp.b32 %t, 0x1111, 0, %q2;
  add.u32 %r, %r, %t;
  vote.sync.all.pred %q2, %q, %n;
  selp.b32 %t, 0x222222, 0, %q2;
  add.u32 %r, %r, %t;
  vote.sync.uni.pred %q2, %q, %n;
  selp.b32 %t, 0x33333, 0, %q2;
  add.u32 %r, %r, %t;
  and.b32 %v, %x, 3;
  match.any.sync.b32 %t, %v, %n;
  xor.b32 %r, %r, %t;
  and.b32 %v, %x, 0x1000;
  match.all.sync.b32 %t|%q2, %v, %n;
  add.u32 %r, %r, %t;
  redux.sync.add.u32 %t, %x, %n;
  add.u32 %r, %r, %t;
  shfl.sync.bfly.b32 %t, %x, 5, 0x181f, %n;
  xor.b32 %r, %r, %t;
  bar.warp.sync %n;
)";
  return std::string(R"(
  .reg .pred %q2;
  .reg .b32 %v, %lane;
  mov.u32 %lane, %laneid;
  and.b32 %t, %lane, 24;
  mov.u32 %n, 0xff;
  shl.b32 %n, %n, %t;
  and.b32 %t, %x, 12;
  setp.ne.u32 %q, %t, 0;
)") + (apart ? "  setp.lt.u32 %p, %lane, 12;\n  @%p bra LOW;" + operations + "  bra STORE;\nLOW:" : "") +
         operations;
}

/// What group_body() leaves in lane `lane` of a warp with these inputs.
std::uint32_t grouped(std::span<const std::uint32_t> x, std::uint32_t lane) {
  const std::uint32_t first = lane & 24;
  std::uint32_t ballot = 0;
  std::uint32_t matches = 0;
  std::uint32_t flags = 0;
  std::uint32_t sum = 0;
  for (std::uint32_t other = first; other < first + 8; ++other) {
    ballot |= static_cast<std::uint32_t>((x[other] & 12) != 0) << other;
    matches |= static_cast<std::uint32_t>((x[other] & 3) == (x[lane] & 3)) << other;
    flags |= (x[other] & 0x1000) != 0 ? 1 : 2;
    sum += x[other];
  }
  const std::uint32_t members = std::uint32_t{0xff} << first;
  std::uint32_t r = ballot << 1;
  r += ballot != 0 ? 0x1111 : 0;
  r += ballot == members ? 0x222222 : 0;
  r += ballot == 0 || ballot == members ? 0x33333 : 0;
  r ^= matches;
  r += flags != 3 ? members : 0;
  r += sum;
  return r ^ x[lane ^ 5];
}

// Lanes that met in different branches go on by themselves: some exit before the others fetch what they
// voted.
const char* const kExitAfterVoteBody = R"(
  and.b32 %t, %thread, 1;
  setp.ne.u32 %p, %t, 0;
  setp.gt.u32 %q, %x, 1000;
  @%p bra ODD;
  vote.sync.ballot.b32 %r, %q, -1;
  st.global.u32 [%out], %r;
  exit;
ODD:
  vote.sync.ballot.b32 %r, %q, -1;
  st.global.u32 [%out], %r;
  exit;
)";

}  // namespace

std::vector<Program> exchange_programs() {
  std::vector<Program> programs;
  programs.push_back({"votes in different branches",
                      kernel_around(kMeetingBody),
                      {"vote.sync.ballot.b32", "bar.warp.sync"}});
  programs.push_back({"votes in groups",
                      kernel_around(group_body(true)),
                      {"vote.sync.any.pred", "match.any.sync.b32", "match.all.sync.b32", "redux.sync.add.u32",
                       "shfl.sync.bfly.b32"}});
  return programs;
}

/// Every lane gets the ballot of its whole warp.
void check_ballots(const Program& program) {
  const std::vector<std::uint32_t> inputs = random_inputs(kThreads * 4, 0x3e);
  run_program(program, [&](Gpu& gpu, Module& module) {
    const std::vector<std::uint32_t> results = run(gpu, module, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      std::uint32_t ballot = 0;
      for (std::size_t lane = 0; lane < 32; ++lane)
        ballot |= inputs[i / 32 * 32 + lane] > 1000 ? 1U << lane : 0;
      INFO("thread " << i);
      REQUIRE(results[i] == ballot);
    }
  });
}

TEST_CASE("instructions: a vote meets lanes in different branches") {
  check_ballots({"votes in different branches", kernel_around(kMeetingBody), {"vote.sync.ballot.b32"}});
}

TEST_CASE("instructions: a vote meets lanes behind another guard") {
  check_ballots({"votes behind guards", kernel_around(kGuardedBody), {"vote.sync.ballot.b32"}});
}

TEST_CASE("instructions: groups of lanes that each name themselves") {
  for (const bool apart : {false, true}) {
    const Program program{"votes in groups", kernel_around(group_body(apart)), {"redux.sync.add.u32"}};
    std::vector<std::uint32_t> inputs = random_inputs(kThreads * 4, 0x96);
    for (std::size_t i = 0; i < inputs.size(); i += 24) {  // groups that agree
      for (std::size_t j = i; j < i + 8; ++j)
        inputs[j] = (inputs[j] & 0xffff'eff3) | (i % 16 == 0 ? 0x1004 : 0);
    }
    run_program(program, [&](Gpu& gpu, Module& module) {
      const std::vector<std::uint32_t> results = run(gpu, module, inputs);
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        INFO("apart " << apart << ", thread " << i);
        REQUIRE(results[i] == grouped(std::span(inputs).subspan(i / 32 * 32, 32), i % 32));
      }
    });
  }
}

TEST_CASE("instructions: lanes may exit before the others have fetched what they voted together") {
  const Program program{"exit after a vote", kernel_around(kExitAfterVoteBody), {"vote.sync.ballot.b32"}};
  const std::vector<std::uint32_t> inputs = random_inputs(kThreads, 0x3f);
  run_program(program, [&](Gpu& gpu, Module& module) {
    const std::vector<std::uint32_t> results = run(gpu, module, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      std::uint32_t ballot = 0;
      for (std::size_t lane = 0; lane < 32; ++lane)
        ballot |= inputs[i / 32 * 32 + lane] > 1000 ? 1U << lane : 0;
      INFO("thread " << i);
      REQUIRE(results[i] == ballot);
    }
  });
}

}  // namespace vgpu::software::test
