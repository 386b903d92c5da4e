// Wrong arguments to the driver API: every call names the mistake and none hurts the context.
//   driver_bad_arguments driver_kernels.ptx
#include <stdint.h>

#include "driver.h"

static CUresult launch(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int block_x,
                       unsigned int block_y, unsigned int block_z, unsigned int shared, void** parameters) {
  return cuLaunchKernel(function, grid_x, grid_y, 1, block_x, block_y, block_z, shared, NULL, parameters,
                        NULL);
}

static void test_order_of_calls(void) {
  CUdevice device;
  CUdeviceptr address;
  EXPECT_STATUS(cuDeviceGet(&device, 0), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_STATUS(cuInit(1), CUDA_ERROR_INVALID_VALUE);
  CHECK(cuInit(0));
  EXPECT_STATUS(cuMemAlloc(&address, 16), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_STATUS(cuCtxSynchronize(), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_STATUS(cuDeviceGet(&device, 99), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_STATUS(cuDeviceGet(&device, -1), CUDA_ERROR_INVALID_DEVICE);
}

static void test_memory(void) {
  enum { kBytes = 1000 };
  char host[kBytes + 1] = {0};
  CUdeviceptr device, freed;
  size_t total = 0;
  CHECK(cuMemAlloc(&device, kBytes));
  CHECK(cuMemAlloc(&freed, kBytes));
  CHECK(cuMemFree(freed));
  const CUdeviceptr foreign = (CUdeviceptr)(uintptr_t)host;
  EXPECT_STATUS(cuMemFree(freed), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemFree(foreign), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemFree(device + 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemAlloc(&freed, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemAlloc(NULL, 16), CUDA_ERROR_INVALID_VALUE);
  CHECK(cuDeviceTotalMem(&total, 0));
  EXPECT_STATUS(cuMemAlloc(&freed, total + 1), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_STATUS(cuMemcpyHtoD(0, host, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemcpyHtoD(device, NULL, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemcpyHtoD(device, host, kBytes + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemcpyHtoD(device, host, SIZE_MAX), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemcpyDtoH(host, device + 1, kBytes), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemcpyDtoD(device + kBytes - 1, device, 2), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemsetD8(device, 1, kBytes + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemsetD32(device, 1, SIZE_MAX / 2), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuMemsetD32(device + 1, 1, 1), CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemcpyHtoD(device, host, kBytes));
  CHECK(cuMemFree(device));
}

static void test_launches(CUmodule module) {
  enum { kCount = 100 };
  CUfunction saxpy;
  CUdeviceptr x, y;
  int count = kCount;
  float a = 1, result[kCount];
  CHECK(cuModuleGetFunction(&saxpy, module, "saxpy"));
  CHECK(cuMemAlloc(&x, sizeof result));
  CHECK(cuMemAlloc(&y, sizeof result));
  CHECK(cuMemsetD32(x, 0, kCount));
  CHECK(cuMemsetD32(y, 0, kCount));
  void* parameters[] = {&count, &a, &x, &y};
  EXPECT_STATUS(launch(saxpy, 1, 1, 1025, 1, 1, 0, parameters), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(launch(saxpy, 1, 1, 64, 32, 1, 0, parameters), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(launch(saxpy, 1, 1, 1, 1, 65, 0, parameters), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(launch(saxpy, 0, 1, 32, 1, 1, 0, parameters), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(launch(saxpy, 1, 65536, 32, 1, 1, 0, parameters), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(launch(saxpy, 1, 1, 32, 0, 1, 0, parameters), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(launch(saxpy, 1, 1, 32, 1, 1, 48 * 1024 + 1, parameters), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(launch(NULL, 1, 1, 32, 1, 1, 0, parameters), CUDA_ERROR_INVALID_HANDLE);

  char buffer[24] = {0};
  size_t buffer_bytes = sizeof buffer;
  void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, buffer, CU_LAUNCH_PARAM_BUFFER_SIZE, &buffer_bytes,
                   CU_LAUNCH_PARAM_END};
  EXPECT_STATUS(cuLaunchKernel(saxpy, 1, 1, 1, 32, 1, 1, 0, NULL, parameters, extra),
                CUDA_ERROR_INVALID_VALUE);
  buffer_bytes = 12;  // half of what the kernel takes
  EXPECT_STATUS(cuLaunchKernel(saxpy, 1, 1, 1, 32, 1, 1, 0, NULL, NULL, extra), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuLaunchKernel(saxpy, 1, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL), CUDA_ERROR_INVALID_VALUE);

  CHECK(launch(saxpy, 4, 1, 32, 1, 1, 0, parameters));
  CHECK(cuMemcpyDtoH(result, y, sizeof result));
  for (int i = 0; i < kCount; ++i)
    REQUIRE(result[i] == (float)(i % 4) + 0.5f, "element %d is %f", i, result[i]);
  CHECK(cuMemFree(x));
  CHECK(cuMemFree(y));
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2, "usage: %s driver_kernels.ptx", argv[0]);
  load_driver();
  test_order_of_calls();
  open_device();
  test_memory();
  CUmodule module;
  char* text = read_text(argv[1]);
  CHECK(cuModuleLoadData(&module, text));
  free(text);
  test_launches(module);
  CHECK(cuModuleUnload(module));
  printf("ok wrong arguments are refused, and the context lives on\n");
  return 0;
}
