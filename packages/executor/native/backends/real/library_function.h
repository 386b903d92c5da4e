// One function of a library of the host, found by its name when the library is opened.
#pragma once

#include <dlfcn.h>

#include <string>

#include "backends/errors.h"

namespace vgpu::executor {

template <typename Signature>
class LibraryFunction;

template <typename Result, typename... Arguments>
class LibraryFunction<Result(Arguments...)> {
 public:
  explicit constexpr LibraryFunction(const char* name) : name_(name) {}

  void find(void* library) { function_ = reinterpret_cast<Function>(dlsym(library, name_)); }

  [[nodiscard]] const char* name() const { return name_; }

  /// Throws CallError with CUDA_ERROR_NOT_SUPPORTED when the library has no such function: it is older than
  /// the call.
  Result operator()(Arguments... arguments) const {
    if (function_ == nullptr) {
      throw CallError(CUDA_ERROR_NOT_SUPPORTED, std::string("the host's library has no ") + name_);
    }
    return function_(arguments...);
  }

 private:
  using Function = Result (*)(Arguments...);
  const char* name_;
  Function function_ = nullptr;
};

}  // namespace vgpu::executor
