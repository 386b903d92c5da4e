// The benchmarks' work, as PTX for the software GPU and as C++ for comparison.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vgpu::software::bench {

inline constexpr std::uint32_t kArithmeticOperations = 16;  // per iteration, without the loop's own

/// 16 operations on integers and floats, `iterations` times in each thread; what they compute means nothing,
/// but every result depends on all of them.
inline constexpr const char* kArithmeticPtx = R"(
.version 7.0
.target sm_75
.address_size 64
.visible .entry arithmetic(.param .u64 integers, .param .u64 floats, .param .u32 iterations,
                           .param .f32 factor, .param .u32 multiplier)
{
  .reg .pred %p<2>;
  .reg .f32 %f<8>;
  .reg .b32 %r<16>;
  .reg .b64 %rd<6>;
  ld.param.u64 %rd1, [integers];
  ld.param.u64 %rd2, [floats];
  ld.param.u32 %r1, [iterations];
  ld.param.f32 %f1, [factor];
  ld.param.u32 %r2, [multiplier];
  mov.u32 %r3, %ctaid.x;
  mov.u32 %r4, %ntid.x;
  mov.u32 %r5, %tid.x;
  mad.lo.u32 %r6, %r3, %r4, %r5;
  mov.u32 %r7, %r6;
  cvt.rn.f32.u32 %f2, %r6;
  mov.f32 %f3, 0f3F000000;
LOOP:
  fma.rn.f32 %f2, %f2, %f1, 0f3FC00000;
  mul.f32 %f3, %f3, %f1;
  add.f32 %f3, %f3, %f2;
  fma.rn.f32 %f2, %f3, 0fBE800000, %f2;
  sub.f32 %f3, %f3, 0f3E800000;
  add.f32 %f2, %f2, 0f3D800000;
  mul.f32 %f3, %f3, 0f3F400000;
  fma.rn.f32 %f2, %f2, %f1, %f3;
  shl.b32 %r8, %r7, 5;
  xor.b32 %r7, %r7, %r8;
  mul.lo.u32 %r7, %r7, %r2;
  shr.u32 %r9, %r7, 7;
  add.u32 %r7, %r7, %r9;
  xor.b32 %r7, %r7, %r6;
  mad.lo.u32 %r7, %r7, 5, %r8;
  and.b32 %r7, %r7, 0x7fffffff;
  sub.u32 %r1, %r1, 1;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra LOOP;
  mul.wide.u32 %rd3, %r6, 4;
  add.u64 %rd4, %rd1, %rd3;
  st.global.u32 [%rd4], %r7;
  add.u64 %rd5, %rd2, %rd3;
  add.f32 %f2, %f2, %f3;
  st.global.f32 [%rd5], %f2;
  ret;
}
)";

/// saxpy as nvcc compiles it.
inline constexpr const char* kMemoryPtx = R"(
.version 7.0
.target sm_75
.address_size 64
.visible .entry memory(.param .u32 count, .param .f32 factor, .param .u64 x, .param .u64 y)
{
  .reg .pred %p<2>;
  .reg .f32 %f<5>;
  .reg .b32 %r<6>;
  .reg .b64 %rd<8>;
  ld.param.u32 %r2, [count];
  ld.param.f32 %f1, [factor];
  ld.param.u64 %rd1, [x];
  ld.param.u64 %rd2, [y];
  mov.u32 %r3, %ctaid.x;
  mov.u32 %r4, %ntid.x;
  mov.u32 %r5, %tid.x;
  mad.lo.s32 %r1, %r3, %r4, %r5;
  setp.ge.s32 %p1, %r1, %r2;
  @%p1 bra DONE;
  cvta.to.global.u64 %rd3, %rd2;
  cvta.to.global.u64 %rd4, %rd1;
  mul.wide.s32 %rd5, %r1, 4;
  add.s64 %rd6, %rd4, %rd5;
  ld.global.f32 %f2, [%rd6];
  add.s64 %rd7, %rd3, %rd5;
  ld.global.f32 %f3, [%rd7];
  fma.rn.f32 %f4, %f2, %f1, %f3;
  st.global.f32 [%rd7], %f4;
DONE:
  ret;
}
)";

/// The same in C++, compiled with the instruction set of one vector path.
struct Reference {
  void (*arithmetic)(std::uint32_t* integers, float* floats, std::size_t threads, std::uint32_t iterations,
                     float factor, std::uint32_t multiplier);
  void (*memory)(std::size_t count, float factor, const float* x, float* y);
};

namespace portable {
Reference reference();
}
namespace avx2 {
Reference reference();
}
namespace avx512 {
Reference reference();
}

}  // namespace vgpu::software::bench
