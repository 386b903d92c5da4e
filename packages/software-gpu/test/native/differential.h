// Runs kernels on every engine and compares what they leave in memory, bit by bit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "random_kernel.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software::test {

/// A Gpu under a name that says how it differs from the others.
struct Engine {
  std::string name;
  std::unique_ptr<Gpu> gpu;
};

/// One for each vector path of this processor, and the widest once more with two threads, under an observer
/// that changes nothing, and with compiled code. The first, the portable path with one thread, is the
/// reference.
std::vector<Engine> all_engines();

/// What a kernel left in memory, or how it ended otherwise.
struct Result {
  std::vector<std::byte> memory;
  std::string error;
};

/// Where two results differ; nothing when they do not.
std::optional<std::string> difference(const RandomKernel& kernel, const Result& expected, const Result& got);

class Differential {
 public:
  explicit Differential(std::vector<Engine> engines = all_engines()) : engines_(std::move(engines)) {}

  /// How some engine differs from the first, or how the first fails, which a valid kernel does not; nothing
  /// when all agree.
  std::optional<std::string> disagreement(const RandomKernel& kernel);

  /// The smallest kernel found for which `fails` still holds: statements are taken out one by one, and loops
  /// and branches replaced by what is in them.
  static RandomKernel minimised(RandomKernel kernel, const std::function<bool(const RandomKernel&)>& fails);

  /// The same for a disagreement, which stays one of the same kind: a kernel that the reference runs is not
  /// reduced to one that it refuses.
  RandomKernel minimised(const RandomKernel& kernel);

  [[nodiscard]] const std::vector<Engine>& engines() const { return engines_; }
  [[nodiscard]] std::uint64_t thread_instructions() const { return thread_instructions_; }

 private:
  Result run(Engine& engine, const RandomKernel& kernel, const std::string& ptx);

  std::vector<Engine> engines_;
  std::uint64_t thread_instructions_ = 0;  // of the reference
};

/// The kernel, its seed and its launch, for people.
std::string report(const RandomKernel& kernel, const std::string& disagreement);

}  // namespace vgpu::software::test
