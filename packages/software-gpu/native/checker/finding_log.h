// The findings of all threads, one for each place, counted.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "execution/observer.h"
#include "vgpu/software_gpu/memory_checker.h"

namespace vgpu::software::checker {

/// Makes the place of an instruction that a lane executes.
FindingPlace place_of(const ScheduledWarp& warp, const Instruction& instruction, std::uint32_t lane);

FindingAccess describe_access(const MemoryAccess& access, std::uint32_t lane);

/// Safe to use from several threads.
class FindingLog {
 public:
  using Sink = std::function<void(std::size_t number, const Finding&)>;
  FindingLog(std::size_t most, Sink sink) : most_(most), sink_(std::move(sink)) {}

  /// Counts the finding; the first time at this instruction (and this other one, of a race) `describe` makes
  /// it.
  void add(std::string_view kind, const ScheduledWarp& warp, const Instruction& instruction,
           const Instruction* other, const std::function<Finding()>& describe);
  /// One of the host; each counts for itself.
  void add(Finding finding);

  [[nodiscard]] std::vector<Finding> findings() const;
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  void keep(Finding finding);

  const std::size_t most_;
  const Sink sink_;
  mutable std::mutex mutex_;
  /// Kind, kernel, instruction, other instruction.
  using Key = std::tuple<std::string, std::string, std::uint32_t, std::uint32_t>;
  std::map<Key, std::size_t> numbers_;
  std::vector<Finding> findings_;
  std::uint64_t dropped_ = 0;
};

}  // namespace vgpu::software::checker
