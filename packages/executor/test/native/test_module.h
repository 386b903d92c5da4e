// A module for tests, as text.
#pragma once

#include <string_view>

namespace vgpu::executor::test {

/// One kernel of three parameters that writes its thread's number, scaled; one that never ends; one that
/// writes to an address of the caller's choice; one with a variable.
inline constexpr std::string_view kModule = R"(
.version 7.0
.target sm_75
.address_size 64

.visible .global .align 4 .u32 counter = 5;

.visible .entry scale(.param .u64 out, .param .u32 factor, .param .u32 count)
{
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  ld.param.u32 %r1, [factor];
  ld.param.u32 %r2, [count];
  mov.u32 %r3, %ctaid.x;
  mov.u32 %r4, %ntid.x;
  mov.u32 %r5, %tid.x;
  mad.lo.s32 %r6, %r3, %r4, %r5;
  setp.ge.u32 %p1, %r6, %r2;
  @%p1 bra DONE;
  mul.lo.s32 %r7, %r6, %r1;
  mul.wide.u32 %rd2, %r6, 4;
  add.s64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3], %r7;
DONE:
  ret;
}

.visible .entry forever()
{
LOOP:
  bra LOOP;
}

.visible .entry poke(.param .u64 address)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [address];
  mov.u32 %r1, 1;
  st.global.u32 [%rd1], %r1;
  ret;
}
)";

}  // namespace vgpu::executor::test
