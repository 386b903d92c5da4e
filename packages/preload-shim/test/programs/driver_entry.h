// Functions of the driver API for programs of the runtime API, which are not linked with libcuda.
#pragma once

#include <cuda.h>

#include "check.h"

template <typename Function>
Function* driver(const char* name) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult status;
  CHECK(cudaGetDriverEntryPointByVersion(name, &found, 13000, cudaEnableDefault, &status));
  REQUIRE(status == cudaDriverEntryPointSuccess, "%s is not there", name);
  return reinterpret_cast<Function*>(found);
}

#define DRIVER(name) static auto* const name##_ = driver<decltype(name)>(#name)

inline void expect(CUresult result, CUresult expected, const char* call, int line) {
  if (result != expected) fail("driver call", line, "%s returned %d, expected %d", call, result, expected);
}
#define EXPECT(call, expected) expect((call), (expected), #call, __LINE__)
#define RUN(call) EXPECT(call, CUDA_SUCCESS)
