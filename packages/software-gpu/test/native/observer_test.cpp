// What an observer is told, and what it can hold back.
#include "execution/observer.h"

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

/// Everything that a launch of one block tells, in order. The tests launch with one thread.
struct Record {
  std::vector<std::string> events;
  std::uint64_t lanes = 0;
  std::vector<MemoryAccess> accesses;
  std::function<LaneMask(const MemoryAccess&)> allow;
  bool failed = false;
};

class Recorder final : public BlockObserver {
 public:
  explicit Recorder(Record& record) : record_(record) {}

  void block_begins(const Block& block) override {
    record_.events.push_back("block " + std::to_string(block.index[0]));
  }
  void block_ends(const Block& /*block*/) override { record_.events.emplace_back("end"); }
  void executes(const ScheduledWarp& warp, const Instruction& /*instruction*/) override {
    record_.lanes += static_cast<std::uint64_t>(__builtin_popcount(warp.active));
  }
  LaneMask accesses(const MemoryAccess& access) override {
    record_.accesses.push_back(access);
    return record_.allow ? record_.allow(access) : access.lanes;
  }
  void arrives(const BarrierArrival& arrival) override {
    record_.events.push_back("arrive " + std::to_string(arrival.number) + " " +
                             std::to_string(arrival.lanes));
  }
  void barrier_completes(const Block& /*block*/, std::uint32_t number) override {
    record_.events.push_back("complete " + std::to_string(number));
  }
  void lanes_meet(const ScheduledWarp& /*warp*/, LaneMask members) override {
    record_.events.push_back("meet " + std::to_string(members));
  }
  void block_hangs(const Block& /*block*/) override { record_.events.emplace_back("hang"); }

 private:
  Record& record_;
};

class RecordingObserver final : public Observer {
 public:
  explicit RecordingObserver(Record& record) : record_(record) {}
  std::unique_ptr<BlockObserver> observe_blocks(const Launch& /*launch*/, unsigned /*thread*/) override {
    return std::make_unique<Recorder>(record_);
  }
  void launch_begins(const Launch& launch) override { record_.events.push_back(launch.kernel->name); }
  void launch_ends(const Launch& /*launch*/, const LaunchStatistics& /*statistics*/,
                   const Error* error) override {
    record_.failed = error != nullptr;
  }

 private:
  Record& record_;
};

/// A launch of "test" with a buffer of 32 words, which starts as 0, 1, 2, …
struct Run {
  Record record;
  LaunchStatistics statistics;
  std::vector<std::uint32_t> words;
  std::string error;

  explicit Run(const std::string& body, std::uint32_t threads = 32,
               std::function<LaneMask(const MemoryAccess&)> allow = {}) {
    record.allow = std::move(allow);
    RecordingObserver observer(record);
    GpuOptions options;
    options.memory_bytes = std::size_t{1} << 20;
    options.threads = 1;
    options.observer = &observer;
    const auto gpu = Gpu::create(options);
    const DeviceBuffer buffer(*gpu, 32 * sizeof(std::uint32_t));
    auto span = gpu->memory().bytes(buffer.address(), 32 * sizeof(std::uint32_t));
    for (std::uint32_t i = 0; i < 32; ++i) std::memcpy(span.data() + i * sizeof i, &i, sizeof i);
    const auto module = load(*gpu,
                             ".version 7.0\n.target sm_75\n.address_size 64\n"
                             ".visible .entry test(.param .u64 buffer)\n{\n" +
                                 body + "}\n");
    try {
      statistics =
          launch(*gpu, module->kernel("test"), {1}, {threads}, Parameters().add(buffer.address()), 0);
    } catch (const Error& caught) {
      error = caught.what();
    }
    words.resize(32);
    std::memcpy(words.data(), span.data(), span.size());
  }
};

const std::string kPlace =
    "  .reg .pred %p;\n  .reg .b32 %r<9>;\n  .reg .b64 %d<9>;\n"
    "  mov.u32 %r1, %tid.x;\n  and.b32 %r3, %r1, 31;\n  ld.param.u64 %d1, [buffer];\n"
    "  mul.wide.u32 %d2, %r3, 4;\n  add.s64 %d1, %d1, %d2;\n";

