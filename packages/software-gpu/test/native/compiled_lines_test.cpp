// Compiled runs whose addresses are lines: the same bits as the interpreter's, whatever the block's shape,
// and where values that were expected to be lines are none.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "compiled_runs_program.h"

namespace vgpu::software::test::compiled_runs {
namespace {

constexpr std::uint32_t kElements = 1 << 16;
constexpr std::uint32_t kMostBlocks = 4;

constexpr std::array<Dim3, 9> kShapes{Dim3{64},       Dim3{16, 4}, Dim3{32, 2},    Dim3{8, 8}, Dim3{4, 4, 4},
                                      Dim3{16, 3, 2}, Dim3{40},    Dim3{1, 64, 1}, Dim3{31, 2}};

/// Threads of a kernel that computes `body` and stores %r, and %s of which %thread is the number, in the
/// upper half of the data. %in is its lower half.
std::string kernel_of(const std::string& body) {
  return R"(
.version 7.0
.target sm_75
.address_size 64
.visible .entry lines(.param .u64 data, .param .u32 scale)
{
  .reg .pred %p, %q;
  .reg .b32 %i, %x, %y, %z, %nx, %ny, %nz, %block, %thread, %scale, %r, %s, %n, %w<8>;
  .reg .b64 %in, %out, %at, %d<8>;
  .shared .align 16 .b8 tile[8192];
  ld.param.u64 %in, [data];
  ld.param.u32 %scale, [scale];
  mov.u32 %x, %tid.x;
  mov.u32 %y, %tid.y;
  mov.u32 %z, %tid.z;
  mov.u32 %nx, %ntid.x;
  mov.u32 %ny, %ntid.y;
  mov.u32 %nz, %ntid.z;
  mov.u32 %block, %ctaid.x;
  mad.lo.u32 %thread, %z, %ny, %y;
  mad.lo.u32 %thread, %thread, %nx, %x;
  mul.lo.u32 %n, %nx, %ny;
  mul.lo.u32 %n, %n, %nz;
  mad.lo.u32 %thread, %block, %n, %thread;
  mov.u32 %r, 0;
  mov.u32 %s, 0;
)" + body +
         R"(
  add.u64 %out, %in, )" +
         std::to_string(2 * kElements) + R"(;
  mad.wide.u32 %at, %thread, 8, %out;
  st.global.u32 [%at], %r;
  st.global.u32 [%at+4], %s;
  ret;
}
)";
}

std::vector<std::byte> random_data() {
  Random random(3);
  std::vector<std::byte> bytes(std::size_t{4} * kElements);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  return bytes;
}

struct Run {
  std::string error;
  std::vector<std::byte> bytes;
  std::vector<std::uint64_t> counts;
};

/// One launch after the other, in blocks of these shapes: compiled for the first one.
Run run_all(CompiledCode choice, const std::string& ptx, const std::vector<Dim3>& shapes) {
  static const std::vector<std::byte> initial = random_data();
  const auto gpu = create(choice);
  const auto module = load(*gpu, ptx);
  DeviceBuffer data(*gpu, initial.size());
  std::ranges::copy(initial, data.bytes().begin());
  Run run;
  try {
    for (const Dim3& shape : shapes) {
      const auto statistics = launch(*gpu, module->kernel("lines"), {kMostBlocks}, shape,
                                     Parameters().add(data.address()).add(std::uint32_t{4}));
      run.counts.push_back(statistics.thread_instructions);
    }
  } catch (const Error& error) {
    run.error = error.what();
  }
  run.bytes.assign(data.bytes().begin(), data.bytes().end());
  if (choice == CompiledCode::always) CHECK(module->kernel("lines").compiled_instructions() > 0);
  return run;
}

void compare_shapes(const std::string& body, const std::vector<Dim3>& shapes) {
  const std::string ptx = kernel_of(body);
  const Run interpreted = run_all(CompiledCode::never, ptx, shapes);
  const Run compiled = run_all(CompiledCode::always, ptx, shapes);
  CHECK_MESSAGE(compiled.error == interpreted.error, ptx);
  CHECK_MESSAGE(compiled.bytes == interpreted.bytes, ptx);
  CHECK(compiled.counts == interpreted.counts);
}

