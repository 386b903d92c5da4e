// Cooperative launches: all blocks run at once and may wait for each other.
#include <doctest/doctest.h>

#include <numeric>
#include <string>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

std::unique_ptr<Gpu> gpu_with_threads(unsigned threads) {
  GpuOptions options;
  options.memory_bytes = std::size_t{64} << 20;
  options.threads = threads;
  return Gpu::create(options);
}

LaunchConfiguration cooperative(Dim3 grid, Dim3 block, std::uint32_t shared_bytes = 0) {
  return {grid, block, shared_bytes, true, std::chrono::seconds(20)};
}

/// Every thread of every block arrives, as often as `rounds` says; then block b writes how many had arrived
/// when it was let go. The barrier is a counter at the workspace, which every kernel finds in %envreg1 and
/// %envreg2.
const std::string kMeet =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    ".visible .entry test(.param .u64 out, .param .u32 rounds)\n{\n"
    "  .reg .pred %p;\n  .reg .b32 %r<10>;\n  .reg .b64 %d<5>;\n"
    "  mov.u32 %r1, %envreg1;\n  mov.u32 %r2, %envreg2;\n  mov.b64 %d1, {%r2, %r1};\n"
    "  ld.param.u32 %r3, [rounds];\n  mov.u32 %r4, 0;\n  mov.u32 %r6, %nctaid.x;\n  mov.u32 %r9, 0;\n"
    "ROUND:\n  add.u32 %r4, %r4, %r6;\n  bar.sync 0;\n  mov.u32 %r5, %tid.x;\n  setp.ne.u32 %p, %r5, 0;\n"
    "  @%p bra MET;\n  atom.add.release.gpu.u32 %r7, [%d1+4], 1;\n"
    "SPIN:\n  ld.acquire.gpu.u32 %r8, [%d1+4];\n  setp.lt.u32 %p, %r8, %r4;\n  @%p bra SPIN;\n"
    "MET:\n  bar.sync 0;\n  add.u32 %r9, %r9, 1;\n  setp.lt.u32 %p, %r9, %r3;\n  @%p bra ROUND;\n"
    "  ld.param.u64 %d2, [out];\n  mov.u32 %r5, %ctaid.x;\n  mul.wide.u32 %d3, %r5, 4;\n"
    "  add.u64 %d2, %d2, %d3;\n  ld.acquire.gpu.u32 %r8, [%d1+4];\n  st.global.u32 [%d2], %r8;\n  ret;\n}\n";

TEST_CASE("cooperative: blocks wait for each other, with fewer threads than blocks") {
  for (const unsigned threads : {1U, 2U, 5U}) {
    const auto gpu = gpu_with_threads(threads);
    const auto module = load(*gpu, kMeet);
    for (const std::uint32_t blocks : {1U, 3U, 32U}) {
      CAPTURE(threads);
      CAPTURE(blocks);
      DeviceBuffer out(*gpu, std::size_t{blocks} * 4);
      const std::uint32_t rounds = 5;
      // Twice: the second launch finds its workspace cleared.
      for (int launch = 0; launch < 2; ++launch) {
        const LaunchStatistics statistics = gpu->launch(module->kernel("test"), cooperative({blocks}, {64}),
                                                        Parameters().add(out.address()).add(rounds).bytes());
        CHECK(statistics.warp_instructions > 0);
        for (const std::uint32_t arrived : out.as<std::uint32_t>()) CHECK(arrived == rounds * blocks);
      }
    }
  }
}

TEST_CASE("cooperative: the workspace is gone after the launch, also after one that failed") {
  const auto gpu = gpu_with_threads(2);
  const auto module = load(*gpu, kMeet);
  const std::size_t free_before = gpu->memory().free_bytes();
  const DeviceAddress nowhere = 0;
  CHECK_THROWS_WITH_AS(gpu->launch(module->kernel("test"), cooperative({4}, {32}),
                                   Parameters().add(nowhere).add(std::uint32_t{1}).bytes()),
                       doctest::Contains("kernel 'test', block ("), Error);
  CHECK(gpu->memory().free_bytes() == free_before);
}

TEST_CASE("cooperative: an ordinary launch has no workspace, as on a real GPU") {
  const auto gpu = gpu_with_threads(1);
  const auto module = load(*gpu, kMeet);
  DeviceBuffer out(*gpu, 4);
  const Parameters parameters = Parameters().add(out.address()).add(std::uint32_t{1});
  try {
    gpu->launch(module->kernel("test"), {{1}, {32}}, parameters.bytes());
    FAIL("the launch went through");
  } catch (const Error& error) {
    CHECK(error.status() == Status::illegal_address);
  }
}

TEST_CASE("cooperative: more blocks than fit at once are refused") {
  const auto gpu = gpu_with_threads(2);
  const auto module = load(*gpu, kMeet);
  DeviceBuffer out(*gpu, 4096);
  const auto status = [&](const LaunchConfiguration& configuration) {
    try {
      gpu->launch(module->kernel("test"), configuration,
                  Parameters().add(out.address()).add(std::uint32_t{1}).bytes());
      return Status::success;
    } catch (const Error& error) {
      return error.status();
    }
  };
  const Status too_large = Status::cooperative_launch_too_large;
  CHECK(status(cooperative({64}, {32})) == Status::success);  // 32 blocks on each of two
  CHECK(status(cooperative({65}, {32})) == too_large);
  CHECK(status(cooperative({4}, {1024})) == Status::success);  // 2048 threads
  CHECK(status(cooperative({5}, {1024})) == too_large);
  CHECK(status(cooperative({2}, {32}, 100 * 1024)) == Status::success);  // 164 KiB of shared memory
  CHECK(status(cooperative({3}, {32}, 100 * 1024)) == too_large);
}

TEST_CASE("cooperative: blocks that wait for one that never comes end at the time limit") {
  const auto gpu = gpu_with_threads(2);
  const auto module =
      load(*gpu,
           ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry test()\n{\n"
           "  .reg .pred %p;\n  .reg .b32 %r;\n  mov.u32 %r, %ctaid.x;\n"
           "  setp.eq.u32 %p, %r, 0;\n  @%p bra DONE;\nSPIN:\n  bra SPIN;\nDONE:\n  ret;\n}\n");
  LaunchConfiguration configuration = cooperative({8}, {32});
  configuration.time_limit = std::chrono::milliseconds(20);
  try {
    gpu->launch(module->kernel("test"), configuration, {});
    FAIL("the launch ended");
  } catch (const Error& error) {
    CHECK(error.status() == Status::launch_timeout);
  }
}

}  // namespace
}  // namespace vgpu::software::test
