// The benchmarks: for each a kernel of kernels.ptx on data in device memory, the same in C++, and whether the
// two agree.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reference.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software::bench {

struct Benchmark {
  std::string name;
  std::string bound;  // what limits it on a processor: "arithmetic" or "memory"
  std::function<LaunchStatistics()> kernel;
  /// One of `parts` equal parts; all parts may run at the same time.
  std::function<void(unsigned part, unsigned parts)> reference;
  /// After both; whether their results are the same but for rounding.
  std::function<bool()> agree;
};

/// They use the Gpu and keep the module for as long as they live.
std::vector<Benchmark> make_benchmarks(Gpu& gpu, const std::shared_ptr<Module>& module,
                                       const Reference& reference);

}  // namespace vgpu::software::bench
