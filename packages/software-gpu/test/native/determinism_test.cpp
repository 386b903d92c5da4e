// The same program gives the same bits: with one thread always, and with several where no threads race.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

constexpr std::uint32_t kBlocks = 64;
constexpr std::uint32_t kThreads = 96;
constexpr std::uint32_t kWords = kBlocks * kThreads;

std::unique_ptr<Gpu> gpu_with_threads(unsigned threads) {
  GpuOptions options;
  options.memory_bytes = std::size_t{64} << 20;
  options.threads = threads;
  return Gpu::create(options);
}

const char* const kStart = R"(
.version 7.0
.target sm_75
.address_size 64
.visible .entry test(.param .u64 out)
{
  .reg .pred %p;
  .reg .b32 %t, %i, %n, %x, %old;
  .reg .b64 %out, %at;
  .shared .align 4 .b8 row[384];
  ld.param.u64 %out, [out];
  mov.u32 %t, %tid.x;
  mov.u32 %i, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mad.lo.u32 %i, %i, %n, %t;
  mad.wide.u32 %at, %i, 4, %out;
)";

/// Loops of different length, barriers, shared memory; each thread writes a word of its own.
std::string without_races() {
  return std::string(kStart) + R"(
  .reg .b32 %shared, %steps;
  mov.u32 %shared, row;
  mad.lo.u32 %shared, %t, 4, %shared;
  cvt.rn.f32.u32 %x, %i;
  and.b32 %steps, %i, 15;
AGAIN:
  sin.approx.f32 %old, %x;
  fma.rn.f32 %x, %x, 0f3F9D70A4, %old;
  sub.u32 %steps, %steps, 1;
  setp.ge.s32 %p, %steps, 0;
  @%p bra AGAIN;
  st.shared.f32 [%shared], %x;
  bar.sync 0;
  xor.b32 %t, %t, 31;
  mov.u32 %shared, row;
  mad.lo.u32 %shared, %t, 4, %shared;
  ld.shared.f32 %old, [%shared];
  div.rn.f32 %x, %x, %old;
  st.global.f32 [%at], %x;
  ret;
}
)";
}

/// Sums of f32 depend on their order, and so does which thread gets which ticket.
std::string with_races() {
  return std::string(kStart) + R"(
  ex2.approx.f32 %x, 0f40490FDB;
  cvt.rn.f32.u32 %old, %i;
  fma.rn.f32 %x, %old, 0f3DCCCCCD, %x;
  atom.global.add.f32 %old, [%out], %x;
  setp.eq.u32 %p, %i, 0;
  @%p bra OVER;
  st.global.f32 [%at], %old;
OVER:
  ret;
}
)";
}

std::vector<std::uint32_t> run(const std::string& ptx, unsigned threads) {
  const auto gpu = gpu_with_threads(threads);
  const auto module = load(*gpu, ptx);
  DeviceBuffer out(*gpu, kWords * sizeof(std::uint32_t));
  launch(*gpu, module->kernel("test"), {kBlocks}, {kThreads}, Parameters().add(out.address()));
  const auto words = out.as<std::uint32_t>();
  return {words.begin(), words.end()};
}

/// A warp reads through 100 words, the next one through 20; then each thread takes a ticket.
std::string with_loops_through_memory() {
  return std::string(kStart) + R"(
  .reg .b32 %rounds, %sum;
  .reg .b64 %from;
  .shared .align 4 .b32 tickets;
  setp.lt.u32 %p, %t, 32;
  selp.b32 %rounds, 100, 20, %p;
  mov.u32 %sum, 0;
  mov.u64 %from, %at;
AGAIN:
  ld.global.u32 %x, [%from];
  add.u32 %sum, %sum, %x;
  add.u64 %from, %from, 256;
  sub.u32 %rounds, %rounds, 1;
  setp.ne.u32 %p, %rounds, 0;
  @%p bra AGAIN;
  atom.shared.add.u32 %old, [tickets], 1;
  add.u32 %old, %old, %sum;
  st.global.u32 [%at], %old;
  ret;
}
)";
}

}  // namespace

TEST_CASE("determinism: with one thread even races end the same") {
  const auto first = run(with_races(), 1);
  REQUIRE(std::ranges::count(first, 0U) < 10);
  for (int again = 0; again < 4; ++again) CHECK(run(with_races(), 1) == first);
}

TEST_CASE("determinism: without races any number of threads gives the same bits") {
  const auto first = run(without_races(), 1);
  REQUIRE(std::ranges::count(first, 0U) < 10);
  for (const unsigned threads : {1U, 2U, 4U, 7U}) {
    CAPTURE(threads);
    CHECK(run(without_races(), threads) == first);
  }
}

TEST_CASE("determinism: warps that read through memory take turns after a few rounds, compiled or not") {
  for (const CompiledCode compiled_code : {CompiledCode::never, CompiledCode::always}) {
    GpuOptions options;
    options.memory_bytes = std::size_t{64} << 20;
    options.threads = 1;
    options.compiled_code = compiled_code;
    const auto gpu = Gpu::create(options);
    if (compiled_code == CompiledCode::always && !gpu->why_interpreted().empty()) {
      std::printf("determinism: compiled code not tested, %s\n", gpu->why_interpreted().c_str());
      continue;
    }
    const auto module = load(*gpu, with_loops_through_memory());
    DeviceBuffer out(*gpu, std::size_t{4} * 64 * 101);
    launch(*gpu, module->kernel("test"), {1}, {64}, Parameters().add(out.address()));
    // The second warp is through while the first still reads.
    CHECK(out.as<std::uint32_t>()[32] == 0);
    CHECK(out.as<std::uint32_t>()[0] == 32);
  }
}

}  // namespace vgpu::software::test
