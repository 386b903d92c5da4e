// One function of the driver's library, found by its name when the library is opened.
#pragma once

#include <dlfcn.h>

#include <string>

#include "backends/errors.h"

namespace vgpu::executor {

template <typename Signature>
class DriverFunction;

template <typename... Arguments>
class DriverFunction<CUresult(Arguments...)> {
 public:
  explicit constexpr DriverFunction(const char* name) : name_(name) {}

  void find(void* library) { function_ = reinterpret_cast<Function>(dlsym(library, name_)); }

  /// Throws CallError with CUDA_ERROR_NOT_SUPPORTED when the driver has no such function: it is older than
  /// the call.
  CUresult operator()(Arguments... arguments) const {
    if (function_ == nullptr) {
      throw CallError(CUDA_ERROR_NOT_SUPPORTED, std::string("the driver has no ") + name_);
    }
    return function_(arguments...);
  }

 private:
  using Function = CUresult (*)(Arguments...);
  const char* name_;
  Function function_ = nullptr;
};

}  // namespace vgpu::executor
