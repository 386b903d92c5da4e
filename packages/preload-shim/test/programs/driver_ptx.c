// The driver API from plain C: PTX text becomes a module, kernels take their arguments in both documented
// ways.
//   driver_ptx driver_kernels.ptx
#include <math.h>
#include <string.h>

#include "driver.h"

enum { kCount = 2111, kBlock = 96, kGrid = (kCount + kBlock - 1) / kBlock };

static void test_saxpy(CUmodule module, CUstream stream) {
  static float x[kCount], y[kCount], result[kCount];
  const size_t bytes = sizeof x;
  for (int i = 0; i < kCount; ++i) {
    x[i] = (float)(i % 77) / 3;
    y[i] = (float)i;
  }
  CUdeviceptr device_x, device_y, device_launches;
  CUfunction saxpy;
  CHECK(cuModuleGetFunction(&saxpy, module, "saxpy"));
  CHECK(cuMemAlloc(&device_x, bytes));
  CHECK(cuMemAlloc(&device_y, bytes));
  CHECK(cuMemcpyHtoD(device_x, x, bytes));
  CHECK(cuMemcpyHtoD(device_y, y, bytes));
  int count = kCount;
  float a = -1.25f;
  void* parameters[] = {&count, &a, &device_x, &device_y};
  CHECK(cuLaunchKernel(saxpy, kGrid, 1, 1, kBlock, 1, 1, 0, stream, parameters, NULL));
  CHECK(cuStreamSynchronize(stream));
  CHECK(cuMemcpyDtoH(result, device_y, bytes));
  for (int i = 0; i < kCount; ++i) {
    const float expected = fmaf(a, x[i], y[i]) + ((float)(i % 4) + 0.5f);
    REQUIRE(result[i] == expected, "element %d is %a, expected %a", i, result[i], expected);
  }

  size_t variable_bytes = 0;
  unsigned int launches = 0;
  CHECK(cuModuleGetGlobal(&device_launches, &variable_bytes, module, "launches"));
  REQUIRE(variable_bytes == sizeof launches, "launches has %zu bytes", variable_bytes);
  CHECK(cuMemcpyDtoH(&launches, device_launches, sizeof launches));
  REQUIRE(launches == 8, "launches is %u, expected 8", launches);
  CHECK(cuMemFree(device_x));
  CHECK(cuMemFree(device_y));
}

static void test_histogram(CUmodule module) {
  static unsigned char bytes[kCount];
  unsigned int bins[9], expected[9] = {0};
  for (int i = 0; i < kCount; ++i) {
    bytes[i] = (unsigned char)(i * 37 >> 2);
    ++expected[__builtin_popcount(bytes[i])];
  }
  CUdeviceptr device_bytes, device_bins;
  CUfunction histogram;
  CHECK(cuModuleGetFunction(&histogram, module, "histogram"));
  CHECK(cuMemAlloc(&device_bytes, sizeof bytes));
  CHECK(cuMemAlloc(&device_bins, sizeof bins));
  CHECK(cuMemcpyHtoD(device_bytes, bytes, sizeof bytes));
  CHECK(cuMemsetD32(device_bins, 0, 9));
  int count = kCount;
  void* parameters[] = {&device_bytes, &count, &device_bins};
  CHECK(cuLaunchKernel(histogram, 5, 1, 1, 64, 1, 1, 0, NULL, parameters, NULL));
  CHECK(cuCtxSynchronize());
  CHECK(cuMemcpyDtoH(bins, device_bins, sizeof bins));
  for (int i = 0; i < 9; ++i)
    REQUIRE(bins[i] == expected[i], "bin %d is %u, expected %u", i, bins[i], expected[i]);
  CHECK(cuMemFree(device_bytes));
  CHECK(cuMemFree(device_bins));
}

struct corner {
  signed char column;
  double weight;
};

/// The same call twice: with one pointer an argument, and with all arguments laid out in one buffer.
static void test_mixed_parameters(CUmodule module) {
  enum { kThreads = 33 };
  double sums[kThreads];
  CUdeviceptr device_sums;
  CUfunction mixed;
  CHECK(cuModuleGetFunction(&mixed, module, "mixed_parameters"));
  CHECK(cuMemAlloc(&device_sums, sizeof sums));

  struct {
    signed char a;
    double b;
    unsigned short c;
    struct corner d;
    int e;
    CUdeviceptr sums;
  } buffer;
  memset(&buffer, 0, sizeof buffer);
  buffer.a = -5;
  buffer.b = 0.25;
  buffer.c = 60000;
  buffer.d.column = -100;
  buffer.d.weight = 2.5;
  buffer.e = -1234567;
  buffer.sums = device_sums;
  const double sum = -5 + 0.25 + 60000 - 250 - 1234567;
  void* parameters[] = {&buffer.a, &buffer.b, &buffer.c, &buffer.d, &buffer.e, &buffer.sums};
  size_t buffer_bytes = sizeof buffer;
  void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &buffer, CU_LAUNCH_PARAM_BUFFER_SIZE, &buffer_bytes,
                   CU_LAUNCH_PARAM_END};
  for (int way = 0; way < 2; ++way) {
    CHECK(cuMemsetD8(device_sums, 0, sizeof sums));
    CHECK(cuLaunchKernel(mixed, 1, 1, 1, kThreads, 1, 1, kThreads * sizeof(double), NULL,
                         way == 0 ? parameters : NULL, way == 0 ? NULL : extra));
    CHECK(cuMemcpyDtoH(sums, device_sums, sizeof sums));
    for (int i = 0; i < kThreads; ++i) {
      REQUIRE(sums[i] == sum + i, "%s: thread %d has %f, expected %f", way == 0 ? "kernelParams" : "extra", i,
              sums[i], sum + i);
    }
  }
  CHECK(cuMemFree(device_sums));
}

