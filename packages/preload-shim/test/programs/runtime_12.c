// The runtime API as a program built for CUDA 12 finds it: under another version node, with that version's
// structures.
#include <stdint.h>
#include <string.h>

#include "driver.h"

typedef int cudaError_t;

enum { PROPERTY_BYTES = 1032, ATTRIBUTE_BYTES = 24, CANARY = 0x5a };

// The beginning of struct cudaDeviceProp in CUDA 12; CUDA 13 has no clockRate.
struct properties {
  char name[256];
  char uuid[16];
  char luid[8];
  unsigned int luid_mask;
  size_t total_memory, shared_per_block;
  int registers_per_block, warp_size;
  size_t pitch;
  int threads_per_block, block[3], grid[3], clock_rate;
  size_t constant_memory;
  int major, minor;
};

struct attributes {
  int type, device;
  void *device_pointer, *host_pointer;
};

static void* library;

static void* find(const char* name) {
  void* function = dlvsym(library, name, "libcudart.so.12");
  REQUIRE(function != NULL, "%s is not in libcudart.so.12", name);
  return function;
}

#define FIND(result, name, parameters) result(*name) parameters = (result(*) parameters)find(#name)

static void require_canary(const unsigned char* bytes, size_t from, size_t to) {
  for (size_t i = from; i < to; ++i) REQUIRE(bytes[i] == CANARY, "byte %zu was written", i);
}

int main(void) {
  library = dlopen("libcudart.so.12", RTLD_NOW);
  REQUIRE(library != NULL, "%s", dlerror());
  FIND(cudaError_t, cudaRuntimeGetVersion, (int*));
  FIND(cudaError_t, cudaGetDeviceCount, (int*));
  FIND(cudaError_t, cudaGetDeviceProperties_v2, (void*, int));
  FIND(cudaError_t, cudaPointerGetAttributes, (void*, const void*));
  FIND(cudaError_t, cudaMalloc, (void**, size_t));
  FIND(cudaError_t, cudaFree, (void*));
  FIND(cudaError_t, cudaMemcpy, (void*, const void*, size_t, int));
  FIND(cudaError_t, cudaGetDriverEntryPoint, (const char*, void**, unsigned long long, int*));
  FIND(cudaError_t, cudaMallocMipmappedArray, (void));
  FIND(cudaError_t, cudaGetLastError, (void));
  FIND(const char*, cudaGetErrorName, (cudaError_t));

  int version = 0, count = 0;
  CHECK(cudaRuntimeGetVersion(&version));
  REQUIRE(version / 1000 == 12, "the version is %d", version);
  CHECK(cudaGetDeviceCount(&count));
  REQUIRE(count == 1, "%d devices", count);

  static union {
    unsigned char bytes[2 * PROPERTY_BYTES];
    struct properties values;
  } properties;
  memset(&properties, CANARY, sizeof properties);
  CHECK(cudaGetDeviceProperties_v2(&properties, 0));
  require_canary(properties.bytes, PROPERTY_BYTES, sizeof properties);
  REQUIRE(strstr(properties.values.name, "GPU") != NULL, "the name is %s", properties.values.name);
  REQUIRE(properties.values.warp_size == 32 && properties.values.major >= 7 && properties.values.minor >= 0 &&
              properties.values.constant_memory == 65536,
          "warp size %d, compute capability %d.%d", properties.values.warp_size, properties.values.major,
          properties.values.minor);
  EXPECT_STATUS(cudaGetDeviceProperties_v2(&properties, 9), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_STATUS(cudaGetDeviceProperties_v2(NULL, 0), CUDA_ERROR_INVALID_VALUE);

  void* memory = NULL;
  int sent = 4711, received = 0;
  CHECK(cudaMalloc(&memory, sizeof sent));
  CHECK(cudaMemcpy(memory, &sent, sizeof sent, 1));
  CHECK(cudaMemcpy(&received, memory, sizeof received, 2));
  REQUIRE(received == sent, "the copy has %d", received);
  union {
    unsigned char bytes[4 * ATTRIBUTE_BYTES];
    struct attributes values;
  } attributes;
  memset(&attributes, CANARY, sizeof attributes);
  CHECK(cudaPointerGetAttributes(&attributes, memory));
  require_canary(attributes.bytes, ATTRIBUTE_BYTES, sizeof attributes);
  REQUIRE(attributes.values.type == 2 && attributes.values.device_pointer == memory, "type %d",
          attributes.values.type);
  CHECK(cudaFree(memory));

  // Driver functions in the form that CUDA 12 knew.
  void* create = NULL;
  int status = -1;
  CHECK(cudaGetDriverEntryPoint("cuCtxCreate", &create, 0, &status));
  REQUIRE(status == 0 && create != NULL, "cuCtxCreate: status %d", status);

  EXPECT_STATUS(cudaMallocMipmappedArray(), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_STATUS(cudaGetLastError(), CUDA_ERROR_NOT_SUPPORTED);
  REQUIRE(strcmp(cudaGetErrorName(2), "cudaErrorMemoryAllocation") == 0, "%s", cudaGetErrorName(2));
  // What has another shape under the same name is not there, rather than wrong.
  REQUIRE(dlvsym(library, "cudaGetDeviceProperties", "libcudart.so.12") == NULL, "properties of CUDA 11");
  REQUIRE(dlvsym(library, "cudaGetDeviceProperties", "libcudart.so.13") != NULL, "no properties of CUDA 13");
  printf("ok the runtime of CUDA %d.%d\n", version / 1000, version % 1000 / 10);
  return 0;
}
