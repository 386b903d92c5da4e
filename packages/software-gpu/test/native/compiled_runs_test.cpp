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

#include "instruction_harness.h"
#include "instruction_values.h"

namespace vgpu::software::test {
namespace {

constexpr std::uint32_t kThreads = 64;
constexpr std::uint32_t kUsedThreads = kThreads - 7;  // the last warp is not complete
constexpr std::uint32_t kBlocks = 3;
constexpr std::uint32_t kWords = 16;
constexpr std::uint32_t kDoublewords = 10;
constexpr std::uint32_t kPredicates = 8;
/// What a thread reads and writes: its registers, predicates as words.
constexpr std::uint32_t kRecordBytes = 4 * kWords + 8 * kDoublewords + 4 * kPredicates;
/// Behind the records: what all threads read, in device and in shared memory, and columns with a word for
/// each thread.
constexpr std::uint32_t kInputBytes = 2048;
constexpr std::uint32_t kColumns = 8;
constexpr std::uint32_t kColumnBytes = 4 * kThreads * kBlocks;
constexpr std::uint32_t kRecordsBytes = kRecordBytes * kThreads * kBlocks;
constexpr std::uint32_t kDataBytes = kRecordsBytes + kInputBytes + kColumns * kColumnBytes;

std::unique_ptr<Gpu> create(CompiledCode compiled_code) {
  GpuOptions options;
  options.memory_bytes = std::size_t{64} << 20;
  options.threads = 1;
  options.compiled_code = compiled_code;
  return Gpu::create(options);
}

/// False, with a word about it, where nothing can be compiled.
bool can_compile() {
  static const std::string reason = create(CompiledCode::automatic)->why_interpreted();
  if (!reason.empty()) std::printf("compiled runs: not tested, %s\n", reason.c_str());
  return reason.empty();
}

std::string program(const std::string& body) {
  std::string text = R"(
.version 7.0
.target sm_75
.address_size 64
.visible .entry test(.param .u64 data)
{
  .reg .pred %q, %p<8>;
  .reg .b32 %t, %n, %i, %active, %steps, %r<16>;
  .reg .b64 %data, %at, %input, %column, %wide, %d<10>;
  .reg .b32 %tile, %slot, %narrow;
  .shared .align 16 .b8 tile[4096];
  ld.param.u64 %data, [data];
  mov.u32 %t, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mov.u32 %i, %tid.x;
  mad.lo.u32 %i, %t, %n, %i;
)";
  const auto line = [&](const std::string& words) { text.append("  ").append(words).append(";\n"); };
  line("mad.wide.u32 %at, %i, " + std::to_string(kRecordBytes) + ", %data");
  // The middle of the input, and the thread's word of the first column.
  line("add.u64 %input, %data, " + std::to_string(kRecordsBytes + kInputBytes / 2));
  line("mad.wide.u32 %column, %i, 4, %input");
  line("add.u64 %column, %column, " + std::to_string(kInputBytes / 2));
  // The same input in the first half of shared memory, a slot for each thread in the second.
  line("mov.u32 %tile, tile");
  line("mov.u32 %t, %tid.x");
  line("mad.lo.u32 %slot, %t, 4, %tile");
  line("mov.u64 %wide, %input");
  line("mad.wide.u32 %wide, %t, 4, %wide");
  for (std::uint32_t at = 0; at < kInputBytes; at += 4 * kUsedThreads) {
    const std::string offset = std::to_string(at);
    // The last threads' last words lie behind the input.
    line("ld.global.b32 %narrow, [%wide+" + std::to_string(static_cast<std::int64_t>(at) - kInputBytes / 2) +
         "]");
    line("st.shared.b32 [%slot+" + offset + "], %narrow");
  }
  line("bar.sync 0");
  line("add.u32 %tile, %tile, " + std::to_string(kInputBytes / 2));
  line("add.u32 %slot, %slot, " + std::to_string(kInputBytes + 512));
  std::uint32_t offset = 0;
  const auto place = [&](std::uint32_t bytes) {
    std::string address = "[%at+" + std::to_string(offset) + "]";
    offset += bytes;
    return address;
  };
  for (std::uint32_t i = 0; i < kDoublewords; ++i)
    line("ld.global.b64 %d" + std::to_string(i) + ", " + place(8));
  for (std::uint32_t i = 0; i < kWords; ++i) line("ld.global.b32 %r" + std::to_string(i) + ", " + place(4));
  for (std::uint32_t i = 0; i < kPredicates; ++i) {
    line("ld.global.b32 %active, " + place(4));
    line("setp.ne.u32 %p" + std::to_string(i) + ", %active, 0");
  }
  text += body;
  offset = 0;
  for (std::uint32_t i = 0; i < kDoublewords; ++i)
    line("st.global.b64 " + place(8) + ", %d" + std::to_string(i));
  for (std::uint32_t i = 0; i < kWords; ++i) line("st.global.b32 " + place(4) + ", %r" + std::to_string(i));
  for (std::uint32_t i = 0; i < kPredicates; ++i) {
    line("selp.u32 %active, 1, 0, %p" + std::to_string(i));
    line("st.global.b32 " + place(4) + ", %active");
  }
  return text + "  ret;\n}\n";
}

std::vector<std::byte> random_records(Random& random) {
  std::vector<std::byte> bytes(kDataBytes);
  for (std::size_t i = kRecordsBytes; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(random.next());
  for (std::size_t i = 0; i < kRecordsBytes; i += kRecordBytes) {
    std::byte* at = bytes.data() + i;
    const auto put = [&](auto value) {
      std::memcpy(at, &value, sizeof value);
      at += sizeof value;
    };
    for (std::uint32_t k = 0; k < kDoublewords; ++k) {
      put(random_value(k % 2 == 0 ? Type::f64 : Type::u64, random));
    }
    for (std::uint32_t k = 0; k < kWords; ++k) {
      put(static_cast<std::uint32_t>(random_value(k % 2 == 0 ? Type::f32 : Type::u32, random)));
    }
    for (std::uint32_t k = 0; k < kPredicates; ++k) put(static_cast<std::uint32_t>(random.below(2)));
  }
  return bytes;
}

struct Outcome {
  std::vector<std::byte> bytes;
  LaunchStatistics statistics;
  std::size_t compiled_instructions;
};

Outcome run(CompiledCode compiled_code, const std::string& ptx, const std::vector<std::byte>& records) {
  const auto gpu = create(compiled_code);
  const auto module = load(*gpu, ptx);
  DeviceBuffer data(*gpu, records.size());
  std::ranges::copy(records, data.bytes().begin());
  const Kernel& kernel = module->kernel("test");
  const auto statistics = launch(*gpu, kernel, {kBlocks}, {kUsedThreads}, Parameters().add(data.address()));
  return {{data.bytes().begin(), data.bytes().end()}, statistics, kernel.compiled_instructions()};
}

/// Runs the body both ways.
void compare(const std::string& body, std::uint64_t seed, std::size_t least_compiled) {
  Random random(seed);
  const std::vector<std::byte> records = random_records(random);
  const std::string ptx = program(body);
  const Outcome interpreted = run(CompiledCode::never, ptx, records);
  const Outcome compiled = run(CompiledCode::always, ptx, records);
  CHECK(interpreted.compiled_instructions == 0);
  CHECK(compiled.compiled_instructions >= least_compiled);
  CHECK(compiled.statistics.warp_instructions == interpreted.statistics.warp_instructions);
  CHECK(compiled.statistics.thread_instructions == interpreted.statistics.thread_instructions);
  CHECK(interpreted.bytes != records);
  CHECK_MESSAGE(compiled.bytes == interpreted.bytes, "seed " << seed << ", program:\n" << ptx);
}

// --- Random programs
// ------------------------------------------------------------------------------------------------

/// In place of letters: w a word, d a doubleword, p a predicate, i a small number.
constexpr std::array kForms{
    "add.u32 w, w, w",
    "add.u64 d, d, d",
    "sub.u32 w, w, w",
    "sub.u64 d, d, d",
    "mul.lo.u32 w, w, w",
    "mul.lo.u64 d, d, d",
    "mad.lo.u32 w, w, w, w",
    "mad.lo.u64 d, d, d, d",
    "mul.hi.u32 w, w, w",
    "mul.hi.s32 w, w, w",
    "mul.wide.u32 d, w, w",
    "mul.wide.s32 d, w, w",
    "mad.wide.u32 d, w, w, d",
    "mad.wide.s32 d, w, w, d",
    "abs.s32 w, w",
    "abs.s64 d, d",
    "neg.s32 w, w",
    "neg.s64 d, d",
    "min.u32 w, w, w",
    "min.s32 w, w, w",
    "min.u64 d, d, d",
    "min.s64 d, d, d",
    "max.u32 w, w, w",
    "max.s32 w, w, w",
    "max.u64 d, d, d",
    "max.s64 d, d, d",
    "and.b32 w, w, w",
    "and.b64 d, d, d",
    "or.b32 w, w, w",
    "or.b64 d, d, d",
    "xor.b32 w, w, w",
    "xor.b64 d, d, d",
    "not.b32 w, w",
    "not.b64 d, d",
    "shl.b32 w, w, w",
    "shl.b32 w, w, i",
    "shl.b64 d, d, w",
    "shl.b64 d, d, i",
    "shr.u32 w, w, i",
    "shr.s32 w, w, w",
    "shr.u64 d, d, i",
    "shr.s64 d, d, w",
    "shf.l.wrap.b32 w, w, w, w",
    "shf.l.clamp.b32 w, w, w, i",
    "shf.r.wrap.b32 w, w, w, i",
    "shf.r.clamp.b32 w, w, w, w",
    "lop3.b32 w, w, w, w, i",
    "clz.b32 w, w",
    "mov.b32 w, w",
    "mov.b64 d, d",
    "selp.b32 w, w, w, p",
    "selp.b64 d, d, d, p",
    "mov.b64 d, {w, w}",
    "mov.u32 w, i",
    "add.f32 w, w, w",
    "sub.f32 w, w, w",
    "mul.f32 w, w, w",
    "fma.rn.f32 w, w, w, w",
    "fma.rn.f32 w, w, w, w",
    "div.rn.f32 w, w, w",
    "rcp.rn.f32 w, w",
    "sqrt.rn.f32 w, w",
    "rsqrt.approx.f32 w, w",
    "min.f32 w, w, w",
    "max.f32 w, w, w",
    "abs.f32 w, w",
    "neg.f32 w, w",
    "add.ftz.f32 w, w, w",
    "mul.ftz.f32 w, w, w",
    "fma.rn.ftz.f32 w, w, w, w",
    "min.ftz.f32 w, w, w",
    "add.f64 d, d, d",
    "sub.f64 d, d, d",
    "mul.f64 d, d, d",
    "fma.rn.f64 d, d, d, d",
    "div.rn.f64 d, d, d",
    "rcp.rn.f64 d, d",
    "sqrt.rn.f64 d, d",
    "min.f64 d, d, d",
    "max.f64 d, d, d",
    "abs.f64 d, d",
    "neg.f64 d, d",
    "cvt.u64.u32 d, w",
    "cvt.s64.s32 d, w",
    "cvt.u32.u64 w, d",
    "cvt.rn.f32.s32 w, w",
    "cvt.rn.f32.u32 w, w",
    "cvt.rn.f64.s32 d, w",
    "cvt.rn.f64.u32 d, w",
    "cvt.f64.f32 d, w",
    "cvt.rn.f32.f64 w, d",
    "cvt.rni.f32.f32 w, w",
    "cvt.rzi.s32.f32 w, w",
    "cvt.rmi.s32.f32 w, w",
    "cvt.rzi.u32.f32 w, w",
    "setp.lt.u32 p, w, w",
    "setp.ge.s32 p, w, w",
    "setp.eq.u64 p, d, d",
    "setp.gt.s64 p, d, d",
    "setp.lt.f32 p, w, w",
    "setp.neu.f32 p, w, w",
    "setp.nan.f64 p, d, d",
    "setp.leu.f64 p, d, d",
    "not.pred p, p",
    "and.pred p, p, p",
    "or.pred p, p, p",
    "xor.pred p, p, p",
    "mov.pred p, p",
    // These are not compiled: they part runs.
    "popc.b32 w, w",
    "setp.lt.and.f32 p, w, w, p",
    "@p add.u32 w, w, w",
    "brev.b32 w, w",
};

std::string random_instruction(Random& random) {
  const std::string form = kForms[random.below(kForms.size())];
  const std::size_t operands = form.find(' ', form[0] == '@' ? 3 : 0);
  std::string text;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool is_operand = i > operands || (form[0] == '@' && i == 1);
    if (is_operand && form[i] == 'w') {
      text += "%r" + std::to_string(random.below(kWords));
    } else if (is_operand && form[i] == 'd') {
      text += "%d" + std::to_string(random.below(kDoublewords));
    } else if (is_operand && form[i] == 'p') {
      text += "%p" + std::to_string(random.below(kPredicates));
    } else if (is_operand && form[i] == 'i') {
      text += std::to_string(random.below(70));
    } else {
      text += form[i];
    }
  }
  return "  " + text + ";\n";
}

/// A load or store: lanes next to each other, all at one place, or anywhere.
std::string random_access(Random& random) {
  const auto word = [&] { return "%r" + std::to_string(random.below(kWords)); };
  const auto offset = [&](std::uint64_t alignment) {
    return std::to_string(static_cast<std::int64_t>(random.below(512 / alignment) * alignment) - 256);
  };
  const std::string first = std::to_string(random.below(kWords / 4) * 4);
  const std::string four = "{%r" + first + ", %r" + std::to_string(std::stoi(first) + 1) + ", %r" +
                           std::to_string(std::stoi(first) + 2) + ", %r" +
                           std::to_string(std::stoi(first) + 3) + "}";
  const auto anywhere = [&](std::uint64_t alignment, bool shared) {
    const std::string mask = std::to_string(512 - alignment);
    return "  and.b32 %narrow, " + word() + ", " + mask + ";\n" +
           (shared ? "  add.u32 %narrow, %narrow, %tile;\n"
                   : "  cvt.u64.u32 %wide, %narrow;\n  add.u64 %wide, %wide, %input;\n");
  };
  switch (random.below(12)) {
    case 0:
      return "  ld.global.b32 " + word() + ", [%input+" + offset(4) + "];\n";
    case 1:
      return anywhere(4, false) + "  ld.global.f32 " + word() + ", [%wide+" + offset(4) + "];\n";
    case 2:
      return anywhere(16, false) + "  ld.global.v4.b32 " + four + ", [%wide+" + offset(16) + "];\n";
    case 3:
    case 4:
      return "  ld.global.b32 " + word() + ", [%column+" +
             std::to_string(random.below(kColumns) * kColumnBytes) + "];\n";
    case 5:
      return "  st.global.b32 [%column+" + std::to_string(random.below(kColumns) * kColumnBytes) + "], " +
             word() + ";\n";
    case 6:
      return "  ld.shared.b32 " + word() + ", [%tile+" + offset(4) + "];\n";
    case 7:
      return anywhere(4, true) + "  ld.shared.f32 " + word() + ", [%narrow+" + offset(4) + "];\n";
    case 8:
      return anywhere(16, true) + "  ld.shared.v4.f32 " + four + ", [%narrow+" + offset(16) + "];\n";
    case 9:
      return "  ld.shared.v4.f32 " + four + ", [%tile+" + offset(16) + "];\n";
    case 10:
      return "  ld.shared.b32 " + word() + ", [%slot+" + std::to_string(256 * random.below(4)) + "];\n";
    default:
      return "  st.shared.b32 [%slot+" + std::to_string(256 * random.below(4)) + "], " + word() + ";\n";
  }
}

std::string random_instructions(Random& random, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += random.below(8) == 0 ? random_access(random) : random_instruction(random);
  }
  return text;
}

/// Straight code, the same for some of the lanes, and a loop that lanes leave one after the other.
std::string random_body(Random& random) {
  const auto straight = [&] { return random_instructions(random, 5 + random.below(60)); };
  return straight() + "  setp.lt.u32 %q, %r3, %r4;\n  @%q bra OTHERWISE;\n" + straight() +
         "  bra TOGETHER;\nOTHERWISE:\n" + straight() + "TOGETHER:\n" + straight() +
         "  and.b32 %steps, %i, 5;\nAGAIN:\n" + straight() +
         "  sub.u32 %steps, %steps, 1;\n  setp.ge.s32 %q, %steps, 0;\n  @%q bra AGAIN;\n" + straight();
}

}  // namespace

