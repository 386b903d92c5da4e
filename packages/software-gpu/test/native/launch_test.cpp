// Launching: what is refused, how mistakes of kernels are reported, that nothing hangs, and what is counted.
#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

const std::string kHeader = ".version 7.0\n.target sm_75\n.address_size 64\n";

/// The header takes lines 1 to 3, the signature line 4, the brace line 5.
std::string kernel(const std::string& parameters, const std::string& body) {
  return kHeader + ".visible .entry test(" + parameters + ")\n{\n" + body + "}\n";
}

struct Outcome {
  Status status = Status::success;
  std::string message;
  LaunchStatistics statistics;

  [[nodiscard]] bool mentions(std::string_view text) const { return message.find(text) != std::string::npos; }
};

Outcome launch_text(Gpu& gpu, const std::string& ptx, const LaunchConfiguration& configuration,
                    const Parameters& parameters = {}) {
  Outcome outcome;
  try {
    const auto module = load(gpu, ptx);
    outcome.statistics = gpu.launch(module->kernel("test"), configuration, parameters.bytes());
  } catch (const Error& error) {
    outcome.status = error.status();
    outcome.message = error.what();
  }
  return outcome;
}

std::unique_ptr<Gpu> gpu_with_threads(unsigned threads) {
  GpuOptions options;
  options.memory_bytes = std::size_t{64} << 20;
  options.threads = threads;
  return Gpu::create(options);
}

TEST_CASE("launch: wrong configurations are refused before anything runs") {
  Gpu& gpu = *gpus().front();
  const std::string empty = kernel("", "  ret;\n");
  CHECK(launch_text(gpu, empty, {{1}, {1}}).status == Status::success);
  CHECK(launch_text(gpu, empty, {{0}, {1}}).status == Status::invalid_value);
  CHECK(launch_text(gpu, empty, {{1}, {0}}).status == Status::invalid_value);
  CHECK(launch_text(gpu, empty, {{1}, {1025}}).status == Status::invalid_value);
  CHECK(launch_text(gpu, empty, {{1}, {32, 32, 2}}).status == Status::invalid_value);
  CHECK(launch_text(gpu, empty, {{1}, {1, 1, 65}}).status == Status::invalid_value);
  CHECK(launch_text(gpu, empty, {{1, 65536}, {1}}).status == Status::invalid_value);
  CHECK(launch_text(gpu, empty, {{1}, {1}, 163 * 1024}).status == Status::success);
  CHECK(launch_text(gpu, empty, {{1}, {1}, 163 * 1024 + 1}).status == Status::launch_out_of_resources);
  CHECK(launch_text(gpu, kernel(".param .u64 a", "  ret;\n"), {{1}, {1}}).status == Status::invalid_value);
  const std::string bounded = kHeader + ".visible .entry test() .maxntid 64, 1, 1 { ret; }";
  CHECK(launch_text(gpu, bounded, {{1}, {64}}).status == Status::success);
  CHECK(launch_text(gpu, bounded, {{1}, {65}}).status == Status::launch_out_of_resources);
  const std::string required = kHeader + ".visible .entry test() .reqntid 32, 2, 1 { ret; }";
  CHECK(launch_text(gpu, required, {{1}, {32, 2}}).status == Status::success);
  CHECK(launch_text(gpu, required, {{1}, {64}}).status == Status::invalid_value);
}

TEST_CASE("launch: what a module does not have or cannot do has a name") {
  Gpu& gpu = *gpus().front();
  CHECK(launch_text(gpu, kHeader + ".visible .entry other() { ret; }", {{1}, {1}}).status ==
        Status::not_found);
  const Outcome opcode =
      launch_text(gpu, kernel("", "  .reg .b32 %r;\n  frobnicate.u32 %r, 1;\n"), {{1}, {1}});
  CHECK(opcode.status == Status::not_supported);
  CHECK(opcode.mentions("kernel 'test', PTX line 7"));
  CHECK(opcode.mentions("frobnicate.u32"));
  const Outcome width =
      launch_text(gpu, kernel("", "  .reg .b32 %r;\n  .reg .b64 %d;\n  add.u32 %r, %r, %d;\n"), {{1}, {1}});
  CHECK(width.status == Status::invalid_ptx);
  CHECK(width.mentions("PTX line 8"));
  const Outcome external = launch_text(
      gpu, kHeader + ".extern .func missing;\n.visible .entry test() { call missing; }", {{1}, {1}});
  CHECK(external.status == Status::not_supported);
  CHECK(external.mentions("'missing'"));
  CHECK(launch_text(gpu, ".version 7.0\n.target sm_90\n.address_size 64\n", {{1}, {1}}).status ==
        Status::no_binary_for_gpu);
  CHECK(launch_text(gpu, ".version 99.0\n.target sm_75\n.address_size 64\n", {{1}, {1}}).status ==
        Status::unsupported_ptx_version);
}

