// Valid PTX with an instruction that the software GPU does not implement (a gather): not supported, by
// name in the log, and only for the kernel that contains it. Hardware runs it, so this is a program for the
// software GPU.
#include "driver.h"

static const char kText[] =
    ".version 7.0\n"
    ".target sm_75\n"
    ".address_size 64\n"
    ".visible .entry plain(.param .u64 out)\n"
    "{\n"
    "  .reg .b64 %rd<2>;\n"
    "  ld.param.u64 %rd1, [out];\n"
    "  st.global.u32 [%rd1], 5;\n"
    "  ret;\n"
    "}\n"
    ".visible .entry fetch(.param .u64 texture, .param .u64 out)\n"
    "{\n"
    "  .reg .b32 %r<5>;\n"
    "  .reg .b64 %rd<3>;\n"
    "  ld.param.u64 %rd1, [texture];\n"
    "  ld.param.u64 %rd2, [out];\n"
    "  tld4.r.2d.v4.u32.f32 {%r1, %r2, %r3, %r4}, [%rd1, {%r1, %r2}];\n"  // line 17
    "  st.global.u32 [%rd2], %r1;\n"
    "  ret;\n"
    "}\n";

int main(void) {
  CUmodule module;
  CUfunction plain = NULL, fetch = NULL;
  CUdeviceptr device_value, texture = 0;
  unsigned int value = 0;
  open_device();
  CHECK(cuModuleLoadData(&module, kText));
  CHECK(cuMemAlloc(&device_value, sizeof value));

  void* fetch_parameters[] = {&texture, &device_value};
  CUresult status = cuModuleGetFunction(&fetch, module, "fetch");
  if (status == CUDA_SUCCESS) {
    status = cuLaunchKernel(fetch, 1, 1, 1, 1, 1, 1, 0, NULL, fetch_parameters, NULL);
    if (status == CUDA_SUCCESS) status = cuCtxSynchronize();
  }
  EXPECT_STATUS(status, CUDA_ERROR_NOT_SUPPORTED);

  void* plain_parameters[] = {&device_value};
  CHECK(cuModuleGetFunction(&plain, module, "plain"));
  CHECK(cuLaunchKernel(plain, 1, 1, 1, 1, 1, 1, 0, NULL, plain_parameters, NULL));
  CHECK(cuMemcpyDtoH(&value, device_value, sizeof value));
  REQUIRE(value == 5, "the kernel beside it wrote %u", value);
  printf("ok an instruction that is not implemented is refused, and the kernel beside it runs\n");
  return 0;
}
