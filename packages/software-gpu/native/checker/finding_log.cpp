#include "checker/finding_log.h"

namespace vgpu::software::checker {
namespace {

const char* name_of(AccessKind kind) {
  switch (kind) {
    case AccessKind::load:
      return "load";
    case AccessKind::store:
      return "store";
    case AccessKind::atomic:
      return "atomic";
  }
  __builtin_unreachable();
}

const char* name_of(Space space) {
  switch (space) {
    case Space::shared:
      return "shared";
    case Space::local:
      return "local";
    case Space::parameter:
      return "parameter";
    case Space::constant:
      return "constant";
    default:
      return "global";
  }
}

}  // namespace

FindingAccess describe_access(const MemoryAccess& access, std::uint32_t lane) {
  return {.operation = name_of(access.kind),
          .space = name_of(access.space),
          .bytes = access.bytes,
          .address = access.addresses[lane]};
}

FindingPlace place_of(const ScheduledWarp& warp, const Instruction& instruction, std::uint32_t lane) {
  const DecodedKernel& kernel = *warp.block->launch->kernel;
  const CodePlace code = code_place(kernel, instruction);
  return {.kernel = demangled(kernel.name),
          .function = demangled(code.function),
          .block = warp.block->index,
          .thread = thread_index(warp, lane),
          .ptx_line = code.ptx_line,
          .source_file = std::string(code.source_file),
          .source_line = code.source_line,
          .caller_file = std::string(code.caller_file),
          .caller_line = code.caller_line};
}

void FindingLog::add(std::string_view kind, const ScheduledWarp& warp, const Instruction& instruction,
                     const Instruction* other, const std::function<Finding()>& describe) {
  const DecodedKernel& kernel = *warp.block->launch->kernel;
  Key key{kind, kernel.name, instruction_index(kernel, instruction),
          other == nullptr ? 0 : instruction_index(kernel, *other)};
  const std::lock_guard lock(mutex_);
  if (const auto known = numbers_.find(key); known != numbers_.end()) {
    ++findings_[known->second].count;
    return;
  }
  if (findings_.size() == most_) {
    ++dropped_;
    return;
  }
  numbers_.emplace(std::move(key), findings_.size());
  keep(describe());
}

void FindingLog::add(Finding finding) {
  const std::lock_guard lock(mutex_);
  keep(std::move(finding));
}

void FindingLog::keep(Finding finding) {
  if (findings_.size() == most_) {
    ++dropped_;
    return;
  }
  findings_.push_back(std::move(finding));
  if (sink_) sink_(findings_.size() - 1, findings_.back());
}

std::vector<Finding> FindingLog::findings() const {
  const std::lock_guard lock(mutex_);
  return findings_;
}

std::uint64_t FindingLog::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace vgpu::software::checker
