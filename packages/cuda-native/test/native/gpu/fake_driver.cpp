// A driver that counts what it gives out, and refuses one call when it is told to. For device_test.cpp.
#include "fake_driver.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <string>

namespace {

FakeDriverCounts counts;
std::string refused;
int refusedAt = 0;

/** Whether the call may go on. */
bool allows(const char* call) {
  return refused != call || --refusedAt != 0;
}

constexpr int kOutOfMemory = 2;

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

FakeDriverCounts* fakeDriverCounts() {
  return &counts;
}

void fakeDriverRefuse(const char* call, int number) {
  refused = call;
  refusedAt = number;
}

int cuInit(unsigned /*flags*/) {
  return 0;
}

int cuDeviceGet(int* device, int /*ordinal*/) {
  *device = 0;
  return 0;
}

int cuDeviceGetName(char* name, int length, int /*device*/) {
  std::strncpy(name, "fake", static_cast<std::size_t>(length));
  return 0;
}

int cuDevicePrimaryCtxRetain(void** context, int /*device*/) {
  if (!allows("cuDevicePrimaryCtxRetain")) return kOutOfMemory;
  ++counts.retained;
  *context = &counts;
  return 0;
}

int cuDevicePrimaryCtxRelease_v2(int /*device*/) {
  --counts.retained;
  return 0;
}

int cuDevicePrimaryCtxReset_v2(int /*device*/) {
  counts.streams = 0;
  return 0;
}

int cuCtxSetCurrent(void* /*context*/) {
  return allows("cuCtxSetCurrent") ? 0 : kOutOfMemory;
}

int cuStreamCreate(void** stream, unsigned /*flags*/) {
  if (!allows("cuStreamCreate")) return kOutOfMemory;
  ++counts.streams;
  *stream = &counts;
  return 0;
}

int cuStreamDestroy_v2(void* /*stream*/) {
  --counts.streams;
  return 0;
}

int cuMemAllocHost_v2(void** memory, std::size_t bytes) {
  if (!allows("cuMemAllocHost_v2")) return kOutOfMemory;
  *memory = new std::byte[bytes];
  ++counts.hostBlocks;
  return 0;
}

int cuMemFreeHost(void* memory) {
  delete[] static_cast<std::byte*>(memory);
  --counts.hostBlocks;
  return 0;
}

int cuGetErrorName(int /*result*/, const char** name) {
  *name = "CUDA_ERROR_OUT_OF_MEMORY";
  return 0;
}

// Found, and not called.
#define VGPU_FAKE(name) \
  int name() {          \
    return 1;           \
  }
VGPU_FAKE(cuModuleLoadData)
VGPU_FAKE(cuModuleGetFunction)
VGPU_FAKE(cuStreamSynchronize)
VGPU_FAKE(cuMemGetInfo_v2)
VGPU_FAKE(cuMemAlloc_v2)
VGPU_FAKE(cuMemFree_v2)
VGPU_FAKE(cuMemcpyHtoDAsync_v2)
VGPU_FAKE(cuMemcpyDtoHAsync_v2)
VGPU_FAKE(cuMemsetD8Async)
VGPU_FAKE(cuLaunchKernel)
#undef VGPU_FAKE
}
#pragma GCC visibility pop
