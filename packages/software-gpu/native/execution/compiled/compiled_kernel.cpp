#include "execution/compiled/compiled_kernel.h"

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
    places.push_back({run, code.add(kernel, run)});
    compiled.compiled_instructions += run.length;
  }
  if (places.empty()) return compiled;
  code.ready();
  compiled.machine_code = ExecutableMemory(std::span(code.getCode(), code.getSize()));
  for (const Place& place : places) {
    Instruction& first = compiled.code[place.run.first];
    first = Instruction{Operation::compiled_run};
    first.immediate = reinterpret_cast<std::int64_t>(compiled.machine_code.begin() + place.begin);
  }
  return compiled;
}

}  // namespace vgpu::software
