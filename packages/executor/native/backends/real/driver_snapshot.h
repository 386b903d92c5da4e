// What is known of the driver and its device before the first client: found out once, in a process that may
// hang.
#pragma once

#include <chrono>
#include <cstdint>

#include "backends/real/driver_library.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// Plain bytes, so that one process can write it for another.
struct DriverSnapshot {
  std::int32_t driver_version;  // as cuDriverGetVersion reports it
  char release[32];             // of the kernel module, "580.95.05"; empty where Linux does not say
  bool reaches_host_memory;     // kernels reach what malloc returned in the process that launches them
  vgpu_device device;           // the first device that the driver shows; CUDA_VISIBLE_DEVICES chooses
};

/// Asks a driver in this process. Throws BackendUnavailable when it does not work or has no device.
DriverSnapshot describe_driver(const DriverFunctions& driver);

/// Asks it in a child process and kills that if there is no answer within `deadline`. Throws
/// BackendUnavailable.
DriverSnapshot probe_driver(const DriverChoice& choice, std::chrono::milliseconds deadline);

}  // namespace vgpu::executor
