// Reserved device addresses to which nothing is mapped. The software GPU takes a reservation for an
// allocation, so the processor notices: a kernel that goes there gets some memory to go on with, and its
// launch fails.
#pragma once

#include <cstdint>
#include <optional>

namespace vgpu::executor {

/// For the whole process, which has one device. arm() and disarm() are for the thread that serves the client.
class AddressGuard {
 public:
  /// From now on faults in [base, base + bytes) are noted; others end the process as before.
  static void arm(std::uint64_t base, std::uint64_t bytes);
  static void disarm();
  /// The first address that was touched since the last call.
  static std::optional<std::uint64_t> take_fault();
};

}  // namespace vgpu::executor