TEST_CASE("compiled runs: random programs give the same bits as the interpreter") {
  if (!can_compile()) return;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    Random random(seed);
    compare(random_body(random), seed, 20);
  }
}

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
  // At an address that is no memory, behind the shared memory, in front of it, not aligned; some lanes or
  // all.
  for (const char* access :
       {"mov.u64 %wide, 64;\n  st.global.u32 [%wide], %r0", "ld.global.u32 %r0, [%d1]",
        "ld.global.u32 %r0, [%column+1048576]", "mad.lo.u32 %t, %t, 512, %tile;\n  ld.shared.u32 %r0, [%t]",
        "ld.shared.u32 %r0, [%slot+-65536]", "ld.shared.u32 %r0, [%slot+65536]",
        "st.shared.u32 [%slot+65536], %r0", "mad.lo.u32 %t, %t, 2, %tile;\n  ld.shared.u32 %r0, [%t]",
        "mad.wide.u32 %wide, %t, 2, %input;\n  ld.global.u32 %r0, [%wide]",
        "mad.wide.u32 %wide, %t, 8, %input;\n  ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%wide]",
        "add.u64 %column, %column, 2;\n  st.global.u32 [%column], %r0"}) {
    CAPTURE(access);
    const std::string body =
        std::string("  add.u32 %r0, %r0, 1;\n  add.u32 %r1, %r0, 2;\n  ") + access + ";\n";
    std::array<std::string, 2> messages;
    for (const CompiledCode choice : {CompiledCode::never, CompiledCode::always}) {
      try {
        run(choice, program(body), records);
      } catch (const Error& error) {
        messages[choice == CompiledCode::always ? 1 : 0] = error.what();
        const bool is_expected =
            error.status() == Status::illegal_address || error.status() == Status::misaligned_address;
        CHECK(is_expected);
      }
    }
    CHECK(!messages[0].empty());
    CHECK(messages[0].substr(0, messages[0].find(':')) == messages[1].substr(0, messages[1].find(':')));
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

}  // namespace vgpu::software::test
