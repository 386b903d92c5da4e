// printf as kernels have it (CUDA C++ Programming Guide, "Formatted Output").
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace vgpu::software {

/// How the formatter sees the calling thread's memory.
struct PrintfMemory {
  /// Copies `bytes` of the packed arguments, from `offset` on.
  std::function<void(std::uint64_t offset, void* to, std::size_t bytes)> argument;
  /// The text that a %s points to.
  std::function<std::string(std::uint64_t address)> string;
};

struct FormattedText {
  std::string text;
  int arguments = 0;  // how many were taken; that is what CUDA's printf returns
};

/// Arguments are packed as C passes them to a variadic function, each aligned to its size. Behind the 32nd,
/// and where it is not one that CUDA knows, a conversion is copied as it stands.
FormattedText format_device_printf(std::string_view format, const PrintfMemory& memory);

}  // namespace vgpu::software
