// The one exception type of the software GPU and the CUDA result codes that it uses.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace vgpu::software {

/// CUDA driver API result codes (CUresult), by the names and numbers of the CUDA driver API documentation.
enum class Status : std::int32_t {
  success = 0,
  invalid_value = 1,
  out_of_memory = 2,
  invalid_image = 200,
  no_binary_for_gpu = 209,
  invalid_ptx = 218,
  unsupported_ptx_version = 222,
  not_found = 500,
  illegal_address = 700,
  launch_out_of_resources = 701,
  launch_timeout = 702,
  assert_failed = 710,
  stack_error = 714,
  illegal_instruction = 715,
  misaligned_address = 716,
  invalid_address_space = 717,
  invalid_pc = 718,
  launch_failed = 719,
  cooperative_launch_too_large = 720,
  not_supported = 801,
};

/// Thrown by everything in this library. `what()` is one line that names the cause and its place, for the
/// log.
class Error : public std::runtime_error {
 public:
  Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  [[nodiscard]] Status status() const noexcept { return status_; }

 private:
  Status status_;
};

}  // namespace vgpu::software
