// cp.async (PTX ISA 9.0, 9.7.9.25.3) and mbarrier (9.7.13.15).
#include <doctest/doctest.h>

#include <algorithm>

#include "instruction_coverage.h"
#include "instruction_harness.h"

namespace vgpu::software::test {

namespace {

constexpr std::uint32_t kThreads = 96;

std::string text(const std::string& body) {
  return std::string(kPtxHeader) + body;
}

/// Each thread copies pieces of its 64 bytes of input into shared memory that is full of ones before, and
/// then hands out those of the thread on the other side of the block.
const char* const kCopies = R"(.visible .entry test(.param .u64 in, .param .u64 out)
{
  .shared .align 16 .b8 tile[12288];
  .reg .pred %p, %q;
  .reg .b32 %t, %own, %other, %bytes, %i, %word, %end;
  .reg .b64 %in, %out, %o;
  ld.param.u64 %in, [in];
  ld.param.u64 %out, [out];
  mov.u32 %t, %tid.x;
  mad.wide.u32 %in, %t, 64, %in;
  mad.wide.u32 %out, %t, 128, %out;
  mov.u32 %own, tile;
  mad.lo.u32 %own, %t, 128, %own;
  mov.u32 %i, %own;
  add.u32 %end, %own, 128;
FILL:
  st.shared.u32 [%i], -1;
  add.u32 %i, %i, 4;
  setp.lt.u32 %p, %i, %end;
  @%p bra FILL;
  cp.async.cg.shared.global.L2::64B [%own], [%in], 16;
  cp.async.cg.shared.global.L2::128B [%own+16], [%in+16], 16;
  cp.async.commit_group;
  cp.async.cg.shared.global.L2::256B [%own+32], [%in+32], 16;
  cp.async.ca.shared.global [%own+48], [%in+48], 4;
  cp.async.ca.shared.global [%own+56], [%in+56], 8;
  cp.async.commit_group;
  and.b32 %bytes, %t, 15;
  cp.async.cg.shared.global [%own+64], [%in], 16, %bytes;
  cp.async.ca.shared::cta.global.L2::128B [%own+80], [%in+4], 4, 2;
  setp.lt.u32 %q, %t, 40;
  cp.async.cg.shared.global [%own+96], [%in], 16, %q;
  @%q cp.async.cg.shared.global [%own+112], [%in+48], 16;
  cp.async.commit_group;
  cp.async.wait_group 1;
  cp.async.wait_all;
  bar.sync 0;
  mov.u32 %other, 95;
  sub.u32 %other, %other, %t;
  mov.u32 %i, tile;
  mad.lo.u32 %i, %other, 128, %i;
  add.u32 %end, %i, 128;
READ:
  ld.shared.u32 %word, [%i];
  st.global.u32 [%out], %word;
  add.u64 %out, %out, 4;
  add.u32 %i, %i, 4;
  setp.lt.u32 %p, %i, %end;
  @%p bra READ;
  ret;
}
)";

Program copy_program() {
  return {"asynchronous copies",
          text(kCopies),
          {"cp.async.cg.shared.global.L2::64B", "cp.async.cg.shared.global.L2::128B",
           "cp.async.cg.shared.global.L2::256B", "cp.async.ca.shared.global", "cp.async.cg.shared.global",
           "cp.async.ca.shared::cta.global.L2::128B", "cp.async.commit_group", "cp.async.wait_group",
           "cp.async.wait_all"}};
}

std::uint8_t input_byte(std::uint32_t i) {
  return static_cast<std::uint8_t>(i * 41 + i / 251 + 3);
}

/// The 128 bytes that a thread's copies leave in shared memory.
std::array<std::uint8_t, 128> copied(std::uint32_t thread) {
  std::array<std::uint8_t, 128> bytes{};
  bytes.fill(0xff);
  const auto copy = [&](unsigned to, unsigned from, unsigned size, unsigned read) {
    for (unsigned i = 0; i < size; ++i) bytes[to + i] = i < read ? input_byte(thread * 64 + from + i) : 0;
  };
  copy(0, 0, 16, 16);
  copy(16, 16, 16, 16);
  copy(32, 32, 16, 16);
  copy(48, 48, 4, 4);
  copy(56, 56, 8, 8);
  copy(64, 0, 16, thread & 15);
  copy(80, 4, 4, 2);
  copy(96, 0, 16, thread < 40 ? 0 : 16);
  if (thread < 40) copy(112, 48, 16, 16);
  return bytes;
}

/// Threads hand values on from phase to phase. After each but the last one a third of them leaves for good,
/// and what they do not arrive for any more must not be waited for. Every thread counts its own failed tests.
const char* const kPhases = R"(.visible .entry test(.param .u64 out)
{
  .shared .align 8 .b64 object;
  .shared .align 4 .b32 values[96];
  .reg .pred %p, %done, %leaves;
  .reg .b32 %t, %phase, %v, %place, %o, %limit, %pending, %parity, %first;
  .reg .b64 %out, %state, %generic;
  ld.param.u64 %out, [out];
  mov.u32 %t, %tid.x;
  mad.wide.u32 %out, %t, 32, %out;
  setp.eq.u32 %p, %t, 0;
  @%p mbarrier.init.shared.b64 [object], 96;
  bar.sync 0;
  mov.u32 %phase, 0;
  mov.u32 %limit, 96;
NEXT:
  mov.u32 %place, values;
  mad.lo.u32 %place, %t, 4, %place;
  mad.lo.u32 %v, %phase, 1000, %t;
  st.shared.u32 [%place], %v;
  and.b32 %parity, %phase, 1;
  sub.u32 %limit, %limit, 32;
  setp.ge.u32 %leaves, %t, %limit;
  @%leaves bra LEAVE;
  mbarrier.arrive.shared.b64 %state, [object];
  mbarrier.pending_count.b64 %pending, %state;
WAIT:
  mbarrier.test_wait.shared.b64 %done, [object], %state;
  @!%done bra WAIT;
  mov.u64 %generic, object;
  cvta.shared.u64 %generic, %generic;
BY_PARITY:
  mbarrier.test_wait.parity.b64 %done, [%generic], %parity;
  @!%done bra BY_PARITY;
  add.u32 %o, %limit, 31;
  sub.u32 %o, %o, %t;
  mov.u32 %place, values;
  mad.lo.u32 %place, %o, 4, %place;
  ld.shared.u32 %v, [%place];
  st.global.u32 [%out], %v;
  st.global.u32 [%out+4], %pending;
  add.u64 %out, %out, 8;
  add.u32 %phase, %phase, 1;
  setp.lt.u32 %p, %phase, 3;
  @%p bra NEXT;
LEAVE:
  mbarrier.arrive_drop.shared.b64 %state, [object];
  mbarrier.pending_count.b64 %pending, %state;
  st.global.u32 [%out], 77;
  st.global.u32 [%out+4], %pending;
  ret;
}
)";

