// Special registers (PTX ISA 9.0, chapter 10) over grids in three dimensions, faults, and the one matrix form
// that can be checked alone.
#include <doctest/doctest.h>

#include <algorithm>

#include "instruction_coverage.h"
#include "instruction_harness.h"

namespace vgpu::software::test {

namespace {

std::string text(std::string body) {
  return std::string(kPtxHeader) + std::move(body);
}

/// What each thread stores, in this order.
const std::vector<std::string>& registers() {
  static const std::vector<std::string> names = {
      "%tid.x",       "%tid.y",       "%tid.z",   "%ntid.x",      "%ntid.y",           "%ntid.z",
      "%ctaid.x",     "%ctaid.y",     "%ctaid.z", "%nctaid.x",    "%nctaid.y",         "%nctaid.z",
      "%laneid",      "%warpid",      "%nwarpid", "%lanemask_eq", "%lanemask_lt",      "%lanemask_le",
      "%lanemask_gt", "%lanemask_ge", "%smid",    "%nsmid",       "%dynamic_smem_size"};
  return names;
}

Program register_program() {
  std::string body = R"(.visible .entry test(.param .u64 out)
{
  .reg .b32 %r, %t, %b, %n, %m;
  .reg .b64 %out;
  mov.u32 %t, %tid.z;
  mov.u32 %m, %ntid.y;
  mov.u32 %n, %tid.y;
  mad.lo.u32 %t, %t, %m, %n;
  mov.u32 %m, %ntid.x;
  mov.u32 %n, %tid.x;
  mad.lo.u32 %t, %t, %m, %n;
  mov.u32 %b, %ctaid.z;
  mov.u32 %m, %nctaid.y;
  mov.u32 %n, %ctaid.y;
  mad.lo.u32 %b, %b, %m, %n;
  mov.u32 %m, %nctaid.x;
  mov.u32 %n, %ctaid.x;
  mad.lo.u32 %b, %b, %m, %n;
  mov.u32 %m, %ntid.x;
  mov.u32 %n, %ntid.y;
  mul.lo.u32 %m, %m, %n;
  mov.u32 %n, %ntid.z;
  mul.lo.u32 %m, %m, %n;
  mad.lo.u32 %t, %b, %m, %t;
  ld.param.u64 %out, [out];
)";
  body += "  mad.wide.u32 %out, %t, " + std::to_string(registers().size() * 4) + ", %out;\n";
  for (std::size_t i = 0; i < registers().size(); ++i) {
    body +=
        "  mov.u32 %r, " + registers()[i] + ";\n  st.global.u32 [%out+" + std::to_string(i * 4) + "], %r;\n";
  }
  return {"special registers", text(body + "  ret;\n}\n"), {"mov.u32"}};
}

const char* const kClocks = R"(.visible .entry test(.param .u64 out)
{
  .reg .b32 %c, %d;
  .reg .b64 %out, %a, %b, %t, %u;
  ld.param.u64 %out, [out];
  mov.u64 %t, %globaltimer;
  mov.u64 %a, %clock64;
  mov.u32 %c, %clock;
  nanosleep.u32 100000;
  mov.u32 %d, %clock;
  mov.u64 %b, %clock64;
  mov.u64 %u, %globaltimer;
  sub.u64 %b, %b, %a;
  sub.u64 %u, %u, %t;
  sub.u32 %d, %d, %c;
  st.global.u64 [%out], %b;
  st.global.u64 [%out+8], %u;
  st.global.u32 [%out+16], %d;
  ret;
}
)";

const char* const kTrap = R"(.visible .entry test(.param .u32 limit)
{
  .reg .pred %p;
  .reg .b32 %t, %n;
  mov.u32 %t, %tid.x;
  ld.param.u32 %n, [limit];
  setp.lt.u32 %p, %t, %n;
  @%p trap;
  ret;
}
)";

