// What textures of the software GPU may be: the figures of compute capability 8.0 (CUDA C++ Programming
// Guide, "Technical Specifications per Compute Capability").
#pragma once

#include "backends/texture_description.h"
#include "vgpu/software_gpu/device_memory.h"

namespace vgpu::executor {

inline constexpr TextureLimits kTextureLimits{
    .alignment = software::DeviceMemory::kAlignment,
    .pitch_alignment = 32,
    .linear_width = std::uint64_t{1} << 28,
    .pitched_width = 131072,
    .pitched_height = 65000,
    .pitch = 2097120,
};

}  // namespace vgpu::executor
