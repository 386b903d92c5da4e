#include "execution/compiled/compilation.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <system_error>

namespace vgpu::software {
namespace {

/// Compiling an instruction takes about a microsecond, interpreting it some nanoseconds.
constexpr std::uint64_t kExecutionsUntilCompiled = 400;

}  // namespace

#ifndef VGPU_X86_PATHS
CompiledKernel compile_runs(const DecodedKernel& /*kernel*/, const std::byte* /*frame*/) {
  throw std::logic_error("compiled runs exist for x86-64 only");
}
#endif

bool CompiledKernel::lines_hold(const std::byte* frame) const {
  return std::ranges::all_of(kept_lines, [&](const LineInput& line) {
    return satisfies(observed_shape(frame + line.offset, line.width), line.shape);
  });
}

Compilation::Compilation(const DecodedKernel& kernel) : kernel_(kernel) {}

void Compilation::count(std::uint64_t warp_instructions, const std::byte* frame) {
  if (tried_) return;
  const std::uint64_t executed = executed_.fetch_add(warp_instructions) + warp_instructions;
  if (executed < kExecutionsUntilCompiled * kernel_.code.size()) return;
  try {
    compile(frame);
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
}

void Compilation::compile(const std::byte* frame) {
  const std::lock_guard lock(compiling_);
  if (tried_.exchange(true)) return;
  owned_ = std::make_unique<const CompiledKernel>(compile_runs(kernel_, frame));
  compiled_.store(owned_.get(), std::memory_order_release);
}

std::size_t Compilation::compiled_instructions() const {
  const CompiledKernel* compiled = this->compiled();
  return compiled == nullptr ? 0 : compiled->compiled_instructions;
}

}  // namespace vgpu::software
