// Launches that are refused. None of them hurts the context: a good launch works after each.
#include "check.h"

__global__ void mark(int* value) {
  atomicAdd(value, 1);
}

__global__ void __launch_bounds__(64) mark_bounded(int* value) {
  atomicAdd(value, 1);
}

static int* device_value = nullptr;

static void expect_refusal(dim3 grid, dim3 block, std::size_t shared, cudaError_t expected,
                           const char* what) {
  mark<<<grid, block, shared>>>(device_value);
  // Looking does not clear the error, getting it does.
  const cudaError_t seen = cudaPeekAtLastError();
  REQUIRE(seen == expected, "%s: %d (%s), expected %d (%s)", what, seen, cudaGetErrorName(seen), expected,
          cudaGetErrorName(expected));
  EXPECT_STATUS(cudaGetLastError(), expected);
  CHECK(cudaGetLastError());
  CHECK(cudaDeviceSynchronize());
}

int main() {
  CHECK(cudaMalloc(&device_value, sizeof(int)));
  CHECK(cudaMemset(device_value, 0, sizeof(int)));

  expect_refusal(dim3(1), dim3(1025), 0, cudaErrorInvalidConfiguration, "1025 threads");
  expect_refusal(dim3(1), dim3(64, 32), 0, cudaErrorInvalidConfiguration, "64 x 32 threads");
  expect_refusal(dim3(1), dim3(1, 1, 65), 0, cudaErrorInvalidConfiguration, "a block 65 deep");
  expect_refusal(dim3(0), dim3(32), 0, cudaErrorInvalidConfiguration, "an empty grid");
  expect_refusal(dim3(1, 0), dim3(32), 0, cudaErrorInvalidConfiguration, "a grid of height 0");
  expect_refusal(dim3(1), dim3(32, 0), 0, cudaErrorInvalidConfiguration, "a block of height 0");
  expect_refusal(dim3(1, 65536), dim3(32), 0, cudaErrorInvalidConfiguration, "a grid 65536 high");
  expect_refusal(dim3(1), dim3(32), 48 * 1024 + 1, cudaErrorInvalidValue, "too much shared memory");

  // More threads than the kernel was compiled for. Drivers differ in the code, but none may run it.
  mark_bounded<<<1, 65>>>(device_value);
  const cudaError_t bounded = cudaGetLastError();
  REQUIRE(bounded == cudaErrorInvalidValue || bounded == cudaErrorLaunchOutOfResources ||
              bounded == cudaErrorInvalidConfiguration,
          "65 threads for a kernel bounded to 64: %d (%s)", bounded, cudaGetErrorName(bounded));
  int limit = 0;
  CHECK(cudaDeviceGetAttribute(&limit, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  EXPECT_STATUS(cudaFuncSetAttribute(mark, cudaFuncAttributeMaxDynamicSharedMemorySize, limit + 1),
                cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGetLastError(), cudaErrorInvalidValue);

  // Things that are no kernel and no variable of the device.
  static int host_variable = 0;
  void* arguments[] = {&device_value};
  EXPECT_STATUS(
      cudaLaunchKernel(static_cast<const void*>(&host_variable), dim3(1), dim3(1), arguments, 0, nullptr),
      cudaErrorInvalidDeviceFunction);
  EXPECT_STATUS(cudaMemcpyToSymbol(host_variable, &limit, sizeof limit), cudaErrorInvalidSymbol);
  EXPECT_STATUS(cudaGetLastError(), cudaErrorInvalidSymbol);

  int value = -1;
  mark<<<3, 64>>>(device_value);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(&value, device_value, sizeof value, cudaMemcpyDeviceToHost));
  REQUIRE(value == 3 * 64, "%d threads ran, expected %d: a refused launch ran, or the last one did not",
          value, 3 * 64);
  CHECK(cudaFree(device_value));
  return passed("refused launches leave the context alive");
}