/// Steps of %w0, which remains below 2048, towards an address.
std::string random_step(Random& random) {
  constexpr std::array kSteps{
      "add.u32 %w0, %w0, %x",
      "add.u32 %w0, %w0, %y",
      "mad.lo.u32 %w0, %y, %scale, %w0",
      "mad.lo.u32 %w0, %x, 4, %w0",
      "add.u32 %w0, %w0, %block",
      "mad.lo.u32 %w0, %y, 16, %w0",
      "mad.lo.u32 %w0, %block, %scale, %w0",
      "sub.u32 %w0, %w0, %z",
      "shl.b32 %w1, %z, 3;\n  add.u32 %w0, %w0, %w1",
      "xor.b32 %w1, %block, %z;\n  add.u32 %w0, %w0, %w1",
      "or.b32 %w1, %y, %block;\n  and.b32 %w1, %w1, 3;\n  add.u32 %w0, %w0, %w1",
      "mul.lo.u32 %w1, %y, %y;\n  shr.u32 %w1, %w1, 4;\n  add.u32 %w0, %w0, %w1",
      "mov.u32 %w1, %w0;\n  mov.u32 %w0, %w1",
      "sub.u32 %w1, %x, %y;\n  add.u32 %w0, %w0, %w1;\n  add.u32 %w0, %w0, %y",
      "add.u32 %r, %r, %w0",
      "xor.b32 %s, %s, %w0",
  };
  return "  " + std::string(kSteps[random.below(kSteps.size())]) + ";\n";
}

std::string random_access(Random& random) {
  const std::string scale = random.below(3) == 0 ? "16" : "4";
  const std::string extended = std::array<std::string, 5>{
      "  mul.wide.u32 %d0, %w0, " + scale + ";\n  add.s64 %d0, %in, %d0;\n",
      "  mad.wide.s32 %d0, %w0, " + scale + ", %in;\n",
      "  cvt.u64.u32 %d0, %w0;\n  shl.b64 %d0, %d0, 2;\n  add.s64 %d0, %d0, %in;\n",
      "  cvt.s64.s32 %d0, %w0;\n  mad.lo.u64 %d0, %d0, " + scale + ", %in;\n",
      "  cvt.u64.u32 %d1, %w0;\n  cvt.u32.u64 %w2, %d1;\n  mad.wide.u32 %d0, %w2, 4, %in;\n",
  }[random.below(5)];
  const std::string shared =
      "  and.b32 %w3, %w0, 1023;\n  mov.u32 %w4, tile;\n  mad.lo.u32 %w3, %w3, 4, %w4;\n";
  const std::string narrow = "  mov.u32 %w4, tile;\n  mad.lo.u32 %w3, %w0, 4, %w4;\n";
  switch (random.below(7)) {
    case 0:
      return extended + "  ld.global.u32 %w5, [%d0+" + std::to_string(4 * random.below(8)) +
             "];\n  add.u32 %r, %r, %w5;\n  ld.global.u32 %w6, [%d0+4];\n  xor.b32 %s, %s, %w6;\n";
    case 1:
      return extended + "  st.global.u32 [%d0+" + std::to_string(4 * random.below(8)) + "], %s;\n";
    case 2:
      return "  and.b32 %w0, %w0, 1020;\n  mad.wide.u32 %d0, %w0, 4, %in;\n"
             "  ld.global.v4.u32 {%w4, %w5, %w6, %w7}, [%d0];\n  add.u32 %r, %r, %w6;\n";
    case 3:
      return narrow + "  ld.shared.u32 %w5, [%w3];\n  add.u32 %r, %r, %w5;\n";
    case 4:
      return narrow + "  st.shared.u32 [%w3], %thread;\n";
    case 5:
      return shared + "  ld.shared.u32 %w5, [%w3];\n  add.u32 %s, %s, %w5;\n";
    default:
      return "  mad.wide.u32 %d0, %block, 64, %in;\n  ld.global.v4.u32 {%w4, %w5, %w6, %w7}, [%d0];\n"
             "  add.u32 %r, %r, %w4;\n  xor.b32 %s, %s, %w7;\n";
  }
}

std::string random_body(Random& random) {
  std::string body;
  const auto access = [&] {
    std::string text = "  mov.u32 %w0, 16;\n";
    for (std::uint64_t step = random.below(6); step-- > 0;) text += random_step(random);
    return text + random_access(random);
  };
  for (std::uint64_t i = random.below(4); i-- > 0;) body += access();
  // Where lanes part and meet again, some values are no lines though they look like it.
  body += "  mov.u32 %n, %thread;\n";
  if (random.below(2) == 0) {
    body += "  setp.lt.u32 %q, %x, " + std::to_string(random.below(40)) +
            ";\n  @%q bra OTHERS;\n  add.u32 %n, %n, 3;\nOTHERS:\n";
  }
  // A loop through which the address goes.
  body +=
      "  mov.u32 %w7, 0;\nAGAIN:\n  mad.wide.u32 %d3, %n, 4, %in;\n"
      "  ld.global.u32 %w5, [%d3];\n  add.u32 %r, %r, %w5;\n  add.u32 %n, %n, " +
      std::to_string(random.below(40)) +
      ";\n  add.u32 %w7, %w7, 1;\n  setp.lt.u32 %p, %w7, 5;\n  @%p bra AGAIN;\n";
  return body + access() + "  bar.sync 0;\n" + access();
}

}  // namespace

