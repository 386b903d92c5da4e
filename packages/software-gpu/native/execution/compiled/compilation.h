// Decides when a kernel is worth compiling.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "execution/compiled/compiled_kernel.h"

namespace vgpu::software {

/// Of one kernel. All methods may be called from any thread.
class Compilation {
 public:
  /// `kernel` lives as long as this object.
  explicit Compilation(const DecodedKernel& kernel);
  Compilation(const Compilation&) = delete;
  Compilation& operator=(const Compilation&) = delete;

  /// What a block that starts now executes: the kernel's own code or that with compiled runs.
  [[nodiscard]] const Instruction* code() const { return code_.load(std::memory_order_acquire); }

  /// To be told about warp instructions that have been executed. When these have taken longer than compiling
  /// will, one of the calls compiles the kernel; if there is no memory for the code, it stays interpreted.
  void count(std::uint64_t warp_instructions);

  /// Compiles the kernel unless that has been tried. Throws as compile_runs does.
  void compile();

  /// How many of the kernel's instructions belong to compiled runs.
  [[nodiscard]] std::size_t compiled_instructions() const;

 private:
  const DecodedKernel& kernel_;
  std::atomic<const Instruction*> code_;
  std::atomic<std::uint64_t> executed_ = 0;
  std::atomic<bool> tried_ = false;
  mutable std::mutex mutex_;
  std::unique_ptr<const CompiledKernel> compiled_;  // under mutex_
};

}  // namespace vgpu::software
