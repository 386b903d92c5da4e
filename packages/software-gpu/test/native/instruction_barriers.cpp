// Barriers (PTX ISA 9.0, 9.7.13.1): every block size, named barriers, reductions, threads that have left.
#include <doctest/doctest.h>

#include <algorithm>

#include "instruction_coverage.h"
#include "instruction_harness.h"

namespace vgpu::software::test {

namespace {

std::string kernel(const std::string& body) {
  return std::string(kPtxHeader) + R"(.visible .entry test(.param .u64 out)
{
  .shared .align 4 .b32 buffer[1024];
  .reg .pred %p, %q, %r;
  .reg .b32 %t, %n, %i, %v, %w, %s, %next;
  .reg .b64 %out;
  ld.param.u64 %out, [out];
  mov.u32 %t, %tid.x;
  mov.u32 %n, %ntid.x;
  mad.wide.u32 %out, %t, 4, %out;
  mov.u32 %s, buffer;
  mad.lo.u32 %s, %t, 4, %s;
)" + body +
         R"(
  st.global.u32 [%out], %v;
  ret;
}
)";
}

constexpr std::uint32_t kRounds = 5;

/// In every round each thread takes its right neighbour's value: after r rounds, that of thread t + r.
std::string rotation(const std::string& barrier) {
  return kernel(R"(
  mul.lo.u32 %v, %t, 10;
  add.u32 %next, %t, 1;
  rem.u32 %next, %next, %n;
  mov.u32 %w, buffer;
  mad.lo.u32 %next, %next, 4, %w;
  mov.u32 %i, 0;
ROUND:
  st.shared.u32 [%s], %v;
  )" + barrier + R"(;
  ld.shared.u32 %v, [%next];
  )" + barrier + R"(;
  add.u32 %i, %i, 1;
  setp.lt.u32 %p, %i, 5;
  @%p bra ROUND;
)");
}

// Odd and even threads of the same warp reach the barrier by different instructions, which the form without
// .aligned allows.
const char* const kDivergentBarrier = R"(
  mul.lo.u32 %v, %t, 10;
  st.shared.u32 [%s], %v;
  and.b32 %w, %t, 1;
  setp.ne.u32 %p, %w, 0;
  @%p bra ODD;
  barrier.sync 0;
  bra JOIN;
ODD:
  add.u32 %v, %v, 1;
  st.shared.u32 [%s], %v;
  barrier.sync 0;
JOIN:
  xor.b32 %w, %t, 1;
  mov.u32 %next, buffer;
  mad.lo.u32 %next, %w, 4, %next;
  ld.shared.u32 %v, [%next];
)";

// Every third thread leaves first; the barrier waits only for those that are left.
const char* const kLeftThreads = R"(
  rem.u32 %w, %t, 3;
  setp.eq.u32 %p, %w, 1;
  @%p ret;
  setp.ge.u32 %p, %t, 64;
  @%p exit;
  st.shared.u32 [%s], %t;
  bar.sync 0;
  mov.u32 %next, buffer;
  ld.shared.u32 %v, [%next+248];
)";

// Warps in pairs: the even one produces, the odd one consumes, each pair with a barrier of its own.
const char* const kNamedBarriers = R"(
  shr.u32 %i, %t, 6;
  add.u32 %i, %i, 1;
  and.b32 %w, %t, 32;
  setp.ne.u32 %p, %w, 0;
  mov.u32 %v, 0;
  @%p bra CONSUME;
  mul.lo.u32 %w, %t, 3;
  st.shared.u32 [%s], %w;
  membar.cta;
  bar.arrive %i, 64;
  bra DONE;
CONSUME:
  bar.sync %i, 64;
  ld.shared.u32 %v, [%s+-128];
DONE:
)";

/// The number, the conjunction and the disjunction of a condition over the block.
const char* const kReductions = R"(
  ld.global.u32 %w, [%out];
  setp.ne.u32 %p, %w, 0;
  bar.red.popc.u32 %v, 0, %p;
  bar.red.and.pred %q, 0, %p;
  bar.red.or.pred %r, 0, %p;
  selp.u32 %w, 4096, 0, %q;
  or.b32 %v, %v, %w;
  selp.u32 %w, 8192, 0, %r;
  or.b32 %v, %v, %w;
  bar.red.popc.u32 %w, 0, !%p;
  shl.b32 %w, %w, 16;
  or.b32 %v, %v, %w;
)";

using Expectation = std::uint32_t (*)(std::uint32_t thread, std::uint32_t threads);

std::uint32_t rotated(std::uint32_t t, std::uint32_t threads) {
  return (t + kRounds) % threads * 10;
}

