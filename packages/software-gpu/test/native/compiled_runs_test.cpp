// Compiled runs beside the interpreter: the same bits and the same counts, whatever the run looks like. The
// instruction tests go through compiled runs as well, see instruction_harness.cpp.
#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "compiled_runs_program.h"

namespace vgpu::software::test::compiled_runs {

TEST_CASE("compiled runs: longer than the longest run") {
  if (!can_compile()) return;
  Random random(77);
  std::string body;
  for (int i = 0; i < 1000; ++i) {
    const std::string a = std::to_string(random.below(kWords));
    const std::string b = std::to_string(random.below(kWords));
    const std::string c = std::to_string(random.below(kWords));
    body.append("  mad.lo.u32 %r")
        .append(a)
        .append(", %r")
        .append(b)
        .append(", 5, %r")
        .append(c)
        .append(";\n");
  }
  compare(body, 3, 1000);
}

TEST_CASE("compiled runs: more values than registers") {
  if (!can_compile()) return;
  // All 16 words and 10 doublewords change and are needed again: 72 registers' worth. The floats are NaN now
  // and then, which must have PTX's bits when they come back from the stack.
  std::string body;
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t i = 0; i < kWords; ++i) {
      const std::string word = "%r" + std::to_string(i);
      const std::string other = std::to_string((i + 2) % kWords);
      body.append("  mul.f32 ")
          .append(word)
          .append(", ")
          .append(word)
          .append(", %r")
          .append(other)
          .append(";\n");
    }
    for (std::uint32_t i = 0; i < kDoublewords; ++i) {
      const std::string doubleword = "%d" + std::to_string(i);
      const std::string other = std::to_string((i + 2) % kDoublewords);
      body.append("  mul.f64 ")
          .append(doubleword)
          .append(", ")
          .append(doubleword)
          .append(", %d")
          .append(other)
          .append(";\n");
    }
    for (std::uint32_t i = 0; i < kPredicates; ++i) {
      body += "  xor.pred %p" + std::to_string(i) + ", %p" + std::to_string(i) + ", %p" +
              std::to_string((i + 3) % kPredicates) + ";\n";
    }
  }
  for (std::uint32_t i = 0; i < kWords; ++i) body += "  xor.b32 %r" + std::to_string(i) + ", %r0, 1;\n";
  compare(body, 11, 80);
}

TEST_CASE("compiled runs: a kernel is compiled when it has run for long") {
  if (!can_compile()) return;
  const auto gpu = create(CompiledCode::automatic);
  const std::string ptx = program("  add.u32 %r0, %r0, %r1;\n  xor.b32 %r0, %r0, %r2;\n");
  const auto module = load(*gpu, ptx);
  const Kernel& kernel = module->kernel("test");
  Random random(5);
  const std::vector<std::byte> records = random_records(random);
  DeviceBuffer data(*gpu, records.size());
  std::ranges::copy(records, data.bytes().begin());
  const auto once = [&] { launch(*gpu, kernel, {kBlocks}, {kThreads}, Parameters().add(data.address())); };
  once();
  CHECK(kernel.compiled_instructions() == 0);
  for (int i = 0; i < 500; ++i) once();
  CHECK(kernel.compiled_instructions() > 0);
  // The first launches and the last ones have done the same.
  std::vector<std::byte> expected = records;
  for (std::size_t i = 0; i < kRecordsBytes; i += kRecordBytes) {
    std::array<std::uint32_t, 3> words{};
    std::memcpy(words.data(), expected.data() + i + std::size_t{8} * kDoublewords, sizeof words);
    for (int again = 0; again < 501; ++again) words[0] = (words[0] + words[1]) ^ words[2];
    std::memcpy(expected.data() + i + std::size_t{8} * kDoublewords, words.data(), 4);
  }
  CHECK(std::ranges::equal(expected, data.bytes()));
}

TEST_CASE("compiled runs: errors name the same place") {
  if (!can_compile()) return;
  Random random(6);
  const std::vector<std::byte> records = random_records(random);
  const auto message_of = [&](CompiledCode choice, const std::string& body, std::uint32_t threads) {
    try {
      run(choice, program(body), records, threads);
    } catch (const Error& error) {
      const bool is_expected =
          error.status() == Status::illegal_address || error.status() == Status::misaligned_address;
      CHECK(is_expected);
      const std::string message = error.what();
      return message.substr(0, message.find(':'));
    }
    return std::string("no error");
  };
  // At an address that is no memory, behind the shared memory, in front of it, not aligned; some lanes or
  // all.
  for (const char* access :
       {"mov.u64 %wide, 64;\n  st.global.u32 [%wide], %r0", "ld.global.u32 %r0, [%d1]",
        "ld.global.u32 %r0, [%column+1048576]", "mad.lo.u32 %t, %t, 512, %tile;\n  ld.shared.u32 %r0, [%t]",
        "ld.shared.u32 %r0, [%slot+-65536]", "ld.shared.u32 %r0, [%slot+65536]",
        "st.shared.u32 [%slot+65536], %r0", "mad.lo.u32 %t, %t, 2, %tile;\n  ld.shared.u32 %r0, [%t]",
        "mad.wide.u32 %wide, %t, 2, %input;\n  ld.global.u32 %r0, [%wide]",
        "mad.wide.u32 %wide, %t, 8, %input;\n  ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%wide]",
        "add.u64 %column, %column, 2;\n  st.global.u32 [%column], %r0",
        // Behind the greatest address; first as a line, then as vectors.
        ("mov.u64 %wide, 0x7fffffffffffffc0;\n  mad.wide.u32 %wide, %t, 4, %wide;\n  ld.global.u32 %r0, "
         "[%wide]"),
        ("mov.u64 %wide, 0x7fffffffffffffc0;\n  mad.wide.u32 %wide, %t, 4, %wide;\n  st.global.u32 [%wide], "
         "%r0"),
        ("mov.u64 %wide, 0x7fffffffffffffc0;\n  min.u32 %t, %t, 999;\n  mad.wide.u32 %wide, %t, 4, %wide;\n"
         "  ld.global.u32 %r0, [%wide]"),
        ("mov.u64 %wide, 0x7fffffffffffffc0;\n  min.u32 %t, %t, 999;\n  mad.wide.u32 %wide, %t, 4, %wide;\n"
         "  st.global.u32 [%wide], %r0"),
        "add.u64 %column, %column, 1048576;\n  st.global.u32 [%column], %r0",
        "add.u32 %slot, %slot, 65536;\n  st.shared.u32 [%slot], %r0",
        // A load before it, through the same address, is right.
        "ld.shared.u32 %r2, [%slot];\n  ld.shared.u32 %r0, [%slot+65536]",
        "ld.shared.u32 %r2, [%slot];\n  ld.shared.u32 %r0, [%slot+-65536]",
        "ld.shared.u32 %r2, [%slot];\n  ld.shared.v4.u32 {%r0, %r1, %r3, %r4}, [%slot]"}) {
    CAPTURE(access);
    // A run of its own: that of the loads before it is left when the first one does not know its allocation.
    const std::string body =
        std::string("  bra ACCESS;\nACCESS:\n  add.u32 %r0, %r0, 1;\n  add.u32 %r1, %r0, 2;\n  ") + access +
        ";\n";
    for (const std::uint32_t threads : {kUsedThreads, kWarpThreads}) {
      const std::string interpreted = message_of(CompiledCode::never, body, threads);
      CHECK(interpreted != "no error");
      CHECK(message_of(CompiledCode::always, body, threads) == interpreted);
    }
  }
}