Program phase_program() {
  return {"barriers of a phase",
          text(kPhases),
          {"mbarrier.init.shared.b64", "mbarrier.arrive.shared.b64", "mbarrier.test_wait.shared.b64",
           "mbarrier.test_wait.parity.b64", "mbarrier.arrive_drop.shared.b64", "mbarrier.pending_count.b64"}};
}

/// Thread 0 arrives for others; copies arrive with and without counting.
const char* const kArrivals = R"(.visible .entry test(.param .u64 out)
{
  .shared .align 8 .b64 object;
  .reg .pred %p;
  .reg .b32 %n;
  .reg .b64 %out, %state;
  ld.param.u64 %out, [out];
  mbarrier.init.shared.b64 [object], 10;
  mbarrier.arrive.noComplete.shared.b64 %state, [object], 4;
  mbarrier.pending_count.b64 %n, %state;
  st.global.u32 [%out], %n;
  cp.async.mbarrier.arrive.shared.b64 [object];
  mbarrier.arrive.shared.b64 %state, [object];
  mbarrier.pending_count.b64 %n, %state;
  st.global.u32 [%out+4], %n;
  cp.async.mbarrier.arrive.noinc.shared.b64 [object];
  mbarrier.arrive.noComplete.shared.b64 _, [object], 3;
  mbarrier.test_wait.shared.b64 %p, [object], %state;
  selp.u32 %n, 1, 0, %p;
  st.global.u32 [%out+8], %n;
  mbarrier.arrive.shared.b64 _, [object];
  mbarrier.test_wait.shared.b64 %p, [object], %state;
  selp.u32 %n, 1, 0, %p;
  st.global.u32 [%out+12], %n;
  mbarrier.arrive.shared.b64 %state, [object];
  mbarrier.pending_count.b64 %n, %state;
  st.global.u32 [%out+16], %n;
  mbarrier.inval.shared.b64 [object];
  ret;
}
)";

Program arrival_program() {
  return {"arrivals for others",
          text(kArrivals),
          {"mbarrier.arrive.noComplete.shared.b64", "cp.async.mbarrier.arrive.shared.b64",
           "cp.async.mbarrier.arrive.noinc.shared.b64", "mbarrier.inval.shared.b64"}};
}

std::string faulty(const std::string& instruction) {
  return text(
      ".visible .entry test(.param .u64 address)\n{\n  .shared .align 16 .b8 tile[64];\n  .shared .align 8 "
      ".b64 "
      "object;\n  .reg .b32 %r, %n;\n  .reg .b64 %a, %s;\n  ld.param.u64 %a, [address];\n  mov.u32 %r, "
      "tile;\n"
      "  mov.u32 %n, 20;\n  mbarrier.init.shared.b64 [object], 2;\n  " +
      instruction + "\n  ret;\n}\n");
}

}  // namespace

std::vector<Program> asynchronous_programs() {
  return {copy_program(), phase_program(), arrival_program()};
}