static void test_collatz(CUmodule module) {
  enum { kNumbers = 333 };
  unsigned int steps[kNumbers], first = 27;
  int count = kNumbers;
  CUdeviceptr device_steps;
  CUfunction collatz;
  CHECK(cuModuleGetFunction(&collatz, module, "collatz"));
  CHECK(cuMemAlloc(&device_steps, sizeof steps));
  void* parameters[] = {&first, &count, &device_steps};
  CHECK(cuLaunchKernel(collatz, 4, 1, 1, 96, 1, 1, 0, NULL, parameters, NULL));
  CHECK(cuMemcpyDtoH(steps, device_steps, sizeof steps));
  CHECK(cuMemFree(device_steps));
  for (unsigned int i = 0; i < kNumbers; ++i) {
    unsigned int expected = 0;
    for (unsigned long long value = first + i; value != 1; ++expected)
      value = value % 2 ? 3 * value + 1 : value / 2;
    REQUIRE(steps[i] == expected, "Collatz of %u took %u steps, expected %u", first + i, steps[i], expected);
  }
}

static void test_reduce_warps(CUmodule module) {
  enum { kWarps = 6, kValues = kWarps * 32 };
  double values[kValues], sums[kWarps];
  unsigned int negative[kWarps];
  CUdeviceptr device_values, device_sums, device_negative;
  CUfunction reduce;
  for (int i = 0; i < kValues; ++i) values[i] = (i * 37 % 101 - 30) / 7.0;
  CHECK(cuModuleGetFunction(&reduce, module, "reduce_warps"));
  CHECK(cuMemAlloc(&device_values, sizeof values));
  CHECK(cuMemAlloc(&device_sums, sizeof sums));
  CHECK(cuMemAlloc(&device_negative, sizeof negative));
  CHECK(cuMemcpyHtoD(device_values, values, sizeof values));
  void* parameters[] = {&device_values, &device_sums, &device_negative};
  CHECK(cuLaunchKernel(reduce, 2, 1, 1, kValues / 2, 1, 1, 0, NULL, parameters, NULL));
  CHECK(cuMemcpyDtoH(sums, device_sums, sizeof sums));
  CHECK(cuMemcpyDtoH(negative, device_negative, sizeof negative));
  CHECK(cuMemFree(device_values));
  CHECK(cuMemFree(device_sums));
  CHECK(cuMemFree(device_negative));
  for (int warp = 0; warp < kWarps; ++warp) {
    unsigned int expected = 0;
    double* tree = &values[warp * 32];
    for (int lane = 0; lane < 32; ++lane) expected |= (unsigned int)(tree[lane] < 0) << lane;
    // The same tree as on the device, so the same roundings.
    for (int width = 16; width > 0; width /= 2) {
      for (int lane = 0; lane < width; ++lane) tree[lane] += tree[lane + width];
    }
    REQUIRE(negative[warp] == expected, "ballot of warp %d is %x, expected %x", warp, negative[warp],
            expected);
    REQUIRE(sums[warp] == tree[0], "sum of warp %d is %a, expected %a", warp, sums[warp], tree[0]);
  }
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2, "usage: %s driver_kernels.ptx", argv[0]);
  const CUdevice device = open_device();
  char name[256];
  size_t memory = 0;
  CHECK(cuDeviceGetName(name, sizeof name, device));
  CHECK(cuDeviceTotalMem(&memory, device));
  REQUIRE(strlen(name) > 0 && memory > 0, "the device has the name '%s' and %zu bytes", name, memory);

  char* text = read_text(argv[1]);
  CUmodule module;
  CUstream stream;
  CHECK(cuModuleLoadData(&module, text));
  free(text);  // the driver has made its own copy
  CHECK(cuStreamCreate(&stream, 0));
  test_saxpy(module, stream);
  test_histogram(module);
  test_mixed_parameters(module);
  test_collatz(module);
  test_reduce_warps(module);
  CHECK(cuStreamDestroy(stream));
  CHECK(cuModuleUnload(module));
  CHECK(cuDevicePrimaryCtxRelease(device));
  printf("ok PTX text through the driver API on %s\n", name);
  return 0;
}
