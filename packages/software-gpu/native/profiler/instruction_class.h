// The classes of the instruction mix.
#pragma once

#include <cstdint>
#include <string_view>

#include "execution/decoded_kernel.h"

namespace vgpu::software::profiler {

enum class InstructionClass : std::uint8_t {
  integer,
  float16,
  float32,
  float64,
  conversion,
  move,
  predicate,
  generic,
  global,
  constant,
  shared,
  local,
  parameter,
  atomic,
  tensor,
  exchange,
  barrier,
  control,
  other,
  count
};

InstructionClass class_of(const Instruction& instruction);
std::string_view name_of(InstructionClass instruction_class);

}  // namespace vgpu::software::profiler
