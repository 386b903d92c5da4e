// Facts about the machine this runs on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vgpu::executor {

/// "AMD EPYC 7763 64-Core Processor"; empty where Linux does not say.
std::string processor_model();

/// What this process may use: physical memory or, where it is smaller, the limit of its control group.
std::size_t usable_memory_bytes();

/// An identifier for `device` on this machine that stays the same over restarts. Where the machine has no
/// identity
/// (/etc/machine-id), all such machines share it.
std::array<std::uint8_t, 16> device_uuid(std::string_view device);

}  // namespace vgpu::executor
