#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace vgpu::executor {

/// 0x2a
inline std::string hexadecimal(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace vgpu::executor
