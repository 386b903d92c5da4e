// Kernels that do something forbidden, through the driver API: each ends the context.
//   driver_bad_kernels driver_kernels.ptx near-store|far-store|misaligned|trap|endless
#include <string.h>

#include "driver.h"

enum { kCount = 50, kBytes = kCount * sizeof(int) };

int main(int argc, char** argv) {
  // `near-store` is one element past its allocation; `endless` needs a limit on a kernel's time.
  static const struct {
    const char *name, *kernel;
    long long index;
    CUresult expected;
  } modes[] = {
      {"near-store", "store_at", kCount, CUDA_ERROR_ILLEGAL_ADDRESS},
      {"far-store", "store_at", 1ll << 38, CUDA_ERROR_ILLEGAL_ADDRESS},
      {"misaligned", "store_misaligned", 0, CUDA_ERROR_MISALIGNED_ADDRESS},
      {"trap", "trap", 0, CUDA_ERROR_LAUNCH_FAILED},
      {"endless", "wait_forever", 0, CUDA_ERROR_LAUNCH_TIMEOUT},
  };
  REQUIRE(argc == 3, "usage: %s driver_kernels.ptx MODE", argv[0]);
  size_t mode = 0;
  while (mode < sizeof modes / sizeof modes[0] && strcmp(argv[2], modes[mode].name) != 0) ++mode;
  REQUIRE(mode < sizeof modes / sizeof modes[0], "unknown mode %s", argv[2]);
  const CUresult expected = modes[mode].expected;

  open_device();
  char* text = read_text(argv[1]);
  CUmodule module;
  CUfunction function;
  CUdeviceptr values, later;
  CHECK(cuModuleLoadData(&module, text));
  free(text);
  CHECK(cuModuleGetFunction(&function, module, modes[mode].kernel));
  CHECK(cuMemAlloc(&values, kBytes));
  CHECK(cuMemsetD8(values, 0, kBytes));

  // A kernel takes as many of these as it declares.
  long long index = modes[mode].index;
  void* parameters[] = {&values, &index};
  // Whether the launch itself or the next call that waits tells of it is up to the driver.
  CUresult status = cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL);
  if (status == CUDA_SUCCESS) status = cuCtxSynchronize();
  REQUIRE(status == expected, "%s gave %d, expected %d", argv[2], status, expected);

  int host[kCount];
  EXPECT_STATUS(cuCtxSynchronize(), expected);
  EXPECT_STATUS(cuMemcpyDtoH(host, values, kBytes), expected);
  EXPECT_STATUS(cuMemcpyHtoD(values, host, kBytes), expected);
  EXPECT_STATUS(cuMemAlloc(&later, 16), expected);
  EXPECT_STATUS(cuMemFree(values), expected);
  EXPECT_STATUS(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL), expected);
  printf("ok %s ended the context with %d\n", argv[2], expected);
  return 0;
}