/// Stores a fragment whose every element is the same: the tile shows it whatever the layout of fragments is.
const char* const kMatrixStore = R"(.visible .entry test(.param .u64 out)
{
  .reg .b32 %v;
  .reg .b64 %out;
  ld.param.u64 %out, [out];
  cvta.to.global.u64 %out, %out;
  mov.b32 %v, 0f41280000;
  wmma.store.d.sync.aligned.row.m16n16k16.global.f32 [%out], {%v, %v, %v, %v, %v, %v, %v, %v};
  ret;
}
)";

std::string faulty_access(const std::string& instruction) {
  return text(
      ".visible .entry test(.param .u64 address)\n{\n  .reg .b32 %r;\n  .reg .b64 %a, %d;\n"
      "  ld.param.u64 %a, [address];\n  mov.u32 %r, 1;\n  " +
      instruction + "\n  ret;\n}\n");
}

Status status_of_launch(Gpu& gpu, Module& module, const Parameters& parameters) {
  try {
    launch(gpu, module.kernel("test"), {1, 1, 1}, {1, 1, 1}, parameters);
  } catch (const Error& error) {
    return error.status();
  }
  return Status::success;
}

void check_registers(std::span<const std::uint32_t> values, Dim3 grid, Dim3 block) {
  const std::uint32_t threads = block.x * block.y * block.z;
  std::size_t thread = 0;
  for (std::uint32_t b = 0; b < grid.x * grid.y * grid.z; ++b) {
    for (std::uint32_t t = 0; t < threads; ++t, ++thread) {
      const std::uint32_t lane = t % 32;
      const std::vector<std::uint32_t> expected = {t % block.x,
                                                   t / block.x % block.y,
                                                   t / block.x / block.y,
                                                   block.x,
                                                   block.y,
                                                   block.z,
                                                   b % grid.x,
                                                   b / grid.x % grid.y,
                                                   b / grid.x / grid.y,
                                                   grid.x,
                                                   grid.y,
                                                   grid.z,
                                                   lane,
                                                   t / 32,
                                                   0,
                                                   1U << lane,
                                                   (1U << lane) - 1,
                                                   (1U << lane) | ((1U << lane) - 1),
                                                   ~((1U << lane) | ((1U << lane) - 1)),
                                                   ~((1U << lane) - 1),
                                                   0,
                                                   0,
                                                   12};
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::string& name = registers()[i];
        const std::uint32_t got = values[thread * expected.size() + i];
        INFO(name << " of thread " << t << " in block " << b);
        if (name == "%nwarpid") {
          REQUIRE(got >= (threads + 31) / 32);  // the most warps there can be, not how many there are
        } else if (name == "%smid") {
          REQUIRE(got < values[thread * expected.size() + i + 1]);  // below %nsmid, which follows
        } else if (name != "%nsmid") {
          REQUIRE(got == expected[i]);
        }
      }
    }
  }
}

}  // namespace

std::vector<Program> special_programs() {
  return {register_program(),
          {"clocks", text(kClocks), {"nanosleep.u32", "mov.u64"}},
          {"matrix store", text(kMatrixStore), {"wmma.store.d.sync.aligned.row.m16n16k16.global.f32"}}};
}

std::vector<Program> fault_programs() {
  return {{"trap", text(kTrap), {"trap"}}};
}

TEST_CASE("instructions: special registers over grids in three dimensions") {
  struct Shape {
    Dim3 grid;
    Dim3 block;
  };
  for (const Shape& shape :
       {Shape{{1, 1, 1}, {1, 1, 1}}, Shape{{3, 2, 4}, {5, 7, 3}}, Shape{{2, 1, 3}, {32, 4, 2}},
        Shape{{7, 1, 1}, {1, 1, 64}}, Shape{{1, 5, 1}, {1024, 1, 1}}, Shape{{1, 1, 2}, {33, 31, 1}}}) {
    run_program(register_program(), [&](Gpu& gpu, Module& module) {
      const auto [grid, block] = shape;
      const std::size_t threads = std::size_t{grid.x} * grid.y * grid.z * block.x * block.y * block.z;
      DeviceBuffer out(gpu, threads * registers().size() * 4);
      Parameters parameters;
      parameters.add(out.address());
      launch(gpu, module.kernel("test"), grid, block, parameters, 12);
      check_registers(out.as<std::uint32_t>(), grid, block);
    });
  }
}

