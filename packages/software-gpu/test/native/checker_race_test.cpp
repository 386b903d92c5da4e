// Races in shared memory, planted, and code that only looks like one.
#include <algorithm>

#include "checker_bench.h"

namespace vgpu::software::test {
namespace {

const std::string kTile =
    "  .shared .align 16 .b8 tile[4096];\n  mov.u32 %r9, tile;\n  mad.lo.u32 %r2, %r1, 4, %r9;\n";
/// Thread t reads the word of thread t xor %r8.
std::string reads_other(std::uint32_t distance) {
  return "  xor.b32 %r3, %r1, " + std::to_string(distance) +
         ";\n  mad.lo.u32 %r3, %r3, 4, %r9;\n  ld.shared.u32 %r4, [%r3];\n";
}

std::string races(const std::string& body, std::uint32_t threads = 64) {
  Bench bench;
  const Status status = bench.run(kTile + body + "  ret;\n", threads);
  CHECK(status == Status::success);
  return bench.kinds();
}

TEST_CASE("checker: a read of what another warp writes needs a barrier") {
  const std::string write = "  st.shared.u32 [%r2], %r1;\n";
  CHECK(races(write + "  bar.sync 0;\n" + reads_other(32)).empty());
  CHECK(races(write + "  barrier.sync 3;\n" + reads_other(32)).empty());
  Bench bench;
  // The first warp has not written yet when… the second reads after the first wrote: the read is the race.
  bench.run(kTile + write + reads_other(32) + "  ret;\n", 64);
  const std::vector<Finding> all = bench.findings();
  const auto race = std::ranges::find(all, std::string("read-after-write"), &Finding::kind);
  REQUIRE(race != all.end());
  CHECK(race->check == "race");
  CHECK(race->place->ptx_line == kFirstLine + 6);
  REQUIRE(race->other);
  CHECK(race->other->ptx_line == kFirstLine + 3);
  CHECK(race->other->thread[0] == (race->place->thread[0] ^ 32));
}

TEST_CASE("checker: a write needs a barrier behind the reads of others") {
  const std::string first = "  st.shared.u32 [%r2], %r1;\n  bar.sync 0;\n" + reads_other(32);
  CHECK(races(first + "  bar.sync 0;\n  st.shared.u32 [%r2], 7;\n").empty());
  CHECK(races(first + "  st.shared.u32 [%r2], 7;\n").find("race/") != std::string::npos);
}

TEST_CASE("checker: a write behind a read of another warp is named as such") {
  // The warp that came to the barrier last goes on first: warp 1 reads a word, then warp 0 writes it.
  CHECK(races("  st.shared.u32 [%r2], %r1;\n  bar.sync 0;\n  setp.ge.u32 %p1, %r1, 32;\n"
              "  @%p1 ld.shared.u32 %r4, [tile];\n  setp.eq.u32 %p1, %r1, 0;\n"
              "  @%p1 st.shared.u32 [tile], 9;\n") == "race/write-after-read");
}

TEST_CASE("checker: two writes of different values race, of the same value they do not") {
  CHECK(races("  st.shared.u32 [tile], %r1;\n").starts_with("race/write-after-write"));
  CHECK(races("  st.shared.u32 [tile], 1;\n").empty());
  CHECK(races("  st.shared.u32 [tile], %r1;\n", 1).empty());
  // Bytes next to each other do not touch.
  CHECK(races("  add.u32 %r2, %r9, %r1;\n  st.shared.u8 [%r2], %r1;\n").empty());
}

TEST_CASE("checker: within a warp bar.warp.sync and exchanges order, and nothing else does") {
  const std::string write = "  st.shared.u32 [%r2], %r1;\n";
  CHECK(races(write + reads_other(1), 32).find("race/read-after-write") != std::string::npos);
  CHECK(races(write + "  bar.warp.sync -1;\n" + reads_other(1), 32).empty());
  CHECK(races(write + "  shfl.sync.idx.b32 %r5, %r1, 0, 31, -1;\n" + reads_other(1), 32).empty());
  CHECK(races(write + "  vote.sync.any.pred %p1, %p2, -1;\n" + reads_other(1), 32).empty());
  // Only within the warp.
  CHECK(races(write + "  bar.warp.sync -1;\n" + reads_other(32)).find("race/read-after-write") !=
        std::string::npos);
  // Only the lanes of the mask.
  const std::string halves = write +
                             "  setp.lt.u32 %p1, %r1, 16;\n  selp.b32 %r5, 0x0000ffff, 0xffff0000, %p1;\n"
                             "  bar.warp.sync %r5;\n";
  CHECK(races(halves + reads_other(8), 32).empty());
  CHECK(races(halves + reads_other(16), 32).find("race/read-after-write") != std::string::npos);
  // Lanes that meet from two branches.
  const std::string branches =
      write +
      "  setp.lt.u32 %p1, %r1, 16;\n  @%p1 bra low;\n  bar.warp.sync -1;\n  bra over;\nlow:\n"
      "  bar.warp.sync -1;\nover:\n";
  CHECK(races(branches + reads_other(16), 32).empty());
}

TEST_CASE("checker: order is passed on from warp to block and back") {
  // Lane 0 of each warp collects, a barrier, warp 0 reads what lane 0 of the other warp saw.
  CHECK(races("  st.shared.u32 [%r2], %r1;\n  bar.warp.sync -1;\n  bar.sync 1, 64;\n  bar.warp.sync -1;\n" +
              reads_other(33))
            .empty());
}

TEST_CASE("checker: a named barrier orders only the threads that take part") {
  const std::string write = "  st.shared.u32 [%r2], %r1;\n";
  // Warps 0 and 1 meet at barrier 1, warps 2 and 3 at barrier 2.
  const std::string pairs = write + "  shr.u32 %r5, %r1, 6;\n  add.u32 %r5, %r5, 1;\n  bar.sync %r5, 64;\n";
  CHECK(races(pairs + reads_other(32), 128).empty());
  CHECK(races(pairs + reads_other(64), 128).find("race/read-after-write") != std::string::npos);
}

TEST_CASE("checker: producers that only arrive are ordered before the consumers that wait") {
  const std::string roles = "  setp.lt.u32 %p1, %r1, 32;\n  @%p1 bra consumer;\n";
  const std::string consume = "consumer:\n  bar.sync 1, 64;\n" + reads_other(32);
  CHECK(races(roles + "  st.shared.u32 [%r2], %r1;\n  bar.arrive 1, 64;\n  ret;\n" + consume).empty());
  // What the producer does behind its arrival is not.
  CHECK(races(roles +
              "  st.shared.u32 [%r2], 1;\n  bar.arrive 1, 64;\n  st.shared.u32 [%r2], %r1;\n  ret;\n" +
              consume)
            .find("race/read-after-write") != std::string::npos);
}

TEST_CASE("checker: atomics do not race with atomics, but with plain accesses") {
  const std::string clear = "  st.shared.u32 [tile], 0;\n  bar.sync 0;\n";
  CHECK(races(clear + "  atom.shared.add.u32 %r4, [tile], 1;\n").empty());
  CHECK(races(clear + "  atom.shared.add.u32 %r4, [tile], 1;\n  bar.sync 0;\n  ld.shared.u32 %r4, [tile];\n")
            .empty());
  // A word each by an atomic, read by others without a barrier.
  CHECK(races("  st.shared.u32 [%r2], 0;\n  bar.sync 0;\n  atom.shared.add.u32 %r4, [%r2], 1;\n" +
              reads_other(32))
            .find("race/read-after-write") != std::string::npos);
}

TEST_CASE("checker: volatile accesses do not race with each other, and hand over what was written before") {
  CHECK(races("  st.volatile.shared.u32 [tile], %r1;\n  ld.volatile.shared.u32 %r4, [tile];\n").empty());
  // Warp 1 writes, then raises a flag; warp 0 spins on it, then reads.
  CHECK(
      races(
          "  setp.eq.u32 %p1, %r1, 0;\n  @%p1 st.shared.u32 [tile+256], 0;\n  bar.sync 0;\n"
          "  setp.lt.u32 %p1, %r1, 32;\n  @%p1 bra wait;\n  st.shared.u32 [%r2], %r1;\n  bar.warp.sync -1;\n"
          "  membar.cta;\n  st.volatile.shared.u32 [tile+256], 1;\n  ret;\nwait:\n"
          "  ld.volatile.shared.u32 %r4, [tile+256];\n  setp.eq.u32 %p2, %r4, 0;\n  @%p2 bra wait;\n"
          "  membar.cta;\n" +
          reads_other(32))
          .empty());
}

TEST_CASE("checker: an mbarrier orders arrivals before what waits for its phase") {
  const std::string wait =
      "  setp.eq.u32 %p1, %r1, 0;\n  @%p1 mbarrier.init.shared.b64 [tile+2048], 64;\n  bar.sync 0;\n"
      "  st.shared.u32 [%r2], %r1;\n  mbarrier.arrive.shared.b64 %d3, [tile+2048];\nagain:\n"
      "  mbarrier.test_wait.shared.b64 %p2, [tile+2048], %d3;\n  @!%p2 bra again;\n";
  CHECK(races(wait + reads_other(32)).empty());
}

TEST_CASE("checker: asynchronous copies are writes of their thread") {
  const std::string copy =
      "  mad.wide.u32 %d2, %r1, 4, %d1;\n  cp.async.ca.shared.global [%r2], [%d2], 4;\n  "
      "cp.async.wait_all;\n";
  CHECK(races(copy + "  bar.sync 0;\n" + reads_other(32)).empty());
  CHECK(races(copy + reads_other(32)).find("race/read-after-write") != std::string::npos);
}

TEST_CASE("checker: blocks do not race with the blocks before them") {
  Bench bench;
  bench.run(kTile + "  st.shared.u32 [%r2], %r1;\n  bar.sync 0;\n" + reads_other(32) + "  ret;\n", 64, 0, 4);
  CHECK(bench.kinds().empty());
}

}  // namespace
}  // namespace vgpu::software::test
