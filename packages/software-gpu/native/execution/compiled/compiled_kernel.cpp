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

}  // namespace

CompiledKernel compile_runs(const DecodedKernel& kernel) {
  CompiledKernel compiled;
  compiled.code = kernel.code;
  RunCode code;
  std::vector<Place> places;
  for (const Run& run : find_runs(kernel)) {
    if (code.getSize() > kMaximumCodeBytes) break;
    places.push_back({run, code.generate(kernel, run)});
  }
  if (places.empty()) return compiled;
  code.ready();
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
