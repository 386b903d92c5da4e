// A real backend over the recording driver, with a context.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/real/real_backend.h"
#include "recording_driver/recording_driver.h"

namespace vgpu::executor::test {

inline std::string recording_driver_path() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() /
          "../lib/libvgpu_recording_driver.so")
      .lexically_normal();
}

inline const Recording& recording() {
  static const Recording& found = []() -> const Recording& {
    void* library = dlopen(recording_driver_path().c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    return *static_cast<const Recording*>(dlsym(library, "vgpu_recording"));
  }();
  return found;
}

inline DriverSnapshot recording_snapshot() {
  recording().reset();
  return describe_driver(DriverLibrary({.path = recording_driver_path()}).functions());
}

struct RealFixture {
  /// Driver, snapshot and cuBLAS need not be given.
  explicit RealFixture(RealOptions options = {}) {
    options.snapshot = recording_snapshot();
    options.driver = {.path = recording_driver_path(), .allow_guest = true};
    options.cublas_path = recording_driver_path();
    backend.emplace(options);
    REQUIRE(backend->cuDevicePrimaryCtxRetain(0, context, 0) == CUDA_SUCCESS);
    recording().clear_calls();
  }

  /// The result of a call that may throw.
  template <typename Call>
  CUresult result(Call call) {
    try {
      return call();
    } catch (const std::exception& error) {
      message = error.what();
      return backend->result_of(error);
    }
  }

  /// The lines since the last time.
  static std::string calls() {
    std::string lines = recording().calls();
    recording().clear_calls();
    return lines;
  }
  static std::size_t count(std::string_view lines, std::string_view call) {
    std::size_t found = 0;
    for (std::size_t at = lines.find(call); at != std::string_view::npos; at = lines.find(call, at + 1))
      ++found;
    return found;
  }

  std::uint64_t allocate(std::uint64_t bytes) {
    std::uint64_t address = 0;
    REQUIRE_MESSAGE(result([&] { return backend->cuMemAlloc_v2(context, address, bytes); }) == CUDA_SUCCESS,
                    message);
    return address;
  }
  Handle load() {
    Handle module = 0;
    const std::string_view text = "ptx";
    REQUIRE(backend->vgpuModuleLoad(context, module, std::as_bytes(std::span(text))) == CUDA_SUCCESS);
    return module;
  }
  Handle function(Handle module) {
    Handle found = 0;
    REQUIRE(backend->cuModuleGetFunction(context, found, module, "kernel") == CUDA_SUCCESS);
    return found;
  }
  CUresult launch(Handle kernel, std::size_t parameter_bytes, Handle stream = 0) {
    const std::vector<std::byte> parameters(parameter_bytes);
    return result(
        [&] { return backend->vgpuLaunchKernel(context, kernel, 3, 1, 1, 64, 1, 1, 0, stream, parameters); });
  }

  std::optional<RealBackend> backend;
  Handle context = 0;
  std::string message;  // of the last exception
};

}  // namespace vgpu::executor::test
