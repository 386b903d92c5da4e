// Stray accesses, frees, and reads of what nothing wrote: kernels with one planted mistake each.
#include <cstring>

#include "checker_bench.h"

namespace vgpu::software::test {
namespace {

TEST_CASE("checker: a store past the end is left out, reported with its place, and fails the launch") {
  Bench bench;
  CHECK(bench.run("  mad.wide.u32 %d2, %r1, 4, %d1;\n  st.global.u32 [%d2+388], %r1;\n"
                  "  st.global.u32 [%d2], 7;\n  ret;\n") == Status::illegal_address);
  const Finding finding = bench.only();
  CHECK(finding.check == "memory");
  CHECK(finding.kind == "out-of-bounds");
  CHECK(finding.count == 1);
  REQUIRE(finding.place);
  CHECK(finding.place->kernel == "test");
  CHECK(finding.place->thread == std::array<std::uint32_t, 3>{31, 0, 0});
  CHECK(finding.place->ptx_line == kFirstLine + 1);
  REQUIRE(finding.access);
  CHECK(finding.access->operation == "store");
  CHECK(finding.access->bytes == 4);
  CHECK(finding.access->address == bench.buffer + 512);
  REQUIRE(finding.allocation);
  CHECK(finding.allocation->base == bench.buffer);
  CHECK(finding.allocation->bytes == kBufferBytes);
  CHECK(finding.allocation->position == "after");
  CHECK(finding.allocation->distance == 0);
  CHECK(bench.error.find("kernel 'test', block (0,0,0), thread (31,0,0), PTX line 13") != std::string::npos);
}

TEST_CASE("checker: the program goes on behind a stray access") {
  Bench bench;
  const DeviceAddress other = bench.allocate(64);
  bench.checker().written(other, 64);
  CHECK(
      bench.run("  mov.u32 %r2, 5;\n  ld.global.u32 %r2, [%d1+4096];\n  st.global.u32 [%d1], %r2;\n  ret;\n",
                1) == Status::illegal_address);
  CHECK(bench.kinds() == "memory/out-of-bounds");
  std::uint32_t stored = 0;
  std::memcpy(&stored, reinterpret_cast<const void*>(bench.buffer), sizeof stored);
  CHECK(stored == 5);  // what the register had
}

TEST_CASE("checker: an access before, one across the end, and one into the next allocation's padding") {
  Bench bench;
  bench.run("  ld.global.u32 %r2, [%d1+-8];\n  ret;\n", 1);
  CHECK(bench.only().allocation->position == "before");
  CHECK(bench.only().allocation->distance == 4);
  Bench across;
  const DeviceAddress odd = across.allocate(10);
  across.checker().written(odd, 10);
  across.run("  ld.global.u32 %r2, [%d1+8];\n  ret;\n", 1, odd);
  CHECK(across.only().allocation->position == "inside");
  CHECK(across.only().allocation->distance == 8);
}

TEST_CASE("checker: guarded allocations are apart, so that a stray access meets no other one") {
  Bench bench;
  const DeviceAddress second = bench.allocate(kBufferBytes);
  CHECK(second - bench.buffer >= 64 * 1024);
  // Without a guard the next allocation would begin here.
  bench.run("  st.global.u32 [%d1+512], %r1;\n  ret;\n", 1);
  CHECK(bench.only().kind == "out-of-bounds");
}

TEST_CASE("checker: use after free names the allocation and when it was freed") {
  Bench bench;
  const DeviceAddress gone = bench.allocate(256);
  bench.run("  ret;\n");
  bench.free(gone);
  CHECK(bench.run("  st.global.u64 [%d1+16], %d1;\n  ret;\n", 1, gone) == Status::illegal_address);
  const Finding finding = bench.only();
  CHECK(finding.kind == "use-after-free");
  CHECK(finding.allocation->base == gone);
  CHECK(finding.allocation->distance == 16);
  CHECK(finding.allocation->freed == "after launch 1, of test");
}

TEST_CASE("checker: freed addresses do not come back while there are others") {
  Bench bench;
  const DeviceAddress first = bench.allocate(4096);
  bench.free(first);
  CHECK(bench.allocate(4096) != first);
}

TEST_CASE("checker: misaligned accesses are left out and reported") {
  Bench bench;
  CHECK(bench.run("  st.global.u32 [%d1+2], %r1;\n  ret;\n", 1) == Status::misaligned_address);
  CHECK(bench.only().kind == "misaligned");
}

TEST_CASE("checker: shared, local and parameter memory have ends, too") {
  Bench shared;
  shared.run("  .shared .b8 tile[16];\n  st.shared.u32 [tile+16], %r1;\n  ret;\n", 1);
  CHECK(shared.only().access->space == "shared");
  CHECK(shared.only().message.find("which has 16 bytes") != std::string::npos);
  Bench local;
  local.run("  .local .align 4 .b8 own[16];\n  mov.u64 %d2, own;\n  st.local.u32 [%d2+64], %r1;\n  ret;\n",
            1);
  CHECK(local.only().access->space == "local");
  Bench generic;
  generic.run("  .shared .b8 tile[16];\n  cvta.shared.u64 %d2, tile;\n  st.u32 [%d2+32], %r1;\n  ret;\n", 1);
  CHECK(generic.only().access->space == "shared");
  Bench parameter;
  parameter.run("  mov.b64 %d2, buffer;\n  ld.param.u32 %r2, [%d2+8];\n  ret;\n", 1);
  CHECK(parameter.only().access->space == "parameter");
}

TEST_CASE("checker: atomics, asynchronous copies and matrix loads are checked") {
  Bench atomic;
  CHECK(atomic.run("  atom.global.add.u32 %r2, [%d1+512], 1;\n  ret;\n", 1) == Status::illegal_address);
  CHECK(atomic.only().access->operation == "atomic");
  Bench copy;
  CHECK(copy.run(
            "  .shared .align 16 .b8 tile[16];\n  cp.async.ca.shared.global [tile], [%d1+504], 16;\n  ret;\n",
            1) == Status::misaligned_address);
  Bench past;
  past.run("  .shared .align 16 .b8 tile[16];\n  cp.async.ca.shared.global [tile], [%d1+512], 16;\n  ret;\n",
           1);
  CHECK(past.only().kind == "out-of-bounds");
  Bench matrix;
  matrix.run(
      "  .shared .align 16 .b8 tile[64];\n  shl.b32 %r3, %r1, 4;\n"
      "  ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r3+64];\n  ret;\n");
  CHECK(matrix.kinds() == "memory/out-of-boundsx8");
}

TEST_CASE("checker: mistakes of the same place are one finding with a count") {
  Bench bench;
  bench.run("  st.global.u32 [%d1+4096], %r1;\n  st.global.u32 [%d1+4096], %r1;\n  ret;\n", 64);
  CHECK(bench.kinds() == "memory/out-of-boundsx64 memory/out-of-boundsx64");
}

TEST_CASE("checker: at most so many findings are kept, the others counted") {
  MemoryCheckerOptions options = all_checks();
  options.most_findings = 1;
  std::size_t told = 0;
  options.on_finding = [&](std::size_t number, const Finding& /*finding*/) {
    CHECK(number == told);
    ++told;
  };
  Bench bench(options);
  bench.run("  st.global.u32 [%d1+4096], %r1;\n  st.global.u32 [%d1+4096], %r1;\n  ret;\n", 1);
  CHECK(bench.kinds() == "memory/out-of-bounds");
  CHECK(bench.checker().dropped() == 1);
  CHECK(told == 1);
}

TEST_CASE("checker: frees of what is not there, twice, and never") {
  Bench bench;
  bench.checker().freed(bench.buffer + 16);
  const DeviceAddress twice = bench.allocate(64);
  bench.free(twice);
  bench.checker().freed(twice);
  bench.checker().finish();
  CHECK(bench.kinds() == "memory/invalid-free memory/double-free memory/leak");
  const Finding leak = bench.findings().back();
  CHECK_FALSE(leak.is_error);
  CHECK(leak.allocation->base == bench.buffer);
}

TEST_CASE("checker: without the memory check a stray access ends the launch as ever") {
  MemoryCheckerOptions options = all_checks();
  options.memory = false;
  Bench bench(options);
  CHECK(bench.run("  st.global.u32 [%d1+4096], %r1;\n  st.global.u32 [%d1], 1;\n  ret;\n", 1) ==
        Status::illegal_address);
  CHECK(bench.kinds().empty());
  bench.checker().finish();
  CHECK(bench.kinds().empty());
}

TEST_CASE("checker: several threads report into one list") {
  Bench bench(all_checks(), 4);
  CHECK(bench.run("  st.global.u32 [%d1+4096], %r1;\n  ret;\n", 32, 0, 64) == Status::illegal_address);
  CHECK(bench.kinds() == "memory/out-of-boundsx2048");
  CHECK(bench.error.find("block (0,0,0)") != std::string::npos);
}

TEST_CASE("checker: device memory that nothing wrote") {
  Bench bench;
  const DeviceAddress fresh = bench.allocate(64);
  CHECK(bench.run("  st.global.u16 [%d1], %h1;\n  ld.global.u32 %r2, [%d1];\n  ret;\n", 1, fresh) ==
        Status::success);
  const Finding finding = bench.only();
  CHECK(finding.check == "init");
  CHECK(finding.kind == "uninitialized-read");
  CHECK(finding.message.find("from its byte 2 on") != std::string::npos);
  CHECK(finding.place->ptx_line == kFirstLine + 1);
}

TEST_CASE("checker: what initialises device memory") {
  Bench bench;
  const std::string read = "  ld.global.u64 %d2, [%d1];\n  ret;\n";
  const DeviceAddress copied = bench.allocate(64);
  bench.checker().written(copied, 8);
  bench.run(read, 1, copied);
  const DeviceAddress stored = bench.allocate(64);
  bench.run("  st.global.v4.u32 [%d1], {%r1, %r1, %r1, %r1};\n" + read, 1, stored);
  bench.run(read, 1, bench.allocate(64, true));
  const DeviceAddress target = bench.allocate(64);
  bench.checker().copied(target, stored, 16);
  bench.run(read, 1, target);
  CHECK(bench.kinds().empty());
  // Of what is copied only as much is initialised as was before.
  const DeviceAddress half = bench.allocate(64);
  bench.checker().written(half, 4);
  bench.checker().copied(target, half, 8);
  bench.run(read, 1, target);
  CHECK(bench.kinds() == "init/uninitialized-read");
}

TEST_CASE("checker: memory that is allocated again begins anew") {
  Bench bench;
  const DeviceAddress address = bench.allocate(64);
  bench.checker().written(address, 64);
  bench.checker().freed(address);
  bench.checker().allocated(address, 64, false);
  bench.run("  ld.global.u32 %r2, [%d1];\n  ret;\n", 1, address);
  CHECK(bench.kinds() == "init/uninitialized-read");
}

TEST_CASE("checker: shared and local memory begin uninitialised in each block") {
  Bench shared;
  shared.run(
      "  .shared .b8 tile[16];\n  mov.u32 %r3, %ctaid.x;\n  setp.eq.u32 %p1, %r3, 0;\n"
      "  @%p1 st.shared.u32 [tile], 1;\n  ld.shared.u32 %r2, [tile];\n  ret;\n",
      1, 0, 3);
  CHECK(shared.kinds() == "init/uninitialized-readx2");
  CHECK(shared.findings()[0].place->block[0] == 1);
  Bench local;
  local.run(
      "  .local .align 4 .b8 own[16];\n  mov.u64 %d2, own;\n  setp.eq.u32 %p1, %r1, 0;\n"
      "  @%p1 st.local.u32 [%d2], 1;\n  ld.local.u32 %r2, [%d2];\n  ret;\n",
      2);
  CHECK(local.kinds() == "init/uninitialized-read");
  CHECK(local.findings()[0].place->thread[0] == 1);
}

TEST_CASE("checker: asynchronous copies initialise shared memory") {
  Bench bench;
  bench.run(
      "  .shared .align 16 .b8 tile[16];\n  cp.async.ca.shared.global [tile], [%d1], 16, 4;\n"
      "  ld.shared.v4.u32 {%r2, %r3, %r4, %r5}, [tile];\n  ret;\n",
      1);
  CHECK(bench.kinds().empty());
}

}  // namespace
}  // namespace vgpu::software::test
