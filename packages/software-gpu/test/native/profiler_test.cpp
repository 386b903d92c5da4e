// What the profiler counts, for kernels whose numbers can be worked out by hand.
#include "vgpu/software_gpu/profiler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
// The kernel's body begins here.
constexpr std::uint32_t kFirstLine = 12;

/// A GPU under the profiler, with a buffer whose address the kernels get.
class Bench {
 public:
  explicit Bench(unsigned threads = 1) {
    GpuOptions options;
    options.memory_bytes = 2 * kBufferBytes;
    options.threads = threads;
    options.observer = &profiler_->observer();
    gpu_ = Gpu::create(options);
    buffer_ = gpu_->memory().allocate(kBufferBytes);
  }

  /// Before the body: %r1 = %tid.x, %d1 = buffer (two instructions).
  void run(const std::string& body, Dim3 grid = {1}, Dim3 block = {32}) {
    const auto module =
        load(*gpu_,
             ".version 8.0\n.target sm_80\n.address_size 64\n"
             ".visible .entry _Z4testPf(.param .u64 buffer)\n{\n"
             "  .reg .pred %p<9>;\n  .reg .f32 %f<9>;\n  .reg .b32 %r<20>;\n  .reg .b64 %d<20>;\n"
             "  mov.u32 %r1, %tid.x;\n  ld.param.u64 %d1, [buffer];\n" +
                 body + "  ret;\n}\n");
    launch(*gpu_, module->kernel("_Z4testPf"), grid, block, Parameters().add(buffer_));
  }

  [[nodiscard]] std::vector<KernelProfile> profiles() const { return profiler_->profiles(); }
  [[nodiscard]] KernelProfile only() const {
    const auto all = profiles();
    REQUIRE(all.size() == 1);
    return all.front();
  }

 private:
  std::unique_ptr<Profiler> profiler_ = Profiler::create();
  std::unique_ptr<Gpu> gpu_;
  DeviceAddress buffer_ = 0;
};

std::uint64_t of_class(const KernelProfile& profile, const std::string& name) {
  for (const InstructionCount& count : profile.instructions) {
    if (count.category == name) return count.warp_instructions;
  }
  return 0;
}

SpaceTraffic traffic_of(const KernelProfile& profile, const std::string& space,
                        const std::string& operation) {
  for (const SpaceTraffic& traffic : profile.traffic) {
    if (traffic.space == space && traffic.operation == operation) return traffic;
  }
  return {};
}

const std::string kGlobalIndex =
    "  mov.u32 %r2, %ctaid.x;\n  mov.u32 %r3, %ntid.x;\n  mad.lo.u32 %r4, %r2, %r3, %r1;\n";

/// y[i] = 2 x[i] + y[i] for 1000 elements in 4 blocks of 256: 31 whole warps, one of 8 lanes.
const std::string kSaxpy = kGlobalIndex +
                           "  setp.ge.u32 %p1, %r4, 1000;\n  @%p1 bra done;\n"
                           "  mul.wide.u32 %d2, %r4, 4;\n  add.u64 %d1, %d1, %d2;\n"
                           "  ld.global.f32 %f1, [%d1];\n  ld.global.f32 %f2, [%d1+4096];\n"
                           "  fma.rn.f32 %f3, %f1, 0f40000000, %f2;\n"
                           "  st.global.f32 [%d1+4096], %f3;\ndone:\n";

void check_saxpy(const KernelProfile& profile) {
  CHECK(profile.name == "test(float*)");
  CHECK(profile.launches == 1);
  CHECK(of_class(profile, "float32") == 32);
  CHECK(of_class(profile, "global") == 3 * 32);
  CHECK(of_class(profile, "predicate") == 32);
  CHECK(of_class(profile, "parameter") == 32);
  CHECK(of_class(profile, "move") == 3 * 32);
  CHECK(of_class(profile, "integer") == 3 * 32);
  // The branch once a warp; the warp that parts comes together in front of its one return.
  CHECK(of_class(profile, "control") == 2 * 32);
  const SpaceTraffic loads = traffic_of(profile, "global", "load");
  CHECK(loads.requests == 2 * 32);
  CHECK(loads.bytes == 2 * 4000);
  CHECK(loads.sectors == 2 * 125);  // 4000 / 32
  const SpaceTraffic stores = traffic_of(profile, "global", "store");
  CHECK(stores.requests == 32);
  CHECK(stores.bytes == 4000);
  CHECK(stores.sectors == 125);
  CHECK(profile.branches == 32);
  CHECK(profile.divergent_branches == 1);
  // 8 instructions by all 1024 threads, 6 by 1000 of them.
  CHECK(profile.thread_instructions == 8 * 1024 + 6 * 1000);
  CHECK(profile.warp_instructions == 14 * 32);
}

