// The operations that the GPU path has, by the names of the CPU path and with its arguments.
#pragma once

#include <napi.h>

#include <span>

#include "gpu_session.h"

namespace vgpu::addon {

struct GpuOperationEntry {
  const char* name;
  /** Reads the arguments from JavaScript. */
  GpuOperation (*perform)(const Napi::CallbackInfo& info);
};

std::span<const GpuOperationEntry> gpuOperations();

}  // namespace vgpu::addon
