#include "worker/fault_injection.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "vgpu_protocol.h"
#include "worker/payload.h"

namespace vgpu::executor {
namespace {

constexpr std::pair<std::string_view, FaultPoint> kPoints[] = {
    {"probe", FaultPoint::probe},   {"alloc", FaultPoint::alloc}, {"copy-in", FaultPoint::copy_in},
    {"launch", FaultPoint::launch}, {"sync", FaultPoint::sync},   {"copy-out", FaultPoint::copy_out},
};

/// Results and Xids have at most three digits.
constexpr int kGreatestNumber = 999;

constexpr std::string_view kXid = "xid";

std::optional<FaultPoint> point_of(std::uint32_t call) {
  switch (call) {
    case VGPU_CALL_cuDevicePrimaryCtxRetain:
    case VGPU_CALL_vgpuContextCreate:
      return FaultPoint::probe;
    case VGPU_CALL_cuMemAlloc_v2:
    case VGPU_CALL_cuMemAllocPitch_v2:
    case VGPU_CALL_vgpuMemAllocAsync:
    case VGPU_CALL_vgpuMemAllocFromPoolAsync:
    case VGPU_CALL_vgpuMemAllocShared:
    case VGPU_CALL_vgpuMemCreate:
      return FaultPoint::alloc;
    case VGPU_CALL_vgpuCopyToDevice:
    case VGPU_CALL_vgpuCopyRowsToDevice:
      return FaultPoint::copy_in;
    case VGPU_CALL_vgpuLaunchKernel:
    case VGPU_CALL_vgpuLaunchCooperativeKernel:
      return FaultPoint::launch;
    case VGPU_CALL_cuCtxSynchronize:
    case VGPU_CALL_cuStreamSynchronize:
    case VGPU_CALL_cuEventSynchronize:
      return FaultPoint::sync;
    case VGPU_CALL_vgpuCopyFromDevice:
    case VGPU_CALL_vgpuCopyRowsFromDevice:
      return FaultPoint::copy_out;
    default:
      return std::nullopt;
  }
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

[[noreturn]] void refuse(std::string_view rule, const std::string& expected) {
  throw FaultSyntaxError("VGPU_FAULT: \"" + std::string(rule) + "\" is not " + expected);
}

void parse_effect(std::string_view text, std::string_view rule, FaultRule& parsed) {
  if (text == "hang") {
    parsed.effect = FaultEffect::hang;
  } else if (text == "crash") {
    parsed.effect = FaultEffect::crash;
  } else if (text == "executor-crash") {
    parsed.effect = FaultEffect::executor_crash;
  } else if (text == "oom") {
    parsed.fault.result = CUDA_ERROR_OUT_OF_MEMORY;
  } else {
    const bool is_xid = text.starts_with(kXid);
    const auto number = number_of<int>(is_xid ? text.substr(kXid.size()) : text);
    if (!number || *number < 1 || *number > kGreatestNumber) {
      refuse(rule,
             "FAULT@POINT, where FAULT is oom, hang, crash, executor-crash, a CUresult from 1 to 999, or xid "
             "and a number from 1 to 999");
    }
    // What a driver answers that has lost its device.
    parsed.fault = is_xid ? InjectedFault{CUDA_ERROR_UNKNOWN, static_cast<std::uint32_t>(*number)}
                          : InjectedFault{static_cast<CUresult>(*number)};
  }
}

void parse_point(std::string_view text, std::string_view rule, FaultRule& parsed) {
  for (const auto& [name, point] : kPoints) {
    if (name != text) continue;
    parsed.point = point;
    return;
  }
  refuse(rule, "FAULT@POINT, where POINT is probe, alloc, copy-in, launch, sync or copy-out");
}

FaultRule parse_rule(std::string_view rule) {
  FaultRule parsed;
  const std::size_t at = rule.find('@');
  if (at == std::string_view::npos) refuse(rule, "FAULT@POINT");
  parse_effect(rule.substr(0, at), rule, parsed);
  const std::string_view place = rule.substr(at + 1);
  const std::size_t colon = place.find(':');
  parse_point(place.substr(0, colon), rule, parsed);
  if (colon == std::string_view::npos) return parsed;
  const std::string_view which = place.substr(colon + 1);
  if (const auto number = number_of<std::uint64_t>(which); number && *number > 0) {
    parsed.number = *number;
  } else if (parsed.point == FaultPoint::launch && !which.empty() && !number) {
    parsed.kernels = which;
  } else {
    refuse(rule, "FAULT@POINT:NUMBER, from 1, or FAULT@launch:KERNELS");
  }
  return parsed;
}

[[noreturn]] void hang() {
  // Until the client has gone: the heartbeat's thread ends the process.
  for (;;) pause();
}

}  // namespace

std::vector<FaultRule> parse_faults(std::string_view text) {
  std::vector<FaultRule> rules;
  if (text.empty()) return rules;
  for (;;) {
    const std::size_t comma = text.find(',');
    rules.push_back(parse_rule(text.substr(0, comma)));
    if (comma == std::string_view::npos) return rules;
    text.remove_prefix(comma + 1);
  }
}

std::optional<InjectedFault> FaultInjector::before(std::uint32_t call, std::uint64_t context,
                                                   std::span<const std::byte> request) {
  if (rules_.empty()) return std::nullopt;
  const auto point = point_of(call);
  if (!point) return std::nullopt;
  const bool launches = std::ranges::any_of(
      rules_, [&](const FaultRule& rule) { return *point == FaultPoint::launch && rule.point == *point; });
  const std::string kernel =
      launches ? kernel_name_(context, PayloadReader(request).read<std::uint64_t>()) : std::string();
  const FaultRule* first = nullptr;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const FaultRule& rule = rules_[i];
    if (rule.point != *point || fnmatch(rule.kernels.c_str(), kernel.c_str(), 0) != 0) continue;
    // A call counts for each rule, whichever of them it fails by.
    const std::uint64_t number = ++calls_[i];
    if (first == nullptr && (rule.number == 0 || rule.number == number)) first = &rule;
  }
  if (first == nullptr) return std::nullopt;
  if (first->effect == FaultEffect::hang) hang();
  if (first->effect == FaultEffect::executor_crash) kill(executor_, SIGKILL);
  if (first->effect != FaultEffect::result) abort();
  return first->fault;
}

}  // namespace vgpu::executor
