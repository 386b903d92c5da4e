#include "execution/compiled/run.h"

#include "execution/compiled/recipes.h"

namespace vgpu::software {
namespace {

/// A single instruction is not faster than its handler.
constexpr std::uint32_t kShortestRun = 2;
/// Bounds the stack that a run can need.
constexpr std::uint32_t kLongestRun = 128;

/// Where code can be entered other than from the instruction in front of it. What follows an instruction that
/// is not compiled begins a run anyway.
std::vector<bool> find_entries(const DecodedKernel& kernel) {
  std::vector<bool> entries(kernel.code.size() + 1, false);
  for (const DecodedFunction& function : kernel.functions) entries[function.entry] = true;
  for (const Instruction& instruction : kernel.code) {
    if (instruction.operation != Operation::branch && instruction.operation != Operation::branch_if) continue;
    entries[instruction.b] = true;
  }
  for (const auto& table : kernel.branch_tables) {
    for (const std::uint32_t target : table) entries[target] = true;
  }
  return entries;
}

bool is_access(const Instruction& instruction) {
  const Recipe* recipe = recipe_for(instruction);
  return recipe != nullptr && recipe->accesses;
}

/// The run, and what is to go on behind its accesses.
void add_runs(const DecodedKernel& kernel, Run run, std::vector<Run>& runs) {
  const std::uint32_t end = run.first + run.length;
  if (run.length < kShortestRun) return;
  runs.push_back(run);
  bool has_accesses = false;
  Run rest{run.first, 0};
  const auto finish = [&](std::uint32_t next) {
    if (has_accesses && rest.length >= kShortestRun) runs.push_back(rest);
    rest = {next, 0};
  };
  for (std::uint32_t position = run.first; position < end; ++position) {
    if (is_access(kernel.code[position])) {
      finish(position + 1);
      has_accesses = true;
    } else {
      ++rest.length;
    }
  }
  finish(0);
}

}  // namespace

std::vector<Run> find_runs(const DecodedKernel& kernel) {
  const std::vector<bool> entries = find_entries(kernel);
  std::vector<Run> runs;
  Run run{0, 0};
  const auto finish = [&](std::uint32_t next) {
    add_runs(kernel, run, runs);
    run = {next, 0};
  };
  for (std::uint32_t position = 0; position < kernel.code.size(); ++position) {
    const Instruction& instruction = kernel.code[position];
    if (entries[position] || run.length == kLongestRun) finish(position);
    if (instruction.operation == Operation::guard) {
      // What a guard guards is executed one by one.
      position += static_cast<std::uint32_t>(instruction.immediate);
      finish(position + 1);
    } else if (recipe_for(instruction) == nullptr) {
      finish(position + 1);
    } else {
      ++run.length;
    }
  }
  finish(0);
  return runs;
}

}  // namespace vgpu::software
