// The driver's own library, opened by its absolute path.
#pragma once

#include <memory>
#include <string>

#include "driver_functions.h"

namespace vgpu::executor {

/// Which file is the driver. The path is absolute: a search path could lead to the guest library, whose name
/// is the driver's.
struct DriverChoice {
  std::string path;          // empty: what the loader's cache says
  bool allow_guest = false;  // the guest library may be the driver; then another executor does the work
};

/// Where this machine's driver is, as the loader's cache has it; empty where there is none.
std::string installed_driver();

/// Closes nothing when it goes: a driver has threads of its own, and the process ends soon after.
class DriverLibrary {
 public:
  /// Throws BackendUnavailable when the file cannot be opened, is the guest library, or is no driver.
  explicit DriverLibrary(const DriverChoice& choice);

  [[nodiscard]] const DriverFunctions& functions() const { return functions_; }

 private:
  DriverFunctions functions_;
};

}  // namespace vgpu::executor
