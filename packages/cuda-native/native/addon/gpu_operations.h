// The operations of the GPU path, by the names of the CPU path and with its arguments.
#pragma once

#include <napi.h>

#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include "gpu_session.h"

namespace vgpu::addon {

struct GpuOperationEntry {
  const char* name;
  /** Reads the arguments from JavaScript. */
  GpuOperation (*perform)(const Napi::CallbackInfo& info);
};

std::span<const GpuOperationEntry> gpuVectorOperations();
std::span<const GpuOperationEntry> gpuMatrixOperations();
std::span<const GpuOperationEntry> gpuPointOperations();

/** `work` takes a Context and returns void or a number. */
template <typename Work>
GpuOperation operation(Work work) {
  return [work = std::move(work)](const gpu::Context& context) -> Value {
    using Result = decltype(work(context));
    if constexpr (std::is_void_v<Result>) {
      work(context);
      return {};
    } else if constexpr (std::is_same_v<Result, compute::Number>) {
      return std::visit([](auto number) { return Value(number); }, work(context));
    } else {
      return work(context);
    }
  };
}

}  // namespace vgpu::addon
