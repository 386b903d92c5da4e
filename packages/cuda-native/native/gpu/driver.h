// The CUDA driver API as it is found when the program runs: nothing of CUDA is needed to build or load this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace vgpu::gpu {

using Result = int;
using DevicePointer = std::uint64_t;
using ContextHandle = struct ContextObject*;
using ModuleHandle = struct ModuleObject*;
using FunctionHandle = struct FunctionObject*;
using StreamHandle = struct StreamObject*;

/** A call of the driver failed: `code` is a CUresult. 0: the library itself cannot be used. */
class DriverError : public std::runtime_error {
 public:
  DriverError(Result code, std::string call, const std::string& message)
      : std::runtime_error(message), code_(code), call_(std::move(call)) {}

  [[nodiscard]] Result code() const { return code_; }
  /** The function of the driver, with the kernel's name for a launch. */
  [[nodiscard]] const std::string& call() const { return call_; }

 private:
  Result code_;
  std::string call_;
};

constexpr Result kOutOfMemory = 2;

// Name in the library, and what it takes (CUDA Driver API reference, 13.0).
#define VGPU_DRIVER_CALLS(CALL)                                                                              \
  CALL(cuInit, unsigned)                                                                                     \
  CALL(cuDeviceGet, int*, int)                                                                               \
  CALL(cuDeviceGetName, char*, int, int)                                                                     \
  CALL(cuDevicePrimaryCtxRetain, ContextHandle*, int)                                                        \
  CALL(cuDevicePrimaryCtxRelease_v2, int)                                                                    \
  CALL(cuDevicePrimaryCtxReset_v2, int)                                                                      \
  CALL(cuCtxSetCurrent, ContextHandle)                                                                       \
  CALL(cuModuleLoadData, ModuleHandle*, const void*)                                                         \
  CALL(cuModuleGetFunction, FunctionHandle*, ModuleHandle, const char*)                                      \
  CALL(cuStreamCreate, StreamHandle*, unsigned)                                                              \
  CALL(cuStreamDestroy_v2, StreamHandle)                                                                     \
  CALL(cuStreamSynchronize, StreamHandle)                                                                    \
  CALL(cuMemGetInfo_v2, std::size_t*, std::size_t*)                                                          \
  CALL(cuMemAlloc_v2, DevicePointer*, std::size_t)                                                           \
  CALL(cuMemFree_v2, DevicePointer)                                                                          \
  CALL(cuMemAllocHost_v2, void**, std::size_t)                                                               \
  CALL(cuMemFreeHost, void*)                                                                                 \
  CALL(cuMemcpyHtoDAsync_v2, DevicePointer, const void*, std::size_t, StreamHandle)                          \
  CALL(cuMemcpyDtoHAsync_v2, void*, DevicePointer, std::size_t, StreamHandle)                                \
  CALL(cuMemsetD8Async, DevicePointer, unsigned char, std::size_t, StreamHandle)                             \
  CALL(cuLaunchKernel, FunctionHandle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, \
       StreamHandle, void**, void**)                                                                         \
  CALL(cuGetErrorName, Result, const char**)

/** The library stays loaded: a driver is no library that can be unloaded. */
class Driver {
 public:
  /** @throws DriverError 0 when it does not load or lacks a function */
  explicit Driver(const std::string& library);

#define VGPU_DRIVER_MEMBER(name, ...) Result (*name)(__VA_ARGS__) = nullptr;
  VGPU_DRIVER_CALLS(VGPU_DRIVER_MEMBER)
#undef VGPU_DRIVER_MEMBER

  /** @throws DriverError for any result but success */
  void check(Result result, const char* call) const {
    if (result != 0) fail(result, call);
  }
  [[noreturn]] void fail(Result result, const std::string& call) const;
};

}  // namespace vgpu::gpu
