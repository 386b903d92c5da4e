// What the generated methods of the real backend stand on: the driver, the client's objects, the current
// context.
#pragma once

#include <memory>
#include <optional>

#include "backends/backend.h"
#include "backends/real/driver_library.h"
#include "backends/real/driver_objects.h"
#include "backends/real/driver_snapshot.h"

namespace vgpu::executor {

class RealState : public Backend {
 public:
  RealState(DriverChoice choice, const DriverSnapshot& snapshot);

 protected:
  /// The driver, opened and initialised at the first call: that takes longer than a client waits for its
  /// welcome.
  const DriverFunctions& driver();

  /// Makes a context current in the driver. Throws CallError: CUDA_ERROR_INVALID_CONTEXT,
  /// CUDA_ERROR_CONTEXT_IS_DESTROYED, or what the driver says.
  void enter(Handle context);
  /// For calls that need none.
  void enter_if_any(Handle context);
  /// The driver has changed which context is current, or destroyed it.
  void forget_current() { current_ = 0; }

  /// The client sees one device, the driver's first. Throws CallError with CUDA_ERROR_INVALID_DEVICE.
  CUdevice device_at(std::int32_t device);
  /// The default streams are the same numbers everywhere.
  CUstream stream_at(Handle stream);
  /// Returns the address. Throws CallError with CUDA_ERROR_NOT_SUPPORTED for one that programs take for their
  /// own.
  static CUdeviceptr visible_address(CUdeviceptr address);
  /// Throws CallError with the driver's error.
  static void require(CUresult result, const char* call);

  DriverObjects objects_;
  DriverSnapshot snapshot_;
  /// The primary context keeps its number for as long as the client lives; it is active while this is not 0.
  std::uint32_t primary_retained_ = 0;
  Handle primary_ = 0;

 private:
  DriverChoice choice_;
  std::optional<DriverLibrary> library_;
  CUdevice device_ = 0;
  Handle current_ = 0;
};

}  // namespace vgpu::executor