void check_block(Gpu& gpu, Module& module, std::uint32_t threads, Expectation expected) {
  // More blocks than one, so that a barrier's state that outlives its block would be noticed.
  DeviceBuffer out(gpu, std::size_t{threads} * 4);
  Parameters parameters;
  parameters.add(out.address());
  launch(gpu, module.kernel("test"), {3, 1, 1}, {threads, 1, 1}, parameters);
  for (std::uint32_t t = 0; t < threads; ++t) {
    INFO("thread " << t << " of " << threads);
    REQUIRE(out.as<std::uint32_t>()[t] == expected(t, threads));
  }
}

Program divergent_program() {
  return {"barrier in two branches", kernel(kDivergentBarrier), {"barrier.sync"}};
}
Program left_program() {
  return {"barrier after exits", kernel(kLeftThreads), {"bar.sync", "exit", "ret"}};
}
Program named_program() {
  return {"named barriers", kernel(kNamedBarriers), {"bar.sync", "bar.arrive", "membar.cta"}};
}
Program reduction_program() {
  return {
      "barrier reductions", kernel(kReductions), {"bar.red.popc.u32", "bar.red.and.pred", "bar.red.or.pred"}};
}

std::vector<Program> rotation_programs() {
  return {
      {"rotation by bar.sync", rotation("bar.sync 0"), {"bar.sync"}},
      {"rotation by bar.cta.sync", rotation("bar.cta.sync 15"), {"bar.cta.sync"}},
      {"rotation by barrier.sync", rotation("barrier.sync 3"), {"barrier.sync"}},
      {"rotation by barrier.sync.aligned", rotation("barrier.sync.aligned 0"), {"barrier.sync.aligned"}},
  };
}

}  // namespace

std::vector<Program> barrier_programs() {
  std::vector<Program> programs = rotation_programs();
  for (const Program& program : {divergent_program(), left_program(), named_program(), reduction_program()}) {
    programs.push_back(program);
  }
  return programs;
}

TEST_CASE("instructions: barriers in blocks of every shape") {
  for (const Program& program : rotation_programs()) {
    run_program(program, [](Gpu& gpu, Module& module) {
      for (const std::uint32_t threads : {1U, 2U, 31U, 32U, 33U, 63U, 64U, 96U, 255U, 1000U, 1023U, 1024U}) {
        check_block(gpu, module, threads, rotated);
      }
    });
  }
}

TEST_CASE("instructions: a barrier reached in different branches") {
  run_program(divergent_program(), [](Gpu& gpu, Module& module) {
    for (const std::uint32_t threads : {2U, 32U, 34U, 128U}) {
      check_block(gpu, module, threads, [](std::uint32_t t, std::uint32_t) {
        const std::uint32_t other = t ^ 1;
        return other * 10 + (other & 1);
      });
    }
  });
}

TEST_CASE("instructions: a barrier does not wait for threads that have left") {
  run_program(left_program(), [](Gpu& gpu, Module& module) {
    for (const std::uint32_t threads : {63U, 64U, 96U, 128U, 200U}) {
      check_block(gpu, module, threads,
                  [](std::uint32_t t, std::uint32_t) { return t % 3 == 1 || t >= 64 ? 0U : 62U; });
    }
  });
}

TEST_CASE("instructions: barriers with a number of threads") {
  run_program(named_program(), [](Gpu& gpu, Module& module) {
    for (const std::uint32_t threads : {64U, 128U, 512U}) {
      check_block(gpu, module, threads,
                  [](std::uint32_t t, std::uint32_t) { return (t & 32) != 0 ? (t - 32) * 3 : 0U; });
    }
  });
}

TEST_CASE("instructions: barrier reductions") {
  run_program(reduction_program(), [](Gpu& gpu, Module& module) {
    for (const std::uint32_t threads : {1U, 31U, 33U, 64U, 1023U}) {
      for (const std::uint32_t period : {1U, 2U, 7U, 2000U}) {
        DeviceBuffer out(gpu, std::size_t{threads} * 4);
        std::uint32_t set = 0;
        for (std::uint32_t t = 0; t < threads; ++t) {
          out.as<std::uint32_t>()[t] = t % period == 0 ? 1 : 0;
          set += t % period == 0 ? 1 : 0;
        }
        if (period == 2000) {  // none at all
          out.as<std::uint32_t>()[0] = 0;
          set = 0;
        }
        Parameters parameters;
        parameters.add(out.address());
        launch(gpu, module.kernel("test"), {1, 1, 1}, {threads, 1, 1}, parameters);
        const std::uint32_t expected =
            set | (set == threads ? 4096U : 0) | (set != 0 ? 8192U : 0) | ((threads - set) << 16);
        for (std::uint32_t t = 0; t < threads; ++t) {
          INFO("thread " << t << " of " << threads << ", one in " << period);
          REQUIRE(out.as<std::uint32_t>()[t] == expected);
        }
      }
    }
  });
}

}  // namespace vgpu::software::test
