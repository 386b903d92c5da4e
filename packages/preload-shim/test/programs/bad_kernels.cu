// Kernels that do something forbidden. Each ends the context: every later call returns the same error.
//   bad_kernels MODE, where MODE is one of those in kModes
#include <cassert>
#include <cstdint>
#include <cstring>

#include "check.h"

constexpr int kThreads = 40;

/// One thread, in the second warp, does the damage.
__global__ void store(int* values, long long distance) {
  values[threadIdx.x + (threadIdx.x == 37 ? distance : 0)] = 1;
}

__global__ void load(const int* values, int* sum) {
  atomicAdd(sum, values[threadIdx.x]);
}

__global__ void store_misaligned(char* bytes) {
  *reinterpret_cast<int*>(bytes + 1) = 1;
}

__global__ void trap(const int* values) {
  if (values[threadIdx.x] == 0) __trap();
}

__global__ void fail_assertion(const int* values) {
  assert(values[threadIdx.x] == 1);
}

/// The host never changes `flag`; volatile keeps the compiler from drawing that conclusion.
__global__ void wait_forever(const volatile int* flag) {
  while (*flag == 0) {
  }
}

__device__ __noinline__ int descend(int depth, const int* values) {
  return values[0] == 12345 ? depth : descend(depth + 1, values) + values[depth % kThreads];
}

/// `values` never says when to stop.
__global__ void recur(int* values) {
  values[threadIdx.x] = descend(0, values);
}

__global__ void free_twice(int* values) {
  void* memory = malloc(values[0] + 16);
  free(memory);
  free(memory);
}

__global__ void harmless(int* values) {
  values[threadIdx.x] = 2;
}

struct Mode {
  const char* name;
  cudaError_t expected;
};

/// `endless` needs a limit on a kernel's time; `near-store` and `freed-load` a device that checks the bounds
/// of every allocation, where hardware only checks its pages.
constexpr Mode kModes[] = {
    {"near-store", cudaErrorIllegalAddress},
    {"far-store", cudaErrorIllegalAddress},
    {"null-load", cudaErrorIllegalAddress},
    {"freed-load", cudaErrorIllegalAddress},
    {"misaligned", cudaErrorMisalignedAddress},
    {"trap", cudaErrorLaunchFailure},
    {"assert", cudaErrorAssert},
    {"recursion", cudaErrorHardwareStackError},
    {"double-free", cudaErrorLaunchFailure},
    {"endless", cudaErrorLaunchTimeout},
};

static void launch(const char* mode, int* values, int* freed) {
  if (std::strcmp(mode, "near-store") == 0) {
    store<<<1, kThreads>>>(values, kThreads);
  } else if (std::strcmp(mode, "far-store") == 0) {
    store<<<1, kThreads>>>(values, 1ll << 38);
  } else if (std::strcmp(mode, "null-load") == 0) {
    load<<<1, kThreads>>>(nullptr, values);
  } else if (std::strcmp(mode, "freed-load") == 0) {
    load<<<1, kThreads>>>(freed, values);
  } else if (std::strcmp(mode, "misaligned") == 0) {
    store_misaligned<<<1, kThreads>>>(reinterpret_cast<char*>(values));
  } else if (std::strcmp(mode, "trap") == 0) {
    trap<<<1, kThreads>>>(values);
  } else if (std::strcmp(mode, "assert") == 0) {
    fail_assertion<<<1, kThreads>>>(values);
  } else if (std::strcmp(mode, "recursion") == 0) {
    recur<<<1, kThreads>>>(values);
  } else if (std::strcmp(mode, "double-free") == 0) {
    free_twice<<<1, 1>>>(values);
  } else {
    wait_forever<<<1, kThreads>>>(values);
  }
}

int main(int argc, char** argv) {
  const Mode* mode = nullptr;
  for (const Mode& candidate : kModes) {
    if (argc == 2 && std::strcmp(argv[1], candidate.name) == 0) mode = &candidate;
  }
  REQUIRE(mode != nullptr, "unknown mode %s", argc == 2 ? argv[1] : "(none)");

  int *values = nullptr, *freed = nullptr, *later = nullptr;
  CHECK(cudaMalloc(&values, kThreads * sizeof(int)));
  CHECK(cudaMemset(values, 0, kThreads * sizeof(int)));
  CHECK(cudaMalloc(&freed, kThreads * sizeof(int)));
  CHECK(cudaFree(freed));
  cudaStream_t stream;
  CHECK(cudaStreamCreate(&stream));
  harmless<<<1, kThreads, 0, stream>>>(values);
  CHECK(cudaGetLastError());
  CHECK(cudaStreamSynchronize(stream));
  CHECK(cudaMemset(values, 0, kThreads * sizeof(int)));

  launch(mode->name, values, freed);
  const cudaError_t expected = mode->expected;
  EXPECT_STATUS(cudaDeviceSynchronize(), expected);
  EXPECT_STATUS(cudaGetLastError(), expected);

  // The context is dead: whatever is asked of it, the answer is the same.
  int host[kThreads];
  EXPECT_STATUS(cudaMemcpy(host, values, sizeof host, cudaMemcpyDeviceToHost), expected);
  EXPECT_STATUS(cudaMemset(values, 0, sizeof host), expected);
  EXPECT_STATUS(cudaMalloc(&later, 16), expected);
  EXPECT_STATUS(cudaFree(values), expected);
  EXPECT_STATUS(cudaStreamSynchronize(stream), expected);
  EXPECT_STATUS(cudaStreamQuery(stream), expected);
  harmless<<<1, kThreads>>>(values);
  EXPECT_STATUS(cudaGetLastError(), expected);
  EXPECT_STATUS(cudaDeviceSynchronize(), expected);
  return passed("%s ended the context with %d (%s)", mode->name, expected, cudaGetErrorName(expected));
}
