// The host's cuBLAS, opened by its absolute path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cublas_functions.h"

namespace vgpu::executor {

/// Where this machine's cuBLAS may be, the best first: what the loader's cache has, then CUDA's usual folder;
/// no version that is newer than the driver, which could not run it.
std::vector<std::string> cublas_candidates(std::span<const std::byte> loader_cache,
                                           std::int32_t driver_version);

/// Closes nothing when it goes, like DriverLibrary.
class CublasLibrary {
 public:
  /// The first of `paths` that can be opened. `allow_guest`: it may be the guest library, which carries
  /// cuBLAS too. Throws CallError with CUDA_ERROR_NOT_INITIALIZED, saying what was tried and what to do.
  CublasLibrary(std::span<const std::string> paths, bool allow_guest);

  [[nodiscard]] const CublasFunctions& functions() const { return functions_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  CublasFunctions functions_;
  std::string path_;
};

}  // namespace vgpu::executor
