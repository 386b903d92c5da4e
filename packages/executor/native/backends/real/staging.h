// Page-locked memory between a request's bytes and the device, so that the device copies while the next bytes
// come.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "driver_functions.h"

namespace vgpu::executor {

/// Belongs to one context, which must be current in every call, the destructor excepted: what is not given
/// back by release() goes with the context.
class Staging {
 public:
  static constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
  static constexpr std::size_t kBuffers = 4;

  explicit Staging(const DriverFunctions& driver) : driver_(driver) {}

  /// Rows of `width` bytes, packed on the host's side; one row is a plain copy.
  struct Rows {
    CUdeviceptr address;
    std::size_t pitch;
    std::size_t width;
    std::size_t height;
  };

  /// Returns when `source` may change; the device may still be copying. Throws CallError.
  void copy_in(const Rows& rows, std::span<const std::byte> source, CUstream stream);
  /// Returns when `destination` is complete. Throws CallError.
  void copy_out(const Rows& rows, std::span<std::byte> destination, CUstream stream);

  /// Waits for the device and gives the memory back.
  void release();

 private:
  struct Buffer {
    std::byte* memory = nullptr;
    CUevent done = nullptr;
    bool busy = false;
  };

  /// A buffer that the device does not use.
  Buffer& next();
  void wait(Buffer& buffer);
  void mark(Buffer& buffer, CUstream stream);

  const DriverFunctions& driver_;
  std::array<Buffer, kBuffers> buffers_{};
  std::size_t next_ = 0;
};

}  // namespace vgpu::executor
