// From a parsed PTX module to the decoded form of one kernel.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "execution/decoded_kernel.h"
#include "ptx/syntax.h"
#include "vgpu/software_gpu/device_memory.h"

namespace vgpu::software {

/// A module with its global variables in place.
struct LoadedModule {
  ptx::Module syntax;
  std::vector<bool> body_is_parsed;                     // by function
  std::map<std::string_view, std::uint32_t> functions;  // by name; definitions win over declarations
  std::map<std::string_view, DeviceAddress> variables;  // .global and .const
  std::vector<std::pair<std::uint64_t, std::uint64_t>> constant_ranges;  // begin and end of those in .const
};

/// The address that PTX code gets for a function.
constexpr std::uint64_t function_address(std::uint32_t number) {
  return kFunctionWindow + kFunctionStride * number;
}

/// Where a function's parameters lie in its parameter buffer.
struct ParameterPlace {
  std::size_t offset;
  std::size_t bytes;
};
std::vector<ParameterPlace> place_parameters(const std::vector<ptx::Variable>& parameters,
                                             std::size_t& total_bytes);

/// Whether what is the same in every block stays in the code, where observers see it, or becomes the
/// preamble.
enum class Invariants : std::uint8_t { in_place, in_preamble };

/// Throws Error: invalid_ptx or not_supported, naming kernel, PTX line and instruction.
DecodedKernel decode_kernel(LoadedModule& module, std::uint32_t function, Invariants invariants);

}  // namespace vgpu::software
