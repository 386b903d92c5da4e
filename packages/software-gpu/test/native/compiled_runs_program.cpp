#include "compiled_runs_program.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace vgpu::software::test::compiled_runs {

std::unique_ptr<Gpu> create(CompiledCode compiled_code) {
  GpuOptions options;
  options.memory_bytes = std::size_t{64} << 20;
  options.threads = 1;
  options.compiled_code = compiled_code;
  return Gpu::create(options);
}

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

Outcome run(CompiledCode compiled_code, const std::string& ptx, const std::vector<std::byte>& records,
            std::uint32_t threads) {
  const auto gpu = create(compiled_code);
  const auto module = load(*gpu, ptx);
  DeviceBuffer data(*gpu, records.size());
  std::ranges::copy(records, data.bytes().begin());
  const Kernel& kernel = module->kernel("test");
  const auto statistics = launch(*gpu, kernel, {kBlocks}, {threads}, Parameters().add(data.address()));
  return {{data.bytes().begin(), data.bytes().end()}, statistics, kernel.compiled_instructions()};
}

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

}  // namespace vgpu::software::test::compiled_runs
