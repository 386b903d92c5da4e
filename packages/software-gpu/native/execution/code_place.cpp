// From an instruction and a lane back to the program's text and threads.
#include <cxxabi.h>

#include <cstdlib>

#include "execution/observer.h"

namespace vgpu::software {

CodePlace code_place(const DecodedKernel& kernel, const Instruction& instruction) {
  const std::uint32_t index = instruction_index(kernel, instruction);
  CodePlace place;
  place.ptx_line = kernel.lines[index];
  for (const DecodedFunction& function : kernel.functions) {
    if (function.entry <= index) place.function = function.name;  // they stand in the order of their code
  }
  if (kernel.source_lines.empty()) return place;
  const SourceLine& source = kernel.source_lines[index];
  if (source.line == 0 || source.file >= kernel.source_files.size()) return place;
  place.source_file = kernel.source_files[source.file];
  place.source_line = source.line;
  if (source.caller_line == 0 || source.caller_file >= kernel.source_files.size()) return place;
  place.caller_file = kernel.source_files[source.caller_file];
  place.caller_line = source.caller_line;
  return place;
}

std::array<std::uint32_t, 3> thread_index(const ScheduledWarp& warp, std::uint32_t lane) {
  const Dim3& size = warp.block->launch->configuration.block;
  const std::uint32_t thread = warp.number * kLanes + lane;
  return {thread % size.x, thread / size.x % size.y, thread / size.x / size.y};
}

std::string demangled(std::string_view name) {
  const std::string mangled(name);
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 && text ? std::string(text.get()) : mangled;
}

}  // namespace vgpu::software
