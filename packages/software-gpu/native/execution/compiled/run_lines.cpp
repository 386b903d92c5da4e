#include "execution/compiled/run_lines.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "execution/compiled/access_code.h"
#include "execution/compiled/recipes.h"
#include "execution/control_flow.h"

namespace vgpu::software {
namespace {

bool is_store(const Instruction& instruction) {
  return instruction.operation == Operation::st_32_32;
}

std::array<std::uint32_t, 3> source_rows(const Instruction& instruction) {
  return {instruction.a, instruction.b, instruction.c};
}

bool has_lanes(Width width) {
  return width == Width::word || width == Width::doubleword;
}

/// The first instruction behind the kernel's own.
std::uint32_t own_end(const DecodedKernel& kernel) {
  return kernel.functions.size() > 1 ? kernel.functions[1].entry
                                     : static_cast<std::uint32_t>(kernel.code.size());
}

std::vector<std::uint32_t> targets(const DecodedKernel& kernel, std::uint32_t position) {
  return next_positions(kernel.code[position], position, kernel.branch_tables);
}

bool is_branch(Operation operation) {
  return operation == Operation::branch || operation == Operation::branch_if ||
         operation == Operation::branch_indexed;
}

/// Whether the branch behind a run leads to its beginning.
bool is_loop(const DecodedKernel& kernel, Run run) {
  const std::uint32_t end = run.first + run.length;
  return end < kernel.code.size() && is_branch(kernel.code[end].operation) &&
         std::ranges::count(targets(kernel, end), run.first) != 0;
}

}  // namespace

bool is_line_access(const Instruction& instruction, const Shape& address) {
  if (!address.is_line) return false;
  if (is_store(instruction)) return address.stride == 4;
  return address.stride == 0 || (address.stride == 4 && words_of_access(instruction) == 1);
}

KernelLines::KernelLines(const DecodedKernel& kernel, const std::byte* frame)
    : kernel_(kernel), end_(own_end(kernel)) {
  observe_kept_rows(frame);
  find_expected_shapes();
}

void KernelLines::observe_kept_rows(const std::byte* frame) {
  const DecodedFunction& own = kernel_.functions.front();
  for (const ConstantRow& row : own.constants) {
    if (has_lanes(row.width)) kept_[row.offset] = constant_shape(row.bits);
  }
  for (const SpecialRow& row : own.specials) {
    if (has_lanes(row.width)) kept_[row.offset] = observed_shape(frame + row.offset, row.width);
  }
  for (const Instruction& instruction : kernel_.preamble) {
    if (recipe_for(instruction) == nullptr) continue;
    const Width width = operand_widths(instruction).front();
    if (!has_lanes(width)) continue;
    kept_[instruction.destination] = observed_shape(frame + instruction.destination, width);
  }
}

Shape KernelLines::shape_of(const Shapes& written, std::uint32_t offset) const {
  if (const auto kept = kept_.find(offset); kept != kept_.end()) return kept->second;
  const auto found = written.find(offset);
  return found == written.end() ? Shape{} : found->second;
}

Shape KernelLines::result(const Shapes& written, const Instruction& instruction) const {
  const std::size_t count = operand_widths(instruction).size() - 1;
  std::array<Shape, 3> sources;
  const auto rows = source_rows(instruction);
  for (std::size_t i = 0; i < std::min(count, rows.size()); ++i) sources[i] = shape_of(written, rows[i]);
  return result_shape(instruction, sources);
}

/// What is known behind an instruction. Of those that are not compiled it is enough to forget something:
/// runs look before they rely on what is expected.
void KernelLines::pass(Shapes& shapes, std::uint32_t position, bool is_guarded) const {
  const Instruction& instruction = kernel_.code[position];
  const Recipe* recipe = recipe_for(instruction);
  if (recipe == nullptr) {
    shapes[instruction.destination] = {};
  } else if (!recipe->accesses) {
    const Shape after = result(shapes, instruction);
    const Shape before = shape_of(shapes, instruction.destination);
    shapes[instruction.destination] = is_guarded ? common_shape(before, after) : after;
  } else if (!is_store(instruction)) {
    for (int word = 0; word < words_of_access(instruction); ++word) {
      shapes[word_rows(instruction)[static_cast<std::size_t>(word)]] = {};
    }
  }
}

void KernelLines::pass_all(Shapes& shapes, std::uint32_t begin, std::uint32_t end) const {
  std::uint32_t guarded_until = begin;
  for (std::uint32_t position = begin; position < end; ++position) {
    const Instruction& instruction = kernel_.code[position];
    if (instruction.operation == Operation::guard) {
      guarded_until = position + 1 + static_cast<std::uint32_t>(instruction.immediate);
    } else {
      pass(shapes, position, position < guarded_until);
    }
  }
}

std::uint32_t KernelLines::block_of(std::uint32_t position) const {
  return *std::prev(std::ranges::upper_bound(blocks_, position));
}

std::vector<std::uint32_t> KernelLines::successors(std::uint32_t block) const {
  return targets(kernel_, *std::ranges::upper_bound(blocks_, block) - 1);
}

/// Forwards through the control flow, until nothing changes any more.
void KernelLines::find_expected_shapes() {
  std::set<std::uint32_t> begins{0, end_};
  for (std::uint32_t position = 0; position < end_; ++position) {
    if (!is_branch(kernel_.code[position].operation)) continue;
    begins.insert(position + 1);
    for (const std::uint32_t target : targets(kernel_, position)) begins.insert(target);
  }
  blocks_.assign(begins.begin(), begins.end());
  std::set<std::uint32_t> waiting{0};
  expected_[0] = {};
  while (!waiting.empty()) {
    const std::uint32_t block = *waiting.begin();
    waiting.erase(waiting.begin());
    if (block >= end_) continue;
    Shapes shapes = expected_[block];
    pass_all(shapes, block, *std::ranges::upper_bound(blocks_, block));
    for (const std::uint32_t next : successors(block)) {
      const auto [known, is_new] = expected_.try_emplace(next, shapes);
      bool changed = is_new;
      for (const auto& [row, shape] : shapes) {
        const auto [old, is_first] = known->second.try_emplace(row, shape);
        const Shape common = common_shape(old->second, shape);
        changed |= is_first || common != old->second;
        old->second = common;
      }
      if (changed) waiting.insert(next);
    }
  }
}

/// Backwards: which rows must be lines when the run begins, so that those of its accesses and the rows in
/// `at_end` are; and which instructions compute them.
KernelLines::Needed KernelLines::find_needed(Run run, const std::vector<Shapes>& before, RunLines& lines,
                                             const Needed& at_end) const {
  Needed needed = at_end;
  for (std::uint32_t i = run.length; i-- > 0;) {
    const Instruction& instruction = kernel_.code[run.first + i];
    if (recipe_for(instruction)->accesses) {
      if (lines.accesses[i]) needed[instruction.a] = address_width(instruction);
      continue;
    }
    if (needed.erase(instruction.destination) == 0) continue;
    lines.results[i] = result(before[i], instruction);
    if (!lines.results[i].is_line) continue;
    const std::span<const Width> widths = operand_widths(instruction);
    const auto rows = source_rows(instruction);
    for (std::size_t source = 1; source < widths.size(); ++source) needed[rows[source - 1]] = widths[source];
  }
  return needed;
}

RunLines KernelLines::of(Run run) const {
  RunLines lines{{}, std::vector<Shape>(run.length), std::vector<bool>(run.length), false};
  if (run.first >= end_) return lines;
  const std::uint32_t block = block_of(run.first);
  const auto at_block = expected_.find(block);
  if (at_block == expected_.end()) return lines;  // never reached
  Shapes shapes = at_block->second;
  pass_all(shapes, block, run.first);
  // A run checks how lanes lie to each other, not which value they have.
  for (auto& [row, shape] : shapes) shape.constant.reset();

  std::vector<Shapes> before;
  bool is_useful = false;
  for (std::uint32_t i = 0; i < run.length; ++i) {
    before.push_back(shapes);
    const Instruction& instruction = kernel_.code[run.first + i];
    if (recipe_for(instruction)->accesses) {
      lines.accesses[i] = is_line_access(instruction, shape_of(shapes, instruction.a));
      is_useful = is_useful || lines.accesses[i];
    }
    pass(shapes, run.first + i, false);
  }
  if (!is_useful) return lines;

  Needed needed = find_needed(run, before, lines, {});
  lines.is_loop = is_loop(kernel_, run);
  if (lines.is_loop) {
    // What the next round takes for a line should be one at the end of this one.
    std::erase_if(needed, [&](const auto& row) { return kept_.contains(row.first); });
    needed = find_needed(run, before, lines, needed);
  }
  for (const auto& [row, width] : needed) {
    lines.inputs.push_back({row, width, shape_of(before.front(), row), kept_.contains(row)});
  }
  return lines;
}

}  // namespace vgpu::software
