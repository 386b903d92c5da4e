// Calls (PTX ISA 9.0, 9.7.12.5 and 7.1): parameters of every kind, recursion, function pointers, divergence.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "instruction_coverage.h"
#include "instruction_harness.h"

namespace vgpu::software::test {

namespace {

std::string text(const std::string& functions, const std::string& body) {
  return std::string(kPtxHeader) + functions + R"(
.visible .entry test(.param .u64 out)
{
  .reg .pred %p;
  .reg .b16 %h;
  .reg .b32 %t, %x, %y, %f;
  .reg .b64 %out, %w, %d, %target;
  ld.param.u64 %out, [out];
  mov.u32 %t, %tid.x;
  mad.wide.u32 %out, %t, 8, %out;
)" + body +
         R"(
  st.global.u64 [%out], %w;
  ret;
}
)";
}

// Parameters of every width, two results, and a structure by value in each direction.
const char* const kMixedFunctions = R"(
.func (.param .b64 result) mixed(.param .b32 a, .param .b64 b, .param .b32 c, .param .b64 d, .param .b32 e)
{
  .reg .b16 %h;
  .reg .b32 %x, %y;
  .reg .b64 %w, %d;
  ld.param.u32 %x, [a];
  ld.param.u64 %w, [b];
  mad.wide.u32 %w, %x, 3, %w;
  ld.param.f32 %x, [c];
  cvt.rzi.u64.f32 %d, %x;
  add.u64 %w, %w, %d;
  ld.param.f64 %d, [d];
  cvt.rzi.u64.f64 %d, %d;
  add.u64 %w, %w, %d;
  ld.param.u8 %x, [e];
  ld.param.s8 %y, [e+1];
  cvt.u64.u32 %d, %x;
  add.u64 %w, %w, %d;
  cvt.s64.s32 %d, %y;
  add.u64 %w, %w, %d;
  st.param.b64 [result], %w;
  ret;
}

.func (.param .align 8 .b8 result[16]) swapped(.param .align 8 .b8 pair[16])
{
  .reg .b32 %x, %y;
  .reg .b64 %w;
  ld.param.v2.u32 {%x, %y}, [pair];
  ld.param.u64 %w, [pair+8];
  st.param.u64 [result], %w;
  st.param.v2.u32 [result+8], {%y, %x};
  ret;
}
)";

const char* const kMixedBody = R"(
  {
    .param .b32 p0;
    .param .b64 p1;
    .param .b32 p2;
    .param .b64 p3;
    .param .b32 p4;
    .param .b64 back;
    st.param.b32 [p0], %t;
    cvt.u64.u32 %w, %t;
    mul.lo.u64 %w, %w, 10;
    st.param.b64 [p1], %w;
    cvt.rn.f32.u32 %f, %t;
    st.param.f32 [p2], %f;
    cvt.rn.f64.u32 %d, %t;
    st.param.f64 [p3], %d;
    mov.b32 %x, 65281;
    st.param.b32 [p4], %x;
    call.uni (back), mixed, (p0, p1, p2, p3, p4);
    ld.param.b64 %w, [back];
  }
  {
    .param .align 8 .b8 pair[16];
    .param .align 8 .b8 back[16];
    st.param.b32 [pair], %t;
    st.param.b32 [pair+4], 7;
    st.param.b64 [pair+8], %w;
    call.uni (back), swapped, (pair);
    ld.param.b64 %w, [back];
    ld.param.b32 %x, [back+8];
    ld.param.b32 %y, [back+12];
    mad.wide.u32 %w, %x, 1000, %w;
    mad.wide.u32 %w, %y, 100000, %w;
  }
)";

std::uint64_t mixed(std::uint64_t t) {
  return t * 3 + t * 10 + t + t + 1 - 1 + 7000 + t * 100000;
}

// Recursion whose depth differs between lanes, with a local array in every frame.
const char* const kRecursiveFunctions = R"(
.func (.param .b64 result) fibonacci(.param .b32 n)
{
  .reg .pred %p;
  .reg .b32 %n, %m;
  .reg .b64 %a, %b;
  .local .align 8 .b8 kept[16];
  ld.param.u32 %n, [n];
  setp.lt.u32 %p, %n, 2;
  cvt.u64.u32 %a, %n;
  @%p bra DONE;
  sub.u32 %m, %n, 1;
  {
    .param .b32 p0;
    .param .b64 back;
    st.param.b32 [p0], %m;
    call.uni (back), fibonacci, (p0);
    ld.param.b64 %a, [back];
  }
  st.local.u64 [kept], %a;
  st.local.u32 [kept+8], %n;
  sub.u32 %m, %n, 2;
  {
    .param .b32 p0;
    .param .b64 back;
    st.param.b32 [p0], %m;
    call.uni (back), fibonacci, (p0);
    ld.param.b64 %b, [back];
  }
  ld.local.u64 %a, [kept];
  ld.local.u32 %m, [kept+8];
  sub.u32 %m, %m, %n;
  cvt.u64.u32 %b, %m;
  add.u64 %a, %a, %b;
  {
    .param .b32 p0;
    .param .b64 back;
    sub.u32 %m, %n, 2;
    st.param.b32 [p0], %m;
    call.uni (back), fibonacci, (p0);
    ld.param.b64 %b, [back];
  }
  add.u64 %a, %a, %b;
DONE:
  st.param.b64 [result], %a;
  ret;
}
)";