TEST_CASE("launch: kernels are decoded when they are asked for, each once") {
  const auto module =
      load(*gpus().front(), kHeader +
                                ".visible .entry first() { ret; }\n.visible .entry second() { ret; }\n"
                                ".visible .entry broken() { frobnicate; }\n");
  CHECK(module->decoded_kernels() == 0);
  CHECK(module->has_kernel("second"));
  CHECK(module->decoded_kernels() == 0);
  const Kernel& first = module->kernel("first");
  CHECK(&module->kernel("first") == &first);
  CHECK(module->decoded_kernels() == 1);
  CHECK_THROWS_AS(module->kernel("broken"), Error);
  CHECK_THROWS_AS(module->kernel("broken"), Error);
  CHECK(module->decoded_kernels() == 1);
  CHECK(&module->kernel("second") != &first);
  CHECK(module->decoded_kernels() == 2);
}

TEST_CASE("launch: a stray access names kernel, block, thread, line and the nearest allocation") {
  const std::string ptx = kernel(".param .u64 p",
                                 "  .reg .pred %q;\n  .reg .b32 %r, %t, %b;\n  .reg .b64 %d;\n"
                                 "  ld.param.u64 %d, [p];\n  mov.u32 %t, %tid.x;\n  mov.u32 %b, %ctaid.y;\n"
                                 "  mad.lo.u32 %t, %b, 1000, %t;\n  setp.eq.u32 %q, %t, 2037;\n"
                                 "  @%q st.global.u32 [%d+4096], %t;\n  ret;\n");
  for (const auto& gpu : gpus()) {
    DeviceBuffer buffer(*gpu, 4000);
    const Outcome outcome = launch_text(*gpu, ptx, {{1, 3}, {64}}, Parameters().add(buffer.address()));
    CHECK(outcome.status == Status::illegal_address);
    CHECK(outcome.mentions("kernel 'test', block (0,2,0), thread (37,0,0), PTX line 14"));
    CHECK(outcome.mentions("the nearest allocation is 4000 bytes"));
    CHECK(outcome.mentions("ending 96 bytes before the address"));
  }
}

TEST_CASE("launch: shared and local memory have their own bounds") {
  Gpu& gpu = *gpus().front();
  const std::string shared =
      kernel("", "  .shared .b8 s[64];\n  .reg .b32 %r;\n  ld.shared.u32 %r, [s+64];\n");
  CHECK(launch_text(gpu, shared, {{1}, {1}}).status == Status::illegal_address);
  CHECK(launch_text(gpu, shared, {{1}, {1}, 4}).status == Status::success);  // dynamic memory follows
  const std::string local = kernel("", "  .local .b8 l[64];\n  .reg .b32 %r;\n  st.local.u32 [l+64], 1;\n");
  CHECK(launch_text(gpu, local, {{1}, {1}}).status == Status::illegal_address);
}

TEST_CASE("launch: an endless loop ends at the time limit") {
  for (const unsigned threads : {1U, 2U}) {
    const auto gpu = gpu_with_threads(threads);
    LaunchConfiguration configuration{{4}, {64}};
    configuration.time_limit = std::chrono::milliseconds(20);
    const Outcome outcome = launch_text(*gpu, kernel("", "LOOP:\n  bra LOOP;\n"), configuration);
    CHECK(outcome.status == Status::launch_timeout);
    CHECK(outcome.mentions("20 ms"));
    CHECK(launch_text(*gpu, kernel("", "  ret;\n"), {{4}, {64}}).status == Status::success);
  }
}

/// Block 0 stores vectors of equal elements, block 1 loads them and counts those that are not.
std::string torn_vectors(const std::string& vector, const std::string& type, bool four) {
  const std::string bits = type.substr(1);
  const std::string stored = four ? "{%i, %i, %i, %i}" : "{%i, %i}";
  const std::string loaded = four ? "{%a, %b, %c, %d}" : "{%a, %b}";
  return kHeader +
         ".visible .entry test(.param .u64 place, .param .u64 count)\n{\n  .reg .pred %p;\n  .reg .b" + bits +
         " %i, %a, %b, %c, %d;\n  .reg .b32 %block, %old;\n  .reg .b64 %place, %count;\n" +
         "  ld.param.u64 %place, [place];\n  ld.param.u64 %count, [count];\n  mov.b" + bits + " %i, 0;\n" +
         "  mov.u32 %block, %ctaid.x;\n  setp.ne.u32 %p, %block, 0;\n  @%p bra LOAD;\n" + "STORE:\n  add." +
         type + " %i, %i, 1;\n  st.relaxed.gpu.global" + vector + " [%place], " + stored + ";\n  setp.lt." +
         type + " %p, %i, 200000;\n  @%p bra STORE;\n  ret;\n" + "LOAD:\n  ld.relaxed.gpu.global" + vector +
         " " + loaded + ", [%place];\n" +
         (four ? "  xor.b32 %c, %c, %d;\n  setp.ne.u32 %p, %c, 0;\n  @%p red.global.add.u32 [%count], 1;\n"
               : "") +
         "  setp.ne." + type + " %p, %a, %b;\n  @%p red.global.add.u32 [%count], 1;\n" + "  setp.lt." + type +
         " %p, %a, 200000;\n  @%p bra LOAD;\n  ret;\n}\n";
}