TEST_CASE("profiler: every number of saxpy, with one thread and with three") {
  for (const unsigned threads : {1U, 3U}) {
    Bench bench(threads);
    bench.run(kSaxpy, {4}, {256});
    check_saxpy(bench.only());
  }
}

TEST_CASE("profiler: the lines of saxpy, with their text") {
  Bench bench;
  bench.run(kSaxpy, {4}, {256});
  const auto lines = bench.only().lines;
  const auto fma = std::find_if(lines.begin(), lines.end(),
                                [](const ProfiledLine& line) { return line.ptx_line == kFirstLine + 9; });
  REQUIRE(fma != lines.end());
  CHECK(fma->text == "fma.rn.f32 %f3, %f1, 0f40000000, %f2;");
  CHECK(fma->warp_instructions == 32);
  CHECK(fma->thread_instructions == 1000);
  CHECK(fma->bytes == 0);
  const ProfiledLine& store = *std::next(fma);
  CHECK(store.text == "st.global.f32 [%d1+4096], %f3;");
  CHECK(store.bytes == 4000);
  CHECK(store.sectors == 125);
}

TEST_CASE("profiler: sectors by the distance between lanes") {
  const auto loaded = [](const std::string& instruction, std::uint32_t stride) {
    Bench bench;
    bench.run("  mul.wide.u32 %d2, %r1, " + std::to_string(stride) + ";\n  add.u64 %d1, %d1, %d2;\n  " +
              instruction + "\n");
    return traffic_of(bench.only(), "global", "load");
  };
  const std::string word = "ld.global.f32 %f1, [%d1];";
  CHECK(loaded(word, 0).sectors == 1);  // all lanes the same: 128 bytes asked for, 32 moved
  CHECK(loaded(word, 0).bytes == 128);
  CHECK(loaded(word, 4).sectors == 4);
  CHECK(loaded(word, 8).sectors == 8);
  CHECK(loaded(word, 32).sectors == 32);  // efficiency 128 / (32 · 32), an eighth
  CHECK(loaded(word, 4096).sectors == 32);
  CHECK(loaded("ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%d1];", 16).sectors == 16);
  CHECK(loaded("ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%d1];", 16).bytes == 512);
  CHECK(loaded("ld.global.f32 %f1, [%d1+28];", 4).sectors == 5);  // begins at the end of a sector
  CHECK(loaded("ld.f32 %f1, [%d1];", 4).sectors == 4);            // a generic address that is global
}

TEST_CASE("profiler: bank conflicts of shared memory") {
  const auto conflicts = [](const std::string& instruction, std::uint32_t stride) {
    Bench bench;
    bench.run("  .shared .align 16 .b8 buffer2[8192];\n  mov.u32 %r5, buffer2;\n  mad.lo.u32 %r5, %r1, " +
              std::to_string(stride) + ", %r5;\n  " + instruction + "\n");
    const SpaceTraffic traffic = traffic_of(bench.only(), "shared", "load");
    CHECK(traffic.requests == 1);
    CHECK(traffic.sectors == 0);
    return std::vector<std::uint64_t>{traffic.passes, traffic.conflicts};
  };
  using Passes = std::vector<std::uint64_t>;
  const std::string word = "ld.shared.f32 %f1, [%r5];";
  CHECK(conflicts(word, 0) == Passes{1, 0});
  CHECK(conflicts(word, 4) == Passes{1, 0});
  CHECK(conflicts(word, 8) == Passes{2, 1});
  CHECK(conflicts(word, 128) == Passes{32, 31});
  CHECK(conflicts(word, 132) == Passes{1, 0});
  CHECK(conflicts("ld.shared.u8 %r6, [%r5];", 1) == Passes{1, 0});
  CHECK(conflicts("ld.shared.u64 %d3, [%r5];", 8) == Passes{2, 0});
  CHECK(conflicts("ld.shared.u64 %d3, [%r5];", 16) == Passes{4, 2});
  CHECK(conflicts("ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%r5];", 16) == Passes{4, 0});
}