TEST_CASE("instructions: asynchronous copies") {
  run_program(copy_program(), [](Gpu& gpu, Module& module) {
    DeviceBuffer in(gpu, std::size_t{kThreads} * 64);
    DeviceBuffer out(gpu, std::size_t{kThreads} * 128);
    for (std::uint32_t i = 0; i < kThreads * 64; ++i) in.as<std::uint8_t>()[i] = input_byte(i);
    Parameters parameters;
    parameters.add(in.address()).add(out.address());
    launch(gpu, module.kernel("test"), {1, 1, 1}, {kThreads, 1, 1}, parameters);
    for (std::uint32_t thread = 0; thread < kThreads; ++thread) {
      INFO("thread " << thread);
      const auto expected = copied(kThreads - 1 - thread);
      const auto got = out.as<std::uint8_t>().subspan(std::size_t{thread} * 128, 128);
      CHECK(std::equal(expected.begin(), expected.end(), got.begin()));
    }
  });
}

TEST_CASE("instructions: an mbarrier over phases with fewer and fewer threads") {
  run_program(phase_program(), [](Gpu& gpu, Module& module) {
    DeviceBuffer out(gpu, std::size_t{kThreads} * 32);
    Parameters parameters;
    parameters.add(out.address());
    launch(gpu, module.kernel("test"), {1, 1, 1}, {kThreads, 1, 1}, parameters);
    // In phase n, 96 - 32 n threads take part, the last 32 of which leave with their arrival.
    std::array<std::vector<std::uint32_t>, 3> pending;
    for (std::uint32_t thread = 0; thread < kThreads; ++thread) {
      const auto words = out.as<std::uint32_t>().subspan(std::size_t{thread} * 8, 8);
      const std::uint32_t last = (kThreads - 1 - thread) / 32;
      for (std::uint32_t phase = 0; phase <= last; ++phase) {
        INFO("thread " << thread << ", phase " << phase);
        const std::uint32_t taking_part = kThreads - 32 * phase;
        const std::uint32_t partner = taking_part - 1 - thread;
        CHECK(words[std::size_t{2} * phase] == (phase == last ? 77 : phase * 1000 + partner));
        pending[phase].push_back(words[std::size_t{2} * phase + 1]);
      }
    }
    // Each arrival found one pending less than the one before it.
    for (std::uint32_t phase = 0; phase < 3; ++phase) {
      std::ranges::sort(pending[phase]);
      REQUIRE(pending[phase].size() == kThreads - 32 * phase);
      for (std::uint32_t i = 0; i < pending[phase].size(); ++i) CHECK(pending[phase][i] == i + 1);
    }
  });
}

TEST_CASE("instructions: arrivals at an mbarrier for others and by copies") {
  run_program(arrival_program(), [](Gpu& gpu, Module& module) {
    DeviceBuffer out(gpu, 20);
    Parameters parameters;
    parameters.add(out.address());
    launch(gpu, module.kernel("test"), {1, 1, 1}, {1, 1, 1}, parameters);
    const auto words = out.as<std::uint32_t>();
    CHECK(words[0] == 10);
    CHECK(words[1] == 6);  // an arrival that counts itself changes nothing
    CHECK(words[2] == 0);  // 10 - 4 - 1 - 1 - 3: one is missing
    CHECK(words[3] == 1);
    CHECK(words[4] == 10);
  });
}

TEST_CASE("instructions: faults of asynchronous copies and mbarriers") {
  struct Fault {
    std::string instruction;
    std::int64_t offset;  // from the end of an allocation of 64 bytes
    Status status;
  };
  const std::vector<Fault> faults = {
      {"cp.async.cg.shared.global [%r], [%a], 16;", -16, Status::success},
      {"cp.async.cg.shared.global [%r], [%a], 16;", 1 << 20, Status::illegal_address},
      {"cp.async.cg.shared.global [%r], [%a], 16, 0;", 1 << 20, Status::success},
      {"cp.async.cg.shared.global [%r], [%a], 16;", -8, Status::misaligned_address},
      {"cp.async.cg.shared.global [%r+8], [%a], 16;", -16, Status::misaligned_address},
      {"cp.async.cg.shared.global [%r+4096], [%a], 16;", -16, Status::illegal_address},
      {"cp.async.cg.shared.global [%r], [%a], 16, %n;", -16, Status::illegal_instruction},
      {"mbarrier.arrive.noComplete.shared.b64 %s, [object], 3;", 0, Status::illegal_instruction},
      {"mbarrier.init.shared.b64 [object], 0;", 0, Status::illegal_instruction},
      {"mbarrier.arrive.shared.b64 %s, [%r+4];", 0, Status::misaligned_address},
      {"mbarrier.arrive.shared.b64 %s, [%r+4096];", 0, Status::illegal_address},
  };
  for (const std::unique_ptr<Gpu>& gpu : gpus()) {
    for (const Fault& fault : faults) {
      INFO(fault.instruction << " at end " << fault.offset);
      DeviceBuffer buffer(*gpu, 64);
      Parameters parameters;
      parameters.add(buffer.address() + 64 + static_cast<std::uint64_t>(fault.offset));
      Status status = Status::success;
      try {
        const std::unique_ptr<Module> module = load(*gpu, faulty(fault.instruction));
        launch(*gpu, module->kernel("test"), {1, 1, 1}, {1, 1, 1}, parameters);
      } catch (const Error& error) {
        status = error.status();
      }
      CHECK(status == fault.status);
    }
  }
}

}  // namespace vgpu::software::test