TEST_CASE("launch: a vector that is stored while it is loaded comes whole") {
  const auto gpu = gpu_with_threads(2);
  const auto count_torn = [&](const std::string& ptx) {
    DeviceBuffer place(*gpu, 16);
    DeviceBuffer count(*gpu, 4);
    const auto module = load(*gpu, ptx);
    launch(*gpu, module->kernel("test"), {2}, {1}, Parameters().add(place.address()).add(count.address()));
    return count.as<std::uint32_t>()[0];
  };
  CHECK(count_torn(torn_vectors(".v2.u32", "u32", false)) == 0);
  CHECK(count_torn(torn_vectors(".v2.u64", "u64", false)) == 0);
  CHECK(count_torn(torn_vectors(".v4.u32", "u32", true)) == 0);
}

TEST_CASE("launch: a block as large as the kernel allows fits the register file") {
  Gpu& gpu = *gpus().front();
  for (const std::string bound : {"", ".maxntid 384, 1, 1"}) {
    std::string source = kHeader;
    source.append(".visible .entry test() ").append(bound).append(" { .reg .b32 %r<2000>; ret; }");
    const auto module = load(gpu, source);
    const KernelAttributes& attributes = module->kernel("test").attributes();
    CHECK(attributes.registers > 0);
    CHECK(attributes.registers <= 255);
    CHECK(attributes.registers * attributes.max_threads_per_block <= gpu.limits().registers_per_block);
  }
}

TEST_CASE("launch: endless recursion ends") {
  const std::string ptx =
      kHeader + ".func deeper() { call deeper; ret; }\n.visible .entry test() { call deeper; ret; }\n";
  CHECK(launch_text(*gpus().front(), ptx, {{1}, {32}}).status == Status::stack_error);
}

TEST_CASE("launch: a barrier that can never complete is an error") {
  const std::string ptx = kernel("",
                                 "  .reg .pred %p;\n  .reg .b32 %t;\n  mov.u32 %t, %tid.x;\n"
                                 "  setp.lt.u32 %p, %t, 32;\n  @%p bra ONE;\n  bar.sync 2;\n  ret;\nONE:\n"
                                 "  bar.sync 1, 64;\n  ret;\n");
  const Outcome outcome = launch_text(*gpus().front(), ptx, {{1}, {64}});
  CHECK(outcome.status == Status::launch_failed);
  CHECK(outcome.mentions("barrier 1 can never complete"));
  CHECK(outcome.mentions("PTX line 14"));
}

// Each thread takes the lock, adds 1 to a counter without atomics, and gives the lock back. Lanes of one warp
// compete, so the one that has the lock must get on although the others spin.
const std::string kSpinLock =
    kernel(".param .u64 p",
           "  .reg .pred %q;\n  .reg .b32 %r;\n  .reg .b64 %d;\n  ld.param.u64 %d, [p];\n"
           "SPIN:\n  atom.global.cas.b32 %r, [%d], 0, 1;\n  setp.ne.u32 %q, %r, 0;\n"
           "  @%q bra SPIN;\n  ld.volatile.global.u32 %r, [%d+4];\n  add.u32 %r, %r, 1;\n"
           "  st.volatile.global.u32 [%d+4], %r;\n  membar.gl;\n"
           "  atom.global.exch.b32 %r, [%d], 0;\n  ret;\n");

TEST_CASE("launch: a spin lock among lanes, warps and blocks makes progress") {
  for (const unsigned threads : {1U, 2U}) {
    const auto gpu = gpu_with_threads(threads);
    DeviceBuffer buffer(*gpu, 8);
    LaunchConfiguration configuration{{3}, {64}};
    configuration.time_limit = std::chrono::seconds(60);
    const Outcome outcome = launch_text(*gpu, kSpinLock, configuration, Parameters().add(buffer.address()));
    INFO(outcome.message);
    CHECK(outcome.status == Status::success);
    CHECK(buffer.as<std::uint32_t>()[1] == 3 * 64);
  }
}

