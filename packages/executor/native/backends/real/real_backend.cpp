#include "backends/real/real_backend.h"

#include <algorithm>

namespace vgpu::executor {

RealBackend::RealBackend(const RealOptions& options)
    : RealCalls(options.driver, options.snapshot),
      output_(options.capture_output ? std::make_unique<OutputCapture>() : nullptr),
      memory_limit_(options.memory_limit),
      account_(options.account),
      shares_memory_(options.shares_memory),
      cublas_path_(options.cublas_path),
      allow_guest_(options.driver.allow_guest),
      log_(options.log) {}

std::vector<vgpu_device> RealBackend::devices() {
  vgpu_device device = snapshot_.device;
  if (memory_limit_ != 0) device.total_memory = std::min(device.total_memory, memory_limit_);
  if (!shares_memory_) {
    for (const auto attribute : {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY,
                                 CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS}) {
      device.attributes[attribute] = 0;
    }
  }
  return {device};
}

}  // namespace vgpu::executor
