// Barriers that do not come together; and the parts that the checks are made of.
#include "checker/shadow_bits.h"
#include "checker_bench.h"

namespace vgpu::software::test {
namespace {

TEST_CASE("checker: a barrier that some threads never reach, with where the others are") {
  Bench bench;
  CHECK(bench.run(
            "  setp.lt.u32 %p1, %r1, 32;\n  @%p1 bra other;\n  bar.sync 1;\n  ret;\nother:\n  bar.sync 2;\n"
            "  ret;\n",
            64) == Status::launch_failed);
  const Finding finding = bench.only();
  CHECK(finding.check == "sync");
  CHECK(finding.kind == "barrier-not-reached");
  CHECK(finding.message.find("32 of the block's 64 threads wait here, 32 at PTX line") != std::string::npos);
}

TEST_CASE("checker: a named barrier for more threads than come") {
  Bench bench;
  CHECK(bench.run("  setp.ge.u32 %p1, %r1, 32;\n  @%p1 bra over;\n  bar.sync 1, 64;\nover:\n  ret;\n", 64) ==
        Status::launch_failed);
  CHECK(bench.kinds() == "sync/barrier-not-reached");
  CHECK(bench.only().message.find("32 have exited") != std::string::npos);
}

TEST_CASE("checker: lanes of a warp at two aligned barriers") {
  const std::string body =
      "  setp.lt.u32 %p1, %r1, 16;\n  @%p1 bra low;\n  bar.sync 0;\n  bra over;\nlow:\n  bar.sync "
      "0;\nover:\n  ret;\n";
  Bench bench;
  CHECK(bench.run(body) == Status::success);
  const Finding finding = bench.only();
  CHECK(finding.kind == "divergent-barrier");
  REQUIRE(finding.other);
  CHECK(finding.place->ptx_line != finding.other->ptx_line);
  std::string unaligned = body;
  for (std::size_t at = 0; (at = unaligned.find("bar.sync", at)) != std::string::npos; at += 8) {
    unaligned.replace(at, 8, "barrier.sync");
  }
  Bench other;
  CHECK(other.run(unaligned) == Status::success);
  CHECK(other.kinds().empty());
}

TEST_CASE("checker: threads that have exited need not come to a barrier") {
  Bench bench;
  CHECK(bench.run("  setp.ge.u32 %p1, %r1, 40;\n  @%p1 exit;\n  bar.sync 0;\n  ret;\n", 64) ==
        Status::success);
  CHECK(bench.kinds().empty());
}

TEST_CASE("checker: thread counts that differ or are no multiple of a warp") {
  Bench differ;
  CHECK(differ.run(
            "  setp.lt.u32 %p1, %r1, 32;\n  @%p1 bra low;\n  bar.sync 1, 64;\n  ret;\nlow:\n  bar.sync 1;\n"
            "  ret;\n",
            64) == Status::success);
  CHECK(differ.kinds() == "sync/barrier-mismatch");
  Bench odd;
  odd.run("  bar.sync 1, 40;\n  ret;\n", 64);
  CHECK(odd.kinds().starts_with("sync/barrier-thread-count"));
}

TEST_CASE("checker: masks without the caller, with exited lanes, and lanes that never come") {
  Bench caller;
  caller.run("  bar.warp.sync 0x0000ffff;\n  ret;\n");
  CHECK(caller.kinds() == "sync/mask-without-caller");
  CHECK(caller.findings()[0].place->thread[0] == 16);
  Bench exited;
  CHECK(exited.run("  setp.ge.u32 %p1, %r1, 16;\n  @%p1 exit;\n  bar.warp.sync -1;\n"
                   "  shfl.sync.idx.b32 %r5, %r1, 0, 31, 0xffff;\n  ret;\n") == Status::success);
  CHECK(exited.kinds() == "sync/mask-names-exited-thread");
  CHECK(exited.findings()[0].message.find("16 threads") != std::string::npos);
  Bench later;  // while the others wait already; nvcc makes this of an early return
  CHECK(later.run("  setp.ge.u32 %p1, %r1, 20;\n  @%p1 bra over;\n"
                  "  shfl.sync.bfly.b32 %r5, %r1, 1, 31, -1;\nover:\n  ret;\n") == Status::success);
  CHECK(later.kinds() == "sync/mask-names-exited-thread");
  CHECK(later.findings()[0].message.find("12 threads") != std::string::npos);
  CHECK(later.findings()[0].place->ptx_line == kFirstLine + 2);
  Bench partial;  // lanes that the block never had
  partial.run("  bar.warp.sync -1;\n  ret;\n", 20);
  CHECK(partial.kinds().empty());
  Bench groups;  // half-warps, some in different branches
  CHECK(groups.run("  and.b32 %r2, %r1, 16;\n  mov.u32 %r3, 0xffff;\n  shl.b32 %r3, %r3, %r2;\n"
                   "  setp.lt.u32 %p1, %r1, 24;\n  bar.warp.sync %r3;\n  @%p1 bra low;\n"
                   "  bar.warp.sync %r3;\n  bra over;\nlow:\n  bar.warp.sync %r3;\nover:\n  ret;\n") ==
        Status::success);
  CHECK(groups.kinds().empty());
  Bench apart;
  CHECK(apart.run("  setp.lt.u32 %p1, %r1, 16;\n  @%p1 bra low;\n  bar.warp.sync 0xffffffff;\n  ret;\nlow:\n"
                  "  bar.warp.sync 0x0000ffff;\n  bar.sync 1, 64;\n  ret;\n") == Status::launch_failed);
  CHECK(apart.kinds().find("sync/lanes-not-reached") != std::string::npos);
}

// --- The parts
// ----------------------------------------------------------------------------------------------

TEST_CASE("checker: shadow bits of any range") {
  checker::ShadowBits bits(1 << 20);
  for (const std::size_t first : {0UL, 1UL, 7UL, 8UL, 4093UL}) {
    for (const std::size_t count : {1UL, 2UL, 7UL, 8UL, 9UL, 63UL, 64UL, 70000UL}) {
      bits.set(first, count);
      CHECK_FALSE(bits.first_clear(first, count));
      CHECK(bits.first_clear(first, count + 1) == first + count);
      if (first != 0) CHECK_FALSE(bits.get(first - 1));
      bits.clear(first + count / 2, 1);
      CHECK(bits.first_clear(first, count) == first + count / 2);
      bits.clear(first, count);
      CHECK(bits.first_clear(first, count) == first);
    }
  }
}

TEST_CASE("checker: findings are JSON of one line") {
  Finding finding;
  finding.check = "race";
  finding.kind = "write-after-write";
  finding.message = "a \"quoted\"\nline";
  finding.place = FindingPlace{"f(int)", "g", {1, 2, 3}, {4, 5, 6}, 7, "a\\b.cu", 8, "c.cu", 9};
  finding.access = FindingAccess{"store", "global", 4, 0xabc};
  finding.allocation = FindingAllocation{0x100, 16, "after", 3, "after launch 1, of f(int)"};
  finding.count = 9;
  CHECK(
      to_json(finding) ==
      R"json({"check":"race","kind":"write-after-write","severity":"error","count":9,)json"
      R"json("message":"a \"quoted\"\u000aline","place":{"kernel":"f(int)","function":"g","block":[1,2,3],)json"
      R"json("thread":[4,5,6],"ptxLine":7,"file":"a\\b.cu","line":8,"callerFile":"c.cu","callerLine":9},)json"
      R"json("access":{"operation":"store","space":"global","bytes":4,"address":"0xabc"},)json"
      R"json("allocation":{"address":"0x100","bytes":16,"position":"after","distance":3,)json"
      R"json("freed":"after launch 1, of f(int)"}})json");
}

}  // namespace
}  // namespace vgpu::software::test