TEST_CASE("instructions: clocks run forward") {
  run_program({"clocks", text(kClocks), {"nanosleep.u32"}}, [](Gpu& gpu, Module& module) {
    DeviceBuffer out(gpu, 24);
    Parameters parameters;
    parameters.add(out.address());
    launch(gpu, module.kernel("test"), {1, 1, 1}, {1, 1, 1}, parameters);
    const auto words = out.as<std::uint64_t>();
    CHECK(words[0] > 0);
    CHECK(words[0] < std::uint64_t{1} << 62);
    CHECK(words[1] < std::uint64_t{10} * 1000 * 1000 * 1000);
    CHECK((words[2] & 0xffffffff) > 0);
  });
}

TEST_CASE("instructions: a trap ends the launch, and only when it is executed") {
  run_program({"trap", text(kTrap), {"trap"}}, [](Gpu& gpu, Module& module) {
    Parameters none;
    none.add(std::uint32_t{0});
    CHECK(status_of_launch(gpu, module, none) == Status::success);
    Parameters one;
    one.add(std::uint32_t{1});
    // CUDA reports a trap as a launch failure, or as an illegal instruction in older versions.
    const Status status = status_of_launch(gpu, module, one);
    CHECK((status == Status::launch_failed || status == Status::illegal_instruction));
    CHECK(status_of_launch(gpu, module, none) == Status::success);
  });
}

TEST_CASE("instructions: a store of equal matrix elements") {
  run_program({"matrix store", text(kMatrixStore), {}}, [](Gpu& gpu, Module& module) {
    DeviceBuffer out(gpu, std::size_t{256} * 4);
    Parameters parameters;
    parameters.add(out.address());
    launch(gpu, module.kernel("test"), {1, 1, 1}, {32, 1, 1}, parameters);
    for (const float value : out.as<float>()) CHECK(value == 10.5F);
  });
}

TEST_CASE("instructions: accesses that must fault") {
  struct Fault {
    std::string instruction;
    std::int64_t offset;  // from the end of a 64-byte allocation
    Status status;
  };
  const std::vector<Fault> faults = {
      {"st.global.u32 [%a], %r;", -4, Status::success},
      {"st.global.u32 [%a], %r;", 1 << 20, Status::illegal_address},
      {"ld.global.u32 %r, [%a];", 1 << 20, Status::illegal_address},
      {"ld.u32 %r, [%a];", 1 << 20, Status::illegal_address},
      {"atom.global.add.u32 %r, [%a], 1;", 1 << 20, Status::illegal_address},
      {"red.global.add.u32 [%a], 1;", 1 << 20, Status::illegal_address},
      {"st.global.u32 [%a], %r;", -7, Status::misaligned_address},
      {"ld.global.u64 %d, [%a];", -12, Status::misaligned_address},
      {"ld.global.v2.u32 {%r, %r}, [%a];", -12, Status::misaligned_address},
      {"atom.global.add.u32 %r, [%a], 1;", -6, Status::misaligned_address},
  };
  for (const Fault& fault : faults) {
    const Program program{fault.instruction, faulty_access(fault.instruction), {}};
    run_program(program, [&](Gpu& gpu, Module& module) {
      DeviceBuffer buffer(gpu, 64);
      INFO("at end " << fault.offset);
      Parameters parameters;
      parameters.add(buffer.address() + 64 + static_cast<std::uint64_t>(fault.offset));
      CHECK(status_of_launch(gpu, module, parameters) == fault.status);
    });
  }
}

}  // namespace vgpu::software::test
