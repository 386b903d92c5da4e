// Faults on purpose, for tests of what programs do about them: VGPU_FAULT, see docs/when-the-gpu-fails.md.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
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

/// Instead of what the call would do.
struct InjectedFault {
  CUresult result = CUDA_SUCCESS;
  std::uint32_t xid = 0;  // 0: the device logs nothing
};

/// What comes up: a result, or the call never returns, or the worker dies, or the executor with all its
/// workers.
enum class FaultEffect { result, hang, crash, executor_crash };

struct FaultRule {
  FaultEffect effect = FaultEffect::result;
  InjectedFault fault;
  FaultPoint point = FaultPoint::launch;
  /// Of each client, the one call at this point that fails, from 1; 0: all.
  std::uint64_t number = 0;
  /// Of a launch, which kernels: with * and ?.
  std::string kernels = "*";
};

/// "oom@alloc:3,700@launch:sort*": faults, parted by commas. A fault is oom, hang, crash, executor-crash,
/// a CUresult, or xid and an Xid's number; a point is probe, alloc, copy-in, launch, sync or copy-out; behind
/// a colon, which call, or which kernels.
/// @throws FaultSyntaxError
std::vector<FaultRule> parse_faults(std::string_view text);

/// For one client, in its worker.
class FaultInjector {
 public:
  /// The name of a kernel, by context and function; empty when there is none such.
  using KernelName = std::function<std::string(std::uint64_t context, std::uint64_t function)>;

  /// `rules` outlive it. `kernel_name` is asked only where rules speak of launches.
  FaultInjector(std::span<const FaultRule> rules, KernelName kernel_name)
      : rules_(rules), kernel_name_(std::move(kernel_name)), calls_(rules.size()) {}

  /// What the call gets in the place of its own. Or it never returns.
  std::optional<InjectedFault> before(std::uint32_t call, std::uint64_t context,
                                      std::span<const std::byte> request);

 private:
  std::span<const FaultRule> rules_;
  KernelName kernel_name_;
  /// The daemon, whose child serves the client. Asked for at once: later it may be dead, and somebody else
  /// the parent.
  pid_t executor_ = getppid();
  /// How many calls have come to each rule.
  std::vector<std::uint64_t> calls_;
};

}  // namespace vgpu::executor