TEST_CASE("compiled lines: random addresses in blocks of all shapes") {
  if (!can_compile()) return;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const std::string body = random_body(random);
    std::vector<Dim3> shapes(3);
    for (Dim3& shape : shapes) shape = kShapes[random.below(kShapes.size())];
    compare_shapes(body, shapes);
  }
}

TEST_CASE("compiled lines: lanes that pass the end of their type are none") {
  if (!can_compile()) return;
  // %d2 is an address that depends on a row that was extended; what was extended is stored.
  for (const char* extend : {"add.u32 %w0, %i, 0xfffffff8;\n  mul.wide.u32 %d0, %w0, 4",
                             "add.u32 %w0, %i, 0x7ffffff8;\n  mul.wide.s32 %d0, %w0, 4",
                             "add.u32 %w0, %i, 0x7ffffff0;\n  mad.wide.s32 %d0, %w0, 2, %in",
                             "add.u32 %w0, %i, 0xfffffff1;\n  cvt.u64.u32 %d0, %w0",
                             "add.u32 %w0, %i, 0x7fffffe1;\n  cvt.s64.s32 %d0, %w0",
                             "add.u32 %w0, %i, 0x7ffffff1;\n  cvt.s64.s32 %d0, %w0",
                             "add.u32 %w0, %i, 0x7ffffff8;\n  mul.wide.u32 %d0, %w0, 4"}) {
    CAPTURE(extend);
    // Different in each block, so that it is not computed once for all of them.
    compare_shapes(std::string("  add.u32 %i, %x, %block;\n  ") + extend +
                       ";\n  mul.lo.u64 %d2, %d0, 0;\n  add.u64 %d2, %d2, %in;\n  ld.global.u32 %s, [%d2];\n"
                       "  shr.u64 %d1, %d0, 30;\n  cvt.u32.u64 %r, %d1;\n",
                   {Dim3{32}, Dim3{16, 2}, Dim3{64}});
  }
}

TEST_CASE("compiled lines: a line that is computed from itself is whole where the second half alone is one") {
  if (!can_compile()) return;
  // In block 0 the first half of the first warp passes the end of its type, the second does not.
  compare_shapes(
      "  mad.lo.u32 %w0, %y, 8, %x;\n  add.u32 %w0, %w0, %block;\n  add.u32 %w0, %w0, 0xfffffff8;\n"
      "  mad.wide.u32 %d0, %y, 16, %in;\n  mad.wide.u32 %d0, %w0, 4, %d0;\n"
      "  sub.u64 %d1, %d0, %in;\n  cvt.u32.u64 %r, %d1;\n"
      "  mul.lo.u64 %d2, %d0, 0;\n  add.u64 %d2, %d2, %in;\n  ld.global.u32 %s, [%d2];\n",
      {Dim3{16, 2}, Dim3{16, 4}});
}

TEST_CASE("compiled lines: stray accesses name the same place") {
  if (!can_compile()) return;
  for (const char* access :
       {"mad.wide.u32 %d0, %x, 4, %in;\n  ld.global.u32 %r, [%d0+262136]",
        "mad.wide.u32 %d0, %x, 4, %in;\n  ld.global.u32 %r, [%d0+-16]",
        "mad.wide.u32 %d0, %x, 4, %in;\n  st.global.u32 [%d0+262136], %r",
        "mad.wide.u32 %d0, %x, 4, %in;\n  st.global.u32 [%d0+2], %r",
        "mad.wide.u32 %d0, %y, 65528, %in;\n  ld.global.v4.u32 {%r, %s, %w0, %w1}, [%d0]",
        "mov.u32 %w0, tile;\n  mad.lo.u32 %w0, %x, 4, %w0;\n  ld.shared.u32 %r, [%w0+8184]",
        "mov.u32 %w0, tile;\n  mad.lo.u32 %w0, %x, 4, %w0;\n  st.shared.u32 [%w0+8136], %r",
        "mov.u32 %w0, tile;\n  mad.lo.u32 %w0, %x, 4, %w0;\n  ld.shared.u32 %r, [%w0+-8]",
        "mov.u32 %w0, tile;\n  mad.lo.u32 %w0, %x, 4, %w0;\n  st.shared.u32 [%w0+1], %r"}) {
    CAPTURE(access);
    // Twice, so that the allocation is known.
    const std::string body =
        "  mad.wide.u32 %d3, %x, 4, %in;\n  ld.global.u32 %s, [%d3];\n  " + std::string(access) + ";\n";
    const std::string ptx = kernel_of(body);
    const std::vector<Dim3> shapes{Dim3{16, 4}};
    CHECK(run_all(CompiledCode::never, ptx, shapes).error != "");
    compare_shapes(body, shapes);
    compare_shapes(body, {Dim3{64}});
  }
}

}  // namespace vgpu::software::test::compiled_runs