const char* const kRecursiveBody = R"(
  rem.u32 %x, %t, 9;
  {
    .param .b32 p0;
    .param .b64 back;
    st.param.b32 [p0], %x;
    call.uni (back), fibonacci, (p0);
    ld.param.b64 %w, [back];
  }
)";

std::uint64_t fibonacci(std::uint64_t n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

// Each lane calls one of three functions through a pointer, some only inside a branch; one has no result.
const char* const kIndirectFunctions = R"(
.func (.param .b32 result) twice(.param .b32 a)
{
  .reg .b32 %x;
  ld.param.u32 %x, [a];
  add.u32 %x, %x, %x;
  st.param.b32 [result], %x;
  ret;
}
.func (.param .b32 result) square(.param .b32 a)
{
  .reg .b32 %x;
  ld.param.u32 %x, [a];
  mul.lo.u32 %x, %x, %x;
  st.param.b32 [result], %x;
  ret;
}
.func (.param .b32 result) negative(.param .b32 a)
{
  .reg .pred %p;
  .reg .b32 %x;
  ld.param.u32 %x, [a];
  setp.gt.u32 %p, %x, 40;
  @%p bra LARGE;
  neg.s32 %x, %x;
  st.param.b32 [result], %x;
  ret;
LARGE:
  st.param.b32 [result], 5;
  ret;
}
.func store(.param .b64 place, .param .b64 value)
{
  .reg .b64 %a, %v;
  ld.param.u64 %a, [place];
  ld.param.u64 %v, [value];
  st.global.u64 [%a], %v;
  ret;
}
.visible .global .align 8 .u64 table[3] = {twice, square, negative};
)";

const char* const kIndirectBody = R"(
PROTOTYPE: .callprototype (.param .b32 _) _ (.param .b32 _);
  rem.u32 %x, %t, 4;
  mov.u32 %y, 77;
  setp.eq.u32 %p, %x, 3;
  @%p bra SKIP;
  mov.u64 %d, table;
  mad.wide.u32 %d, %x, 8, %d;
  ld.global.u64 %target, [%d];
  {
    .param .b32 p0;
    .param .b32 back;
    st.param.b32 [p0], %t;
    call (back), %target, (p0), PROTOTYPE;
    ld.param.b32 %y, [back];
  }
SKIP:
  cvt.u64.u32 %w, %y;
  {
    .param .b64 p0;
    .param .b64 p1;
    st.param.b64 [p0], %out;
    st.param.b64 [p1], %w;
    call.uni store, (p0, p1);
  }
  ld.global.u64 %w, [%out];
  add.u64 %w, %w, 1;
)";

std::uint64_t indirect(std::uint64_t t) {
  const auto x = static_cast<std::uint32_t>(t);
  switch (x % 4) {
    case 0:
      return 2 * t + 1;
    case 1:
      return t * t + 1;
    case 2:
      return x > 40 ? 6 : std::uint64_t{0U - x} + 1;
    default:
      return 78;
  }
}

struct CallProgram {
  Program program;
  std::uint64_t (*expected)(std::uint64_t thread);
};

std::vector<CallProgram> programs() {
  return {
      {{"calls with every kind of parameter",
        text(kMixedFunctions, kMixedBody),
        {"call.uni", "st.param.b32", "st.param.b64", "st.param.f32", "st.param.f64", "ld.param.b32",
         "ld.param.b64", "ld.param.f32", "ld.param.f64", "ld.param.u8", "ld.param.s8", "ld.param.v2.u32",
         "st.param.v2.u32", "ret"}},
       mixed},
      {{"recursive calls", text(kRecursiveFunctions, kRecursiveBody), {"call.uni"}},
       [](std::uint64_t t) { return fibonacci(t % 9); }},
      {{"indirect calls", text(kIndirectFunctions, kIndirectBody), {"call", "call.uni"}}, indirect},
  };
}

}  // namespace

std::vector<Program> call_programs() {
  std::vector<Program> result;
  for (const CallProgram& each : programs()) result.push_back(each.program);
  return result;
}

TEST_CASE("instructions: calls") {
  constexpr std::uint32_t kThreads = 80;
  for (const CallProgram& each : programs()) {
    run_program(each.program, [&](Gpu& gpu, Module& module) {
      DeviceBuffer out(gpu, std::size_t{kThreads} * 8);
      Parameters parameters;
      parameters.add(out.address());
      launch(gpu, module.kernel("test"), {1, 1, 1}, {kThreads, 1, 1}, parameters);
      for (std::uint32_t t = 0; t < kThreads; ++t) {
        INFO("thread " << t);
        CHECK(out.as<std::uint64_t>()[t] == each.expected(t));
      }
    });
  }
}

}  // namespace vgpu::software::test