using Events = std::vector<std::string>;

TEST_CASE("observer: sees exactly the instructions that the launch counts") {
  const Run run(kPlace +
                "  setp.gt.u32 %p, %r1, 12;\n  @%p add.u32 %r2, %r1, 7;\n  @%p bra over;\n"
                "  add.u32 %r2, %r1, 1;\n  @!%p mul.lo.u32 %r2, %r2, 3;\nover:\n  ret;\n");
  CHECK(run.error.empty());
  CHECK(run.record.lanes == run.statistics.thread_instructions);
  CHECK(run.record.events == Events{"test", "block 0", "end"});
}

TEST_CASE("observer: an access names its space, lanes, addresses and places") {
  const Run run(kPlace +
                "  .shared .align 8 .b8 tile[64];\n  mov.u32 %r4, tile;\n  setp.eq.u32 %p, %r1, 3;\n"
                "  ld.volatile.global.u32 %r2, [%d1];\n  @%p st.shared.v2.u32 [%r4+8], {%r1, %r2};\n"
                "  cvta.shared.u64 %d3, %d4;\n  atom.add.u32 %r2, [%d3+4], 1;\n  ret;\n");
  CHECK(run.error.empty());
  REQUIRE(run.record.accesses.size() == 3);
  const MemoryAccess& load = run.record.accesses[0];
  CHECK(load.kind == AccessKind::load);
  CHECK(load.space == Space::global);
  CHECK(load.strong);
  CHECK(load.lanes == kAllLanes);
  CHECK(load.bytes == 4);
  CHECK(load.addresses[5] == load.addresses[0] + 20);
  const MemoryAccess& store = run.record.accesses[1];
  CHECK(store.kind == AccessKind::store);
  CHECK(store.space == Space::shared);
  CHECK_FALSE(store.strong);
  CHECK(store.lanes == 1U << 3);
  CHECK(store.bytes == 8);
  CHECK(store.alignment == 8);
  CHECK(store.addresses[3] == 8);
  const MemoryAccess& atomic = run.record.accesses[2];
  CHECK(atomic.kind == AccessKind::atomic);
  CHECK(atomic.space == Space::shared);  // resolved from a generic address
  CHECK(atomic.addresses[31] == 4);
}

TEST_CASE("observer: what a store is about to write can be asked") {
  std::vector<std::uint64_t> stored;
  const Run run(kPlace +
                    "  st.global.u8 [%d1], 513;\n  st.shared.u64 [0], 77;\n  .shared .align 8 .b8 t[8];\n"
                    "  ld.global.u32 %r2, [%d1];\n  ret;\n",
                1, [&](const MemoryAccess& access) {
                  std::byte bytes[16] = {};
                  std::uint64_t value = 0;
                  if (stored_bytes(access, 0, bytes)) {
                    std::memcpy(&value, bytes, access.bytes);
                    stored.push_back(value);
                  }
                  return access.lanes;
                });
  CHECK(run.error.empty());
  CHECK(stored == std::vector<std::uint64_t>{1, 77});
}

TEST_CASE("observer: lanes that it holds back leave memory and registers alone") {
  const Run run(kPlace +
                    "  ld.global.u32 %r2, [%d1];\n  mov.u32 %r5, 100;\n  ld.global.u32 %r5, [%d1];\n"
                    "  add.u32 %r2, %r2, %r5;\n  st.global.u32 [%d1], %r2;\n  ret;\n",
                32, [count = 0](const MemoryAccess& access) mutable {
                  ++count;
                  if (count == 2) return access.lanes & ~2U;
                  if (count == 3) return access.lanes & ~8U;
                  return access.lanes;
                });
  CHECK(run.error.empty());
  CHECK(run.words[0] == 0);
  CHECK(run.words[1] == 101);  // its register kept 100
  CHECK(run.words[2] == 4);
  CHECK(run.words[3] == 3);  // its store was left out
  CHECK(run.words[31] == 62);
  CHECK(run.record.lanes == run.statistics.thread_instructions);
}

