// Which addresses a device's memory may have.
//
// A program tells device pointers from its own by their value alone, and a pointer that a kernel is given
// cannot be translated on the way. A driver on Linux takes its addresses from the process that calls it: the
// worker. So the worker, before it loads the driver, takes away from itself the addresses at which programs
// have their code, heap, libraries and stacks. What is left for the driver is free in every program.
#pragma once

#include <cstdint>

namespace vgpu::executor {

/// Below: programs at fixed addresses, and their heaps.
inline constexpr std::uint64_t kWindowBegin = std::uint64_t{1} << 32;
/// Above: position-independent programs (from two thirds of the address space on), libraries, stacks.
inline constexpr std::uint64_t kWindowEnd = 0x5000'0000'0000;

[[nodiscard]] constexpr bool in_address_window(std::uint64_t address) {
  return address >= kWindowBegin && address < kWindowEnd;
}

/// From here on this process maps nothing above the window, but for what is there already. Costs some
/// mappings without memory. Throws std::system_error.
void keep_to_address_window();

}  // namespace vgpu::executor
