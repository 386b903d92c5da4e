// What backends throw.
#pragma once

#include <stdexcept>
#include <string>

#include "cuda_abi.h"

namespace vgpu::executor {

/// Thrown by a backend's methods; what() is one line for the log that names the cause.
class CallError : public std::runtime_error {
 public:
  CallError(CUresult result, const std::string& message) : std::runtime_error(message), result_(result) {}
  [[nodiscard]] CUresult result() const noexcept { return result_; }

 private:
  CUresult result_;
};

/// The kind of backend that was asked for is not to be had; what() says why.
class BackendUnavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace vgpu::executor