TEST_CASE("observer: barriers tell arrivals and completion, each once") {
  const Run run("  bar.sync 3;\n  ret;\n", 64);
  CHECK(run.error.empty());
  CHECK(run.record.events ==
        Events{"test", "block 0", "arrive 3 4294967295", "arrive 3 4294967295", "complete 3", "end"});
  CHECK(run.record.lanes == run.statistics.thread_instructions);
}

TEST_CASE("observer: lanes meet once, whether together or from two branches") {
  const Run together(kPlace + "  shfl.sync.idx.b32 %r2, %r1, 0, 31, -1;\n  ret;\n");
  CHECK(together.record.events == Events{"test", "block 0", "meet 4294967295", "end"});
  const Run apart(kPlace +
                  "  setp.lt.u32 %p, %r1, 4;\n  @%p bra low;\n  bar.warp.sync -1;\n  bra done;\nlow:\n"
                  "  bar.warp.sync -1;\ndone:\n  ret;\n");
  CHECK(apart.error.empty());
  CHECK(apart.record.events == Events{"test", "block 0", "meet 4294967295", "end"});
}

TEST_CASE("observer: groups of lanes with masks of their own meet as groups") {
  const Run run(kPlace +
                "  setp.lt.u32 %p, %r1, 16;\n  selp.b32 %r2, 0x0000ffff, 0xffff0000, %p;\n"
                "  bar.warp.sync %r2;\n  ret;\n");
  CHECK(run.record.events == Events{"test", "block 0", "meet 65535", "meet 4294901760", "end"});
}

TEST_CASE("observer: a hang and a failure are told before the error") {
  const Run hang(
      "  .reg .pred %p;\n  .reg .b32 %r;\n  mov.u32 %r, %tid.x;\n  setp.eq.u32 %p, %r, 0;\n"
      "  @%p bra one;\n  bar.sync 1;\n  ret;\none:\n  bar.sync 2;\n  ret;\n",
      64);
  CHECK(hang.record.events.back() == "hang");
  CHECK(hang.record.failed);
  CHECK(hang.error.find("barrier") != std::string::npos);
  CHECK_FALSE(Run("  ret;\n").record.failed);
}

TEST_CASE("observer: code places have the program's lines where .loc gives them") {
  const std::string text =
      ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry _Z5scalePffi()\n{\n"
      "  .reg .b32 %r;\n  mov.u32 %r, 1;\n  .loc 1 42 3\n  mov.u32 %r, 2;\n  ret;\n}\n.file 1 \"scale.cu\"\n";
  class Places final : public BlockObserver {
   public:
    explicit Places(Events& places) : places_(places) {}
    void executes(const ScheduledWarp& warp, const Instruction& instruction) override {
      const CodePlace place = code_place(*warp.block->launch->kernel, instruction);
      places_.push_back(demangled(place.function) + " " + std::to_string(place.ptx_line) + " " +
                        std::string(place.source_file) + ":" + std::to_string(place.source_line));
    }

   private:
    Events& places_;
  };
  class PlaceObserver final : public Observer {
   public:
    std::unique_ptr<BlockObserver> observe_blocks(const Launch& /*launch*/, unsigned /*thread*/) override {
      return std::make_unique<Places>(places);
    }
    Events places;
  } observer;
  GpuOptions options;
  options.memory_bytes = std::size_t{1} << 20;
  options.observer = &observer;
  const auto gpu = Gpu::create(options);
  const auto module = load(*gpu, text);
  launch(*gpu, module->kernel("_Z5scalePffi"), {1}, {1}, {});
  CHECK(observer.places == Events{"scale(float*, float, int) 7 :0", "scale(float*, float, int) 9 scale.cu:42",
                                  "scale(float*, float, int) 10 scale.cu:42"});
}

}  // namespace
}  // namespace vgpu::software::test
