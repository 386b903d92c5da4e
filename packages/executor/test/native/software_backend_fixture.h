// A software GPU with a context, for tests of the object model.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string_view>

#include "backends/software/software_backend.h"
#include "support.h"

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

struct SoftwareFixture {
  explicit SoftwareFixture(std::size_t memory_bytes = std::size_t{64} << 20)
      : backend({.kind = BackendKind::software,
                 .memory_bytes = memory_bytes,
                 .threads = 1,
                 .kernel_time_limit = std::chrono::milliseconds(50)}) {
    REQUIRE(backend.cuDevicePrimaryCtxRetain(0, context, 0) == CUDA_SUCCESS);
  }

  /// The result of a call that may throw.
  template <typename Call>
  CUresult result(Call call) {
    try {
      return call();
    } catch (const std::exception& error) {
      message = error.what();
      return backend.result_of(error);
    }
  }

  std::uint64_t allocate(std::uint64_t bytes) {
    std::uint64_t address = 0;
    REQUIRE(result([&] { return backend.cuMemAlloc_v2(context, address, bytes); }) == CUDA_SUCCESS);
    return address;
  }
  Handle load(std::string_view ptx = kModule) {
    Handle module = 0;
    const auto image = std::as_bytes(std::span(ptx));
    REQUIRE_MESSAGE(result([&] { return backend.vgpuModuleLoad(context, module, image); }) == CUDA_SUCCESS,
                    message);
    return module;
  }
  Handle function(Handle module, std::string_view name) {
    Handle handle = 0;
    REQUIRE(result([&] { return backend.cuModuleGetFunction(context, handle, module, name); }) ==
            CUDA_SUCCESS);
    return handle;
  }
  CUresult launch(Handle function, std::uint32_t blocks, std::uint32_t threads, const Request& parameters,
                  Handle stream = 0, std::uint32_t dynamic_shared_bytes = 0) {
    return result([&] {
      return backend.vgpuLaunchKernel(context, function, blocks, 1, 1, threads, 1, 1, dynamic_shared_bytes,
                                      stream, parameters.payload());
    });
  }
  Handle create_context() {
    Handle created = 0;
    REQUIRE(backend.vgpuContextCreate(0, created, 0, 0) == CUDA_SUCCESS);
    return created;
  }

  SoftwareBackend backend;
  Handle context = 0;
  std::string message;  // of the last exception
};

}  // namespace vgpu::executor::test