TEST_CASE("profiler: active lanes of a divergent kernel") {
  Bench bench;
  bench.run(
      "  and.b32 %r2, %r1, 3;\n  setp.eq.u32 %p1, %r2, 0;\n  @%p1 bra first;\n"
      "  add.u32 %r3, %r1, 1;\n  bra done;\nfirst:\n  add.u32 %r3, %r1, 2;\ndone:\n");
  const KernelProfile profile = bench.only();
  CHECK(profile.branches == 1);
  CHECK(profile.divergent_branches == 1);
  // Two of the harness, and, setp, branch and ret by 32; add and bra by 24; add by 8.
  CHECK(profile.warp_instructions == 9);
  CHECK(profile.thread_instructions == 6 * 32 + 2 * 24 + 8);
}

TEST_CASE("profiler: a branch that all lanes take does not diverge") {
  Bench bench;
  bench.run("  setp.lt.u32 %p1, %r1, 32;\n  @%p1 bra done;\n  add.u32 %r3, %r1, 1;\ndone:\n");
  CHECK(bench.only().branches == 1);
  CHECK(bench.only().divergent_branches == 0);
}

TEST_CASE("profiler: local memory of lanes lies side by side") {
  Bench bench;
  bench.run("  .local .align 4 .b8 own[64];\n  st.local.u32 [own], %r1;\n");
  const SpaceTraffic traffic = traffic_of(bench.only(), "local", "store");
  CHECK(traffic.bytes == 128);
  CHECK(traffic.sectors == 4);
}

TEST_CASE("profiler: atomics, barriers, exchanges") {
  Bench bench;
  bench.run(
      "  atom.global.add.u32 %r2, [%d1], 1;\n  bar.sync 0;\n"
      "  shfl.sync.idx.b32 %r3, %r1, 0, 31, -1;\n");
  const KernelProfile profile = bench.only();
  CHECK(of_class(profile, "atomic") == 1);
  CHECK(of_class(profile, "barrier") == 1);
  CHECK(of_class(profile, "exchange") == 1);
  CHECK(traffic_of(profile, "global", "atomic").sectors == 1);
}

TEST_CASE("profiler: launches add up, of a module that is loaded again too") {
  Bench bench;
  bench.run(kSaxpy, {4}, {256});
  bench.run(kSaxpy, {4}, {256});
  bench.run(kSaxpy, {8}, {128});
  const KernelProfile profile = bench.only();
  CHECK(profile.launches == 3);
  REQUIRE(profile.shapes.size() == 2);
  CHECK(profile.shapes[0].launches == 2);
  CHECK(profile.shapes[1].grid.x == 8);
  CHECK(traffic_of(profile, "global", "store").bytes == 12000);
  CHECK(profile.least_ns > 0);
  CHECK(profile.least_ns <= profile.most_ns);
  CHECK(profile.total_ns >= profile.least_ns + profile.most_ns);
  bench.run("  add.u32 %r3, %r1, 1;\n");
  CHECK(bench.profiles().size() == 2);  // the same name, but other code
}

TEST_CASE("profiler: a launch that fails is counted as one") {
  Bench bench;
  CHECK_THROWS_AS(bench.run("  mov.u64 %d1, 64;\n  ld.global.u32 %r2, [%d1];\n"), Error);
  CHECK(bench.only().launches == 1);
  CHECK(bench.only().failed == 1);
}

TEST_CASE("profiler: JSON") {
  KernelProfile profile;
  profile.name = "a\"b\\c\n";
  profile.launches = 2;
  profile.shapes = {{{4}, {256}, 2}};
  profile.instructions = {{"integer", 3, 96}};
  profile.lines = {{.ptx_line = 7, .text = "ret;", .function = "f", .source_file = "x.cu", .source_line = 3}};
  const std::string json = to_json(profile);
  CHECK(json.starts_with("{\"name\":\"a\\\"b\\\\c\\u000a\",\"launches\":2,\"failed\":0,"));
  CHECK(json.find("\"shapes\":[{\"grid\":[4,1,1],\"block\":[256,1,1],\"launches\":2}]") != std::string::npos);
  CHECK(json.find("{\"class\":\"integer\",\"warpInstructions\":3,\"threadInstructions\":96}") !=
        std::string::npos);
  CHECK(json.find("\"file\":\"x.cu\",\"line\":3,") != std::string::npos);
}

}  // namespace
}  // namespace vgpu::software::test
