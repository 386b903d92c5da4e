// What the software GPU says about itself in the handshake.
#pragma once

#include <chrono>

#include "vgpu/software_gpu/gpu.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// The device's addresses may be more than its memory.
vgpu_device describe_device(software::Gpu& gpu, std::uint64_t memory_bytes,
                            std::chrono::milliseconds kernel_time_limit, bool shares_memory);

}  // namespace vgpu::executor
