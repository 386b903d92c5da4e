// A kernel whose runs are machine code.
#pragma once

#include <cstddef>
#include <vector>

#include "execution/compiled/executable_memory.h"
#include "execution/compiled/run_lines.h"
#include "execution/decoded_kernel.h"

namespace vgpu::software {

struct CompiledKernel {
  /// As long as the kernel's own code. The first instruction of each run is a `compiled_run`, everything else
  /// is in its place.
  std::vector<Instruction> code;
  ExecutableMemory machine_code;
  std::size_t compiled_instructions = 0;
  std::vector<LineInput> kept_lines;  // rows that its runs take for lines as long as a warp's frame exists

  /// Whether they are, in this frame of the kernel's own function.
  [[nodiscard]] bool lines_hold(const std::byte* frame) const;
};

/// For processors with AVX-512. `frame` is some warp's, after the preamble: what is a line there is expected
/// to be one elsewhere. Throws std::system_error, see ExecutableMemory, and std::bad_alloc.
CompiledKernel compile_runs(const DecodedKernel& kernel, const std::byte* frame);

}  // namespace vgpu::software
