// Durability, which each system has its own call for.
#pragma once

#include <cstdint>
#include <string>

namespace vgpu::os {

enum class Flushed : std::uint8_t {
  /** The contents, and what is needed to find them again. */
  data,
  /** Times and permissions as well; also of directories. */
  everything,
};

/** Returns once the disk has it. Throws os::Error. `path` is for messages. */
void flushDescriptor(int descriptor, Flushed what, const std::string& path);

}  // namespace vgpu::os
