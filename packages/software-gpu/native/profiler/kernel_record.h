// All launches of one kernel together; what is left of it when its module has been unloaded.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "profiler/instruction_class.h"
#include "profiler/launch_counts.h"
#include "vgpu/software_gpu/profiler.h"

namespace vgpu::software::profiler {

class KernelRecord {
 public:
  explicit KernelRecord(const Launch& launch);

  /// Whether this launch is of the same kernel.
  [[nodiscard]] bool matches(const Launch& launch) const;
  void add(const Launch& launch, const LaunchCounts& counts, std::chrono::nanoseconds duration, bool failed);
  [[nodiscard]] KernelProfile profile() const;

 private:
  /// What is known of an instruction without its kernel.
  struct Place {
    InstructionClass instruction_class;
    std::uint32_t line;  // index in lines_
  };
  void add_shape(const LaunchConfiguration& configuration);

  std::string mangled_;
  std::vector<std::uint32_t> ptx_lines_;  // as DecodedKernel::lines
  std::vector<Place> places_;             // by instruction
  std::vector<ProfiledLine> lines_;       // without counts
  KernelProfile totals_;                  // launches, shapes and times
  LaunchCounts counts_;
};

}  // namespace vgpu::software::profiler
