// Counts what kernels execute: instructions by class, memory traffic, divergence, bank conflicts, hot lines.
// docs/profiler.md says what each number means.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software {

/// Accesses to one state space. A request is what one warp instruction does at once.
struct SpaceTraffic {
  std::string space;      // global, shared, local, constant, parameter
  std::string operation;  // load, store, atomic
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;    // that the lanes asked for
  std::uint64_t sectors = 0;  // of 32 bytes that were moved; 0 in shared memory
  /// Shared memory only: passes over the banks, and how many of them conflicts added.
  std::uint64_t passes = 0;
  std::uint64_t conflicts = 0;
};

struct InstructionCount {
  std::string category;  // integer, float32, global, control, … : docs/profiler.md has them all
  std::uint64_t warp_instructions = 0;
  std::uint64_t thread_instructions = 0;
};

/// A line of PTX that was executed.
struct ProfiledLine {
  std::uint32_t ptx_line = 0;
  std::string text;
  std::string function;     // demangled
  std::string source_file;  // empty without nvcc -lineinfo
  std::uint32_t source_line = 0;
  std::uint64_t warp_instructions = 0;
  std::uint64_t thread_instructions = 0;
  std::uint64_t bytes = 0;  // asked for by its lanes, in every space
  std::uint64_t sectors = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t divergent_branches = 0;
};

struct LaunchShape {
  Dim3 grid;
  Dim3 block;
  std::uint64_t launches = 0;
};

struct KernelProfile {
  std::string name;  // demangled
  std::uint64_t launches = 0;
  std::uint64_t failed = 0;  // of them
  std::vector<LaunchShape> shapes;
  // Of the launches, in nanoseconds of the monotonic clock, under the profiler.
  std::uint64_t total_ns = 0;
  std::uint64_t least_ns = 0;
  std::uint64_t most_ns = 0;
  std::uint64_t warp_instructions = 0;
  std::uint64_t thread_instructions = 0;
  std::uint64_t branches = 0;            // warp instructions that could have made lanes part
  std::uint64_t divergent_branches = 0;  // those that did
  std::vector<InstructionCount> instructions;
  std::vector<SpaceTraffic> traffic;
  std::vector<ProfiledLine> lines;  // in the order of the PTX
};

/// One line of JSON, without a line end.
std::string to_json(const KernelProfile& profile);

/// An observer for one Gpu. profiles() may be called between launches only.
class Profiler {
 public:
  static std::unique_ptr<Profiler> create();
  virtual ~Profiler() = default;
  /// For GpuOptions::observer; lives as long as this object.
  virtual Observer& observer() = 0;
  /// Kernels in the order of their first launch. Two modules' kernels of one name are two, unless their PTX
  /// has its instructions on the same lines.
  [[nodiscard]] virtual std::vector<KernelProfile> profiles() const = 0;
};

}  // namespace vgpu::software
