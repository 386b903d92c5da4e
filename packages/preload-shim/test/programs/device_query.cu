// What a program asks a device about itself: the answers must be there and agree with each other.
#include <cstring>

#include "check.h"

static int attribute(cudaDeviceAttr which) {
  int value = -1;
  CHECK(cudaDeviceGetAttribute(&value, which, 0));
  return value;
}

__global__ void touch(char* bytes) {
  bytes[threadIdx.x] = 1;
}

int main() {
  int count = 0, device = -1, runtime_version = 0, driver_version = 0;
  CHECK(cudaGetDeviceCount(&count));
  REQUIRE(count >= 1, "%d devices", count);
  CHECK(cudaSetDevice(0));
  CHECK(cudaGetDevice(&device));
  REQUIRE(device == 0, "the current device is %d", device);
  EXPECT_STATUS(cudaSetDevice(count), cudaErrorInvalidDevice);
  CHECK(cudaRuntimeGetVersion(&runtime_version));
  CHECK(cudaDriverGetVersion(&driver_version));
  REQUIRE(runtime_version >= 13000, "runtime version %d", runtime_version);
  REQUIRE(driver_version >= runtime_version, "driver version %d is below the runtime's %d", driver_version,
          runtime_version);

  cudaDeviceProp properties;
  std::memset(&properties, 0xff, sizeof properties);
  CHECK(cudaGetDeviceProperties(&properties, 0));
  REQUIRE(std::memchr(properties.name, 0, sizeof properties.name) != nullptr && properties.name[0] != 0,
          "the device has no name");
  REQUIRE(properties.major * 10 + properties.minor >= 75, "compute capability %d.%d", properties.major,
          properties.minor);
  REQUIRE(attribute(cudaDevAttrComputeCapabilityMajor) == properties.major, "the major versions differ");
  REQUIRE(attribute(cudaDevAttrComputeCapabilityMinor) == properties.minor, "the minor versions differ");
  REQUIRE(properties.warpSize == 32 && attribute(cudaDevAttrWarpSize) == 32, "warp size %d",
          properties.warpSize);
  REQUIRE(properties.maxThreadsPerBlock == attribute(cudaDevAttrMaxThreadsPerBlock),
          "threads per block differ");
  REQUIRE(properties.maxThreadsPerBlock >= 1024, "%d threads per block", properties.maxThreadsPerBlock);
  REQUIRE(properties.maxThreadsDim[0] == attribute(cudaDevAttrMaxBlockDimX), "the block's widths differ");
  REQUIRE(properties.maxThreadsDim[2] == attribute(cudaDevAttrMaxBlockDimZ), "the block's depths differ");
  REQUIRE(properties.maxGridSize[0] == attribute(cudaDevAttrMaxGridDimX), "the grid's widths differ");
  REQUIRE(properties.maxGridSize[1] == attribute(cudaDevAttrMaxGridDimY), "the grid's heights differ");
  REQUIRE(properties.sharedMemPerBlock >= 48 * 1024, "%zu bytes of shared memory",
          properties.sharedMemPerBlock);
  REQUIRE(properties.multiProcessorCount == attribute(cudaDevAttrMultiProcessorCount),
          "multiprocessors differ");
  REQUIRE(properties.multiProcessorCount >= 1, "%d multiprocessors", properties.multiProcessorCount);
  REQUIRE(properties.totalConstMem >= 65536, "%zu bytes of constant memory", properties.totalConstMem);

  std::size_t free_before = 0, free_during = 0, free_after = 0, total = 0;
  CHECK(cudaMemGetInfo(&free_before, &total));
  REQUIRE(total == properties.totalGlobalMem, "%zu bytes in all, but the properties say %zu", total,
          properties.totalGlobalMem);
  REQUIRE(free_before > 0 && free_before <= total, "%zu of %zu bytes free", free_before, total);
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  char* bytes = nullptr;
  CHECK(cudaMalloc(&bytes, kBytes));
  CHECK(cudaMemGetInfo(&free_during, &total));
  REQUIRE(free_during + kBytes <= free_before, "64 MiB were allocated, but %zu bytes are free after %zu",
          free_during, free_before);

  cudaPointerAttributes pointer;
  CHECK(cudaPointerGetAttributes(&pointer, bytes + 100));
  REQUIRE(pointer.type == cudaMemoryTypeDevice && pointer.device == 0, "pointer type %d on device %d",
          pointer.type, pointer.device);
  CHECK(cudaPointerGetAttributes(&pointer, &total));
  REQUIRE(pointer.type == cudaMemoryTypeUnregistered, "a host variable has pointer type %d", pointer.type);
  CHECK(cudaFree(bytes));
  CHECK(cudaMemGetInfo(&free_after, &total));
  REQUIRE(free_after > free_during, "freeing 64 MiB left %zu bytes free", free_after);

  cudaFuncAttributes function;
  CHECK(cudaFuncGetAttributes(&function, touch));
  REQUIRE(function.maxThreadsPerBlock >= 32, "the kernel may have %d threads", function.maxThreadsPerBlock);
  REQUIRE(function.ptxVersion == 75, "the kernel's PTX is for %d", function.ptxVersion);
  REQUIRE(std::strcmp(cudaGetErrorName(cudaErrorInvalidValue), "cudaErrorInvalidValue") == 0,
          "wrong error name");
  REQUIRE(std::strlen(cudaGetErrorString(cudaErrorInvalidValue)) > 0, "the error has no description");
  return passed("device query: compute capability %d.%d, %d multiprocessors", properties.major,
                properties.minor, properties.multiProcessorCount);
}
