// A kernel whose runs are machine code.
#pragma once

#include <cstddef>
#include <vector>

#include "execution/compiled/executable_memory.h"
#include "execution/decoded_kernel.h"

namespace vgpu::software {

struct CompiledKernel {
  /// As long as the kernel's own code. The first instruction of each run is a `compiled_run`, everything else
  /// is in its place.
  std::vector<Instruction> code;
  ExecutableMemory machine_code;
  std::size_t compiled_instructions = 0;
};

/// For processors with AVX-512. Throws std::system_error, see ExecutableMemory, and std::bad_alloc.
CompiledKernel compile_runs(const DecodedKernel& kernel);

}  // namespace vgpu::software
