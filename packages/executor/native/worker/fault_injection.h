// Faults on purpose, for tests of what programs do about them: VGPU_FAULT, see docs/when-the-gpu-fails.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cuda_abi.h"

namespace vgpu::executor {

/// What VGPU_FAULT says makes no sense; what() names the part that does not.
class FaultSyntaxError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where a fault comes up.
enum class FaultPoint { probe, alloc, copy_in, launch, sync, copy_out };

/// What comes up: a result, or one of these.
enum class FaultEffect { result, hang, crash };

struct FaultRule {
  FaultEffect effect = FaultEffect::result;
  CUresult result = CUDA_SUCCESS;
  FaultPoint point = FaultPoint::launch;
  /// Of each client, the one call at this point that fails, from 1; 0: all.
  std::uint64_t number = 0;
  /// Of a launch, which kernels: with * and ?.
  std::string kernels = "*";
};

/// "oom@alloc:3,700@launch:sort*": faults, parted by commas. A fault is oom, hang, crash, or a CUresult; a
/// point is probe, alloc, copy-in, launch, sync or copy-out; behind a colon, which call, or which kernels.
/// @throws FaultSyntaxError
std::vector<FaultRule> parse_faults(std::string_view text);

/// For one client.
class FaultInjector {
 public:
  /// `rules` outlive it.
  explicit FaultInjector(std::span<const FaultRule> rules) : rules_(rules), calls_(rules.size()) {}

  /// The result that the call gets in the place of its own. Or it never returns.
  std::optional<CUresult> before(std::uint32_t call, std::span<const std::byte> request);
  /// Learns the names of kernels.
  void after(std::uint32_t call, std::span<const std::byte> request, std::span<const std::byte> response);

 private:
  std::span<const FaultRule> rules_;
  /// How many calls have come to each rule.
  std::vector<std::uint64_t> calls_;
  std::map<std::uint64_t, std::string> kernels_;
};

}  // namespace vgpu::executor