TEST_CASE("compiled runs: a load that leaves its allocation behind one that does not") {
  if (!can_compile()) return;
  Random random(7);
  const std::vector<std::byte> records = random_records(random);
  // In the second round, when the allocation is known: towards either end of it, all lanes in a row or not.
  struct Loads {
    int stride;  // of lanes
    int step;    // from one round to the next
    int offset;  // of the second load
  };
  for (const Loads& loads : {Loads{4, 5632, 1024}, Loads{8, 5376, 1024}, Loads{4, -1024, -35000}}) {
    CAPTURE(loads.stride);
    CAPTURE(loads.offset);
    const std::string body = "  mad.wide.u32 %wide, %i, " + std::to_string(loads.stride - 4) +
                             ", %column;\n  mov.u32 %narrow, 0;\nAGAIN:\n  add.u32 %narrow, %narrow, 1;\n" +
                             "  ld.global.u32 %r2, [%wide];\n  ld.global.u32 %r0, [%wide+" +
                             std::to_string(loads.offset) + "];\n  add.s64 %wide, %wide, " +
                             std::to_string(loads.step) +
                             ";\n  setp.lt.u32 %p0, %narrow, 3;\n  @%p0 bra AGAIN;\n";
    std::array<std::string, 2> messages;
    for (const CompiledCode choice : {CompiledCode::never, CompiledCode::always}) {
      try {
        run(choice, program(body), records, kWarpThreads);
      } catch (const Error& error) {
        CHECK(error.status() == Status::illegal_address);
        messages[choice == CompiledCode::always ? 1 : 0] = error.what();
      }
    }
    CHECK(!messages[0].empty());
    CHECK(messages[0] == messages[1]);
  }
}

TEST_CASE("compiled runs: no memory is writable and executable") {
  if (!can_compile()) return;
  const auto gpu = create(CompiledCode::always);
  const auto module = load(*gpu, program("  add.u32 %r0, %r0, %r1;\n  xor.b32 %r0, %r0, %r2;\n"));
  const Kernel& kernel = module->kernel("test");
  DeviceBuffer data(*gpu, kDataBytes);
  launch(*gpu, kernel, {1}, {kThreads}, Parameters().add(data.address()));
  REQUIRE(kernel.compiled_instructions() > 0);
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line); ++lines)
    CHECK_MESSAGE(line.find(" rwx") == std::string::npos, line);
  CHECK(lines > 0);
}

namespace {

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/// In a process whose memory cannot become executable: 0 when kernels run all the same, and it is said why
/// they are not compiled.
int run_without_executable_memory(const std::vector<std::byte>& records,
                                  const std::vector<std::byte>& expected) {
  if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0) return errno == EINVAL ? 10 : 11;
  const std::string ptx = program("  add.u32 %r0, %r0, %r1;\n  xor.b32 %r0, %r0, %r2;\n");
  if (create(CompiledCode::automatic)->why_interpreted().find("refuses executable memory") ==
      std::string::npos)
    return 1;
  const Outcome outcome = run(CompiledCode::automatic, ptx, records);
  if (outcome.compiled_instructions != 0 || outcome.bytes != expected) return 2;
  try {
    create(CompiledCode::always);
  } catch (const Error& error) {
    return error.status() == Status::not_supported ? 0 : 3;
  }
  return 4;
}

}  // namespace

TEST_CASE("compiled runs: without executable memory kernels are interpreted") {
  if (!can_compile()) return;
  Random random(8);
  const std::vector<std::byte> records = random_records(random);
  const std::string ptx = program("  add.u32 %r0, %r0, %r1;\n  xor.b32 %r0, %r0, %r2;\n");
  const std::vector<std::byte> expected = run(CompiledCode::never, ptx, records).bytes;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(run_without_executable_memory(records, expected));
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 10) {
    std::puts("compiled runs: this kernel cannot refuse executable memory, so that is not tested");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace vgpu::software::test::compiled_runs
