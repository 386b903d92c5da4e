// A software GPU with a context, for tests of the object model.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string_view>

#include "backends/software/software_backend.h"
#include "support.h"
#include "test_module.h"

namespace vgpu::executor::test {

struct SoftwareFixture {
  explicit SoftwareFixture(std::size_t memory_bytes = std::size_t{64} << 20)
      : backend({.kind = BackendKind::software,
                 .memory_bytes = memory_bytes,
                 .threads = 1,
                 .kernel_time_limit = std::chrono::milliseconds(50)}) {
    REQUIRE(backend.cuDevicePrimaryCtxRetain(0, context, 0) == CUDA_SUCCESS);
  }

  /// The result of a call that may throw.
  template <typename Call>
  CUresult result(Call call) {
    try {
      return call();
    } catch (const std::exception& error) {
      message = error.what();
      return backend.result_of(error);
    }
  }

  std::uint64_t allocate(std::uint64_t bytes) {
    std::uint64_t address = 0;
    REQUIRE(result([&] { return backend.cuMemAlloc_v2(context, address, bytes); }) == CUDA_SUCCESS);
    return address;
  }
  Handle load(std::string_view ptx = kModule) {
    Handle module = 0;
    const auto image = std::as_bytes(std::span(ptx));
    REQUIRE_MESSAGE(result([&] { return backend.vgpuModuleLoad(context, module, image); }) == CUDA_SUCCESS,
                    message);
    return module;
  }
  Handle function(Handle module, std::string_view name) {
    Handle handle = 0;
    REQUIRE(result([&] { return backend.cuModuleGetFunction(context, handle, module, name); }) ==
            CUDA_SUCCESS);
    return handle;
  }
  CUresult launch(Handle function, std::uint32_t blocks, std::uint32_t threads, const Request& parameters,
                  Handle stream = 0, std::uint32_t dynamic_shared_bytes = 0) {
    return result([&] {
      return backend.vgpuLaunchKernel(context, function, blocks, 1, 1, threads, 1, 1, dynamic_shared_bytes,
                                      stream, parameters.payload());
    });
  }
  Handle create_context() {
    Handle created = 0;
    REQUIRE(backend.vgpuContextCreate(0, created, 0, 0) == CUDA_SUCCESS);
    return created;
  }

  SoftwareBackend backend;
  Handle context = 0;
  std::string message;  // of the last exception
};

}  // namespace vgpu::executor::test
