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

  /// What a block that starts now executes instead of the kernel's own code, or nullptr.
  [[nodiscard]] const CompiledKernel* compiled() const { return compiled_.load(std::memory_order_acquire); }

  /// To be told about warp instructions that have been executed. When these have taken longer than compiling
  /// will, one of the calls compiles the kernel; if there is no memory for the code, it stays interpreted.
  /// `frame`: see compile_runs.
  void count(std::uint64_t warp_instructions, const std::byte* frame);

  /// Compiles the kernel unless that has been tried; waits for another thread that is at it. Throws as
  /// compile_runs does.
  void compile(const std::byte* frame);

  /// How many of the kernel's instructions belong to compiled runs.
  [[nodiscard]] std::size_t compiled_instructions() const;

 private:
  const DecodedKernel& kernel_;
  std::atomic<std::uint64_t> executed_ = 0;
  std::mutex compiling_;
  std::atomic<bool> tried_ = false;
  std::unique_ptr<const CompiledKernel> owned_;  // written once, by who has set tried_
  std::atomic<const CompiledKernel*> compiled_ = nullptr;
};

}  // namespace vgpu::software