TEST_CASE("launch: a warp may wait for another one") {
  // Warp 0 spins until warp 1, which runs later, has stored.
  const std::string ptx =
      kernel(".param .u64 p",
             "  .reg .pred %q;\n  .reg .b32 %r, %t;\n  .reg .b64 %d;\n  ld.param.u64 %d, [p];\n"
             "  mov.u32 %t, %tid.x;\n  setp.ge.u32 %q, %t, 32;\n  @%q bra STORE;\n"
             "SPIN:\n  ld.volatile.global.u32 %r, [%d];\n  setp.eq.u32 %q, %r, 0;\n"
             "  @%q bra SPIN;\n  ret;\nSTORE:\n  st.volatile.global.u32 [%d], 1;\n  ret;\n");
  const auto gpu = gpu_with_threads(1);
  DeviceBuffer buffer(*gpu, 4);
  LaunchConfiguration configuration{{1}, {64}};
  configuration.time_limit = std::chrono::seconds(60);
  CHECK(launch_text(*gpu, ptx, configuration, Parameters().add(buffer.address())).status == Status::success);
}

TEST_CASE("launch: any number of threads gives the same memory") {
  const std::string ptx = kernel(".param .u64 p",
                                 "  .reg .b32 %r<8>;\n  .reg .b64 %d, %a;\n  ld.param.u64 %d, [p];\n"
                                 "  mov.u32 %r1, %ctaid.x;\n  mov.u32 %r2, %ntid.x;\n  mov.u32 %r3, %tid.x;\n"
                                 "  mad.lo.u32 %r4, %r1, %r2, %r3;\n  mul.wide.u32 %a, %r4, 4;\n"
                                 "  add.u64 %a, %a, %d;\n  mul.lo.u32 %r5, %r4, 2654435761;\n"
                                 "  st.global.u32 [%a], %r5;\n  red.global.add.u32 [%d], %r4;\n  ret;\n");
  std::vector<std::uint32_t> expected;
  for (const unsigned threads : {1U, 2U, 5U}) {
    const auto gpu = gpu_with_threads(threads);
    CHECK(gpu->threads() == threads);
    constexpr std::size_t kThreads = std::size_t{300} * 96;
    DeviceBuffer buffer(*gpu, kThreads * 4);
    const Outcome outcome = launch_text(*gpu, ptx, {{300}, {96}}, Parameters().add(buffer.address()));
    CHECK(outcome.status == Status::success);
    // mad and what follows, in 3 warps of each block; what stands in front of it is the same in all blocks.
    CHECK(outcome.statistics.warp_instructions == 300 * 3 * 7);
    CHECK(outcome.statistics.thread_instructions == std::uint64_t{kThreads} * 7);
    const auto words = buffer.as<std::uint32_t>();
    const std::vector<std::uint32_t> got(words.begin() + 1, words.end());
    if (expected.empty()) expected = got;
    CHECK(got == expected);
  }
}

TEST_CASE("launch: inactive lanes are not counted") {
  // 20 of 32 lanes take the guarded addition; the second move and ret are everybody's, and what depends on
  // the thread's place in the block alone is no part of the code.
  const std::string ptx =
      kernel("",
             "  .reg .pred %p;\n  .reg .b32 %r, %t;\n  mov.u32 %t, %tid.x;\n  mov.u32 %r, 0;\n"
             "  setp.lt.u32 %p, %t, 20;\n  @%p add.u32 %r, %r, 1;\n  ret;\n");
  const Outcome outcome = launch_text(*gpus().front(), ptx, {{1}, {32}});
  CHECK(outcome.statistics.warp_instructions == 3);
  CHECK(outcome.statistics.thread_instructions == 2 * 32 + 20);
}

TEST_CASE("launch: kernels of two modules may be launched from two threads") {
  const auto gpu = gpu_with_threads(2);
  const std::string ptx = kernel(
      ".param .u64 p", "  .reg .b64 %d;\n  ld.param.u64 %d, [p];\n  red.global.add.u32 [%d], 1;\n  ret;\n");
  DeviceBuffer buffer(*gpu, 4);
  const auto module = load(*gpu, ptx);
  const Kernel& test_kernel = module->kernel("test");
  const auto work = [&] {
    for (int i = 0; i < 20; ++i) {
      gpu->launch(test_kernel, {{7}, {33}}, Parameters().add(buffer.address()).bytes());
    }
  };
  std::thread first(work);
  std::thread second(work);
  first.join();
  second.join();
  CHECK(buffer.as<std::uint32_t>()[0] == 2 * 20 * 7 * 33);
}

}  // namespace
}  // namespace vgpu::software::test
