#include "execution/compiled/compilation.h"

#include <new>
#include <stdexcept>
#include <system_error>

namespace vgpu::software {
namespace {

/// Compiling an instruction takes about a microsecond, interpreting it some nanoseconds.
constexpr std::uint64_t kExecutionsUntilCompiled = 400;

}  // namespace

#ifndef VGPU_X86_PATHS
CompiledKernel compile_runs(const DecodedKernel& /*kernel*/) {
  throw std::logic_error("compiled runs exist for x86-64 only");
}
#endif

Compilation::Compilation(const DecodedKernel& kernel) : kernel_(kernel), code_(kernel.code.data()) {}

void Compilation::count(std::uint64_t warp_instructions) {
  if (tried_) return;
  const std::uint64_t executed = executed_.fetch_add(warp_instructions) + warp_instructions;
  if (executed < kExecutionsUntilCompiled * kernel_.code.size()) return;
  try {
    compile();
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
}

void Compilation::compile() {
  if (tried_.exchange(true)) return;
  auto compiled = std::make_unique<const CompiledKernel>(compile_runs(kernel_));
  const std::lock_guard lock(mutex_);
  compiled_ = std::move(compiled);
  code_.store(compiled_->code.data(), std::memory_order_release);
}

std::size_t Compilation::compiled_instructions() const {
  const std::lock_guard lock(mutex_);
  return compiled_ ? compiled_->compiled_instructions : 0;
}

}  // namespace vgpu::software
