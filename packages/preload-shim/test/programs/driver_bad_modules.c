// PTX that cannot be used. The driver may refuse it when it is loaded, when the kernel is asked for, or at
// the launch (modules may be compiled lazily), but refuse it must, with the documented code, and the context
// lives on.
#include <string.h>

#include "driver.h"

#define HEADER ".version 7.0\n.target sm_75\n.address_size 64\n"
#define GOOD_KERNEL                           \
  ".visible .entry good(.param .u64 out)\n"   \
  "{\n"                                       \
  "  .reg .b32 %r<2>;\n  .reg .b64 %rd<2>;\n" \
  "  ld.param.u64 %rd1, [out];\n"             \
  "  mov.u32 %r1, 4711;\n"                    \
  "  st.global.u32 [%rd1], %r1;\n"            \
  "  ret;\n"                                  \
  "}\n"
#define BAD_KERNEL(body) HEADER GOOD_KERNEL ".visible .entry bad()\n{\n" body "  ret;\n}\n"

/// The first status that is no success on the way from the text to a finished kernel.
static CUresult use_module(const char* text, const char* kernel) {
  CUmodule module = NULL;
  CUfunction function = NULL;
  CUresult status = cuModuleLoadData(&module, text);
  if (status != CUDA_SUCCESS) return status;
  status = cuModuleGetFunction(&function, module, kernel);
  if (status == CUDA_SUCCESS) status = cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL);
  if (status == CUDA_SUCCESS) status = cuCtxSynchronize();
  CHECK(cuModuleUnload(module));
  return status;
}

static void expect_good_kernel_runs(void) {
  CUmodule module;
  CUfunction function;
  CUdeviceptr device_value;
  unsigned int value = 0;
  CHECK(cuMemAlloc(&device_value, sizeof value));
  CHECK(cuModuleLoadData(&module, HEADER GOOD_KERNEL));
  CHECK(cuModuleGetFunction(&function, module, "good"));
  void* parameters[] = {&device_value};
  CHECK(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
  CHECK(cuMemcpyDtoH(&value, device_value, sizeof value));
  REQUIRE(value == 4711, "the good kernel wrote %u", value);
  CHECK(cuModuleUnload(module));
  CHECK(cuMemFree(device_value));
}

int main(void) {
  open_device();
  static const struct {
    const char *what, *text;
  } invalid[] = {
      {"a missing semicolon", BAD_KERNEL("  .reg .b32 %r<2>;\n  mov.u32 %r1, 1\n  mov.u32 %r1, 2;\n")},
      {"an undeclared register", BAD_KERNEL("  .reg .b32 %r<2>;\n  mov.u32 %r7, 1;\n")},
      {"a jump to nowhere", BAD_KERNEL("  bra nowhere;\n")},
      {"an operand too many", BAD_KERNEL("  .reg .b32 %r<4>;\n  add.u32 %r1, %r2, %r3, %r1;\n")},
      {"a body without an end", HEADER ".visible .entry bad()\n{\n  ret;\n"},
      {"no version", ".target sm_75\n.address_size 64\n.visible .entry bad()\n{\n  ret;\n}\n"},
  };
  for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; ++i) {
    const CUresult status = use_module(invalid[i].text, "bad");
    REQUIRE(status == CUDA_ERROR_INVALID_PTX, "%s gave %d, expected 218", invalid[i].what, status);
    expect_good_kernel_runs();
  }

  // Whether such an opcode exists in some later PTX is not for every driver to say.
  const CUresult unknown = use_module(BAD_KERNEL("  .reg .b32 %r<2>;\n  frobnicate.u32 %r1, 1;\n"), "bad");
  REQUIRE(unknown == CUDA_ERROR_INVALID_PTX || unknown == CUDA_ERROR_NOT_SUPPORTED,
          "an unknown opcode gave %d", unknown);
  EXPECT_STATUS(use_module(".version 99.0\n.target sm_75\n.address_size 64\n", "bad"),
                CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
  const CUresult garbage = use_module("\177GARBAGE that is no kind of module", "bad");
  REQUIRE(garbage == CUDA_ERROR_INVALID_IMAGE || garbage == CUDA_ERROR_INVALID_PTX, "garbage gave %d",
          garbage);
  EXPECT_STATUS(use_module(NULL, "bad"), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(use_module(HEADER GOOD_KERNEL, "missing"), CUDA_ERROR_NOT_FOUND);

  // A good module of which one name is asked for wrongly stays good.
  CUmodule module;
  CUfunction function;
  CUdeviceptr address;
  size_t bytes;
  CHECK(cuModuleLoadData(&module, HEADER GOOD_KERNEL));
  EXPECT_STATUS(cuModuleGetGlobal(&address, &bytes, module, "missing"), CUDA_ERROR_NOT_FOUND);
  EXPECT_STATUS(cuModuleGetFunction(&function, module, ""), CUDA_ERROR_NOT_FOUND);
  CHECK(cuModuleGetFunction(&function, module, "good"));
  CHECK(cuModuleUnload(module));
  expect_good_kernel_runs();
  printf("ok modules that cannot be used are refused\n");
  return 0;
}
