#include "execution/compiled/compiled_kernel.h"

#include <algorithm>
#include <span>

#include "execution/compiled/run.h"
#include "execution/compiled/run_code.h"

namespace vgpu::software {
namespace {

/// Some ten thousand instructions; the rest of such a kernel is interpreted.
constexpr std::size_t kMaximumCodeBytes = std::size_t{4} << 20;

struct Place {
  Run run;
  std::size_t begin;  // of its machine code
};

/// With lines where they help.
Place generate(RunCode& code, const DecodedKernel& kernel, const KernelLines& kernel_lines, Run run,
               std::vector<LineInput>& kept_lines) {
  const RunLines lines = kernel_lines.of(run);
  if (std::ranges::find(lines.accesses, true) == lines.accesses.end()) {
    return {run, code.generate(kernel, run, nullptr)};
  }
  for (const LineInput& input : lines.inputs) {
    if (input.is_kept && std::ranges::find(kept_lines, input) == kept_lines.end())
      kept_lines.push_back(input);
  }
  return {run, code.generate(kernel, run, &lines)};
}

}  // namespace

CompiledKernel compile_runs(const DecodedKernel& kernel, const std::byte* frame) {
  CompiledKernel compiled;
  compiled.code = kernel.code;
  const std::vector<Run> runs = find_runs(kernel);
  RunCode code(runs);
  const KernelLines lines(kernel, frame);
  std::vector<Place> places;
  for (const Run& run : runs) {
    if (code.getSize() > kMaximumCodeBytes) break;
    places.push_back(generate(code, kernel, lines, run, compiled.kept_lines));
  }
  if (places.empty()) return compiled;
  code.finish();
  compiled.machine_code = ExecutableMemory(std::span(code.getCode(), code.getSize()));
  std::vector<bool> in_run(kernel.code.size(), false);
  for (const Place& place : places) {
    Instruction& first = compiled.code[place.run.first];
    first = Instruction{Operation::compiled_run};
    for (std::uint32_t i = 0; i < place.run.length; ++i) in_run[place.run.first + i] = true;
    first.immediate = reinterpret_cast<std::int64_t>(compiled.machine_code.begin() + place.begin);
  }
  compiled.compiled_instructions = static_cast<std::size_t>(std::ranges::count(in_run, true));
  return compiled;
}

}  // namespace vgpu::software
