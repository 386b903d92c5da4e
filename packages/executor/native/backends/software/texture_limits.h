// What textures and arrays of the software GPU may be: the figures of compute capability 8.0 (CUDA C++
// Programming Guide, "Technical Specifications per Compute Capability").
#pragma once

#include "backends/array_description.h"
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

inline constexpr ArrayLimits kArrayLimits{
    .width_1d = 131072,
    .width_2d = 131072,
    .height_2d = 65536,
    .side_3d = 16384,
};

}  // namespace vgpu::executor
