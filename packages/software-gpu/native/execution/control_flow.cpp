// Basic blocks, post-dominators and reconvergence points.
//
// Lanes that part at a branch meet again at the branch's immediate post-dominator: the first block that every
// way from the branch to the end of the function passes through.
#include "execution/control_flow.h"

#include <algorithm>
#include <set>
#include <span>

#include "execution/draft.h"

namespace vgpu::software {
namespace {

bool ends_block(Operation operation) {
  switch (operation) {
    case Operation::branch:
    case Operation::branch_if:
    case Operation::branch_indexed:
    case Operation::return_:
    case Operation::exit_:
    case Operation::trap:
    case Operation::assert_fail:
      return true;
    default:
      return false;
  }
}

void resolve_labels(Draft& draft) {
  for (Instruction& instruction : draft.code) {
    if (instruction.operation == Operation::branch || instruction.operation == Operation::branch_if) {
      instruction.b = draft.label_positions[instruction.b];
    }
  }
  for (auto& table : draft.branch_tables) {
    for (std::uint32_t& target : table) target = draft.label_positions[target];
  }
}

constexpr std::uint32_t kNone = 0xffff'ffff;

/// Immediate post-dominators by the algorithm of Cooper, Harvey and Kennedy on the reversed graph; the end of
/// the function is one block more. kNone for blocks that never reach it.
std::vector<std::uint32_t> post_dominators(const std::vector<BasicBlock>& blocks) {
  const auto end = static_cast<std::uint32_t>(blocks.size());
  std::vector<std::vector<std::uint32_t>> predecessors(blocks.size() + 1);
  std::vector<std::vector<std::uint32_t>> successors(blocks.size() + 1);
  for (std::uint32_t block = 0; block < end; ++block) {
    successors[block] = blocks[block].successors;
    if (successors[block].empty()) successors[block].push_back(end);
    for (const std::uint32_t successor : successors[block]) predecessors[successor].push_back(block);
  }

  // Depth-first from the end, backwards; `order` numbers the blocks in postorder.
  std::vector<std::uint32_t> postorder;
  std::vector<std::uint32_t> order(blocks.size() + 1, kNone);
  std::vector<bool> seen(blocks.size() + 1, false);
  std::vector<std::pair<std::uint32_t, std::size_t>> path{{end, 0}};
  seen[end] = true;
  while (!path.empty()) {
    auto& [block, next] = path.back();
    if (next < predecessors[block].size()) {
      const std::uint32_t predecessor = predecessors[block][next++];
      if (!seen[predecessor]) {
        seen[predecessor] = true;
        path.emplace_back(predecessor, 0);
      }
    } else {
      order[block] = static_cast<std::uint32_t>(postorder.size());
      postorder.push_back(block);
      path.pop_back();
    }
  }

  std::vector<std::uint32_t> dominator(blocks.size() + 1, kNone);
  dominator[end] = end;
  const auto intersect = [&](std::uint32_t a, std::uint32_t b) {
    while (a != b) {
      while (order[a] < order[b]) a = dominator[a];
      while (order[b] < order[a]) b = dominator[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (auto it = postorder.rbegin(); it != postorder.rend(); ++it) {
      if (*it == end) continue;
      std::uint32_t meeting = kNone;
      for (const std::uint32_t successor : successors[*it]) {
        if (dominator[successor] == kNone) continue;
        meeting = meeting == kNone ? successor : intersect(meeting, successor);
      }
      if (meeting != dominator[*it]) {
        dominator[*it] = meeting;
        changed = true;
      }
    }
  }
  return dominator;
}

/// Puts a `join` in front of each of the given positions and moves everything that refers to positions.
void insert_joins(Draft& draft, const std::set<std::uint32_t>& joins) {
  std::vector<std::uint32_t> moved(draft.code.size() + 1);  // old position → new, of the join if there is one
  std::vector<std::uint32_t> moved_instruction(draft.code.size() + 1);
  std::vector<Instruction> code;
  std::vector<std::uint32_t> lines;
  std::vector<SourceLine> source_lines;
  for (std::uint32_t position = 0; position < draft.code.size(); ++position) {
    moved[position] = static_cast<std::uint32_t>(code.size());
    if (joins.contains(position)) {
      code.push_back(Instruction{Operation::join});
      lines.push_back(draft.lines[position]);
      source_lines.push_back(draft.source_lines[position]);
    }
    moved_instruction[position] = static_cast<std::uint32_t>(code.size());
    code.push_back(draft.code[position]);
    lines.push_back(draft.lines[position]);
    source_lines.push_back(draft.source_lines[position]);
  }
  for (Instruction& instruction : code) {
    const Operation operation = instruction.operation;
    if (operation == Operation::branch || operation == Operation::branch_if)
      instruction.b = moved[instruction.b];
    if ((operation == Operation::branch_if || operation == Operation::branch_indexed) &&
        instruction.c != kNoJoin) {
      instruction.c = moved[instruction.c];
    }
  }
  for (auto& table : draft.branch_tables) {
    for (std::uint32_t& target : table) target = moved[target];
  }
  for (Reference& reference : draft.references)
    reference.instruction = moved_instruction[reference.instruction];
  draft.code = std::move(code);
  draft.lines = std::move(lines);
  draft.source_lines = std::move(source_lines);
}

bool loads_from_device(const Instruction& instruction) {
  if (instruction.operation < Operation::ld_u8_16 || instruction.operation > Operation::ld_u64_64)
    return false;
  const auto space = static_cast<Space>(instruction.flags & memory_flag::space_mask);
  return space == Space::global || space == Space::generic;
}

void mark_streaming_loops(Draft& draft) {
  for (std::uint32_t position = 0; position < draft.code.size(); ++position) {
    Instruction& branch = draft.code[position];
    if (branch.operation != Operation::branch && branch.operation != Operation::branch_if) continue;
    if (branch.b > position) continue;
    const std::span body(draft.code.data() + branch.b, position - branch.b);
    const bool is_straight =
        std::ranges::none_of(body, [](const auto& inner) { return ends_block(inner.operation); });
    if (is_straight && std::ranges::any_of(body, loads_from_device)) branch.flags |= kStreamingLoop;
  }
}

}  // namespace

std::vector<std::uint32_t> next_positions(const Instruction& instruction, std::uint32_t position,
                                          const std::vector<std::vector<std::uint32_t>>& branch_tables) {
  switch (instruction.operation) {
    case Operation::branch:
      return {instruction.b};
    case Operation::branch_if:
      return {position + 1, instruction.b};
    case Operation::branch_indexed:
      return branch_tables[instruction.b];
    case Operation::return_:
    case Operation::exit_:
    case Operation::trap:
    case Operation::assert_fail:
      return {};
    default:
      return {position + 1};
  }
}

std::vector<BasicBlock> find_basic_blocks(const Draft& draft) {
  std::vector<bool> begins(draft.code.size() + 1, false);
  begins[0] = true;
  for (std::uint32_t position = 0; position < draft.code.size(); ++position) {
    if (!ends_block(draft.code[position].operation)) continue;
    begins[position + 1] = true;
    for (const std::uint32_t target : next_positions(draft.code[position], position, draft.branch_tables))
      begins[target] = true;
  }
  std::vector<BasicBlock> blocks;
  std::vector<std::uint32_t> block_of(draft.code.size() + 1, kNone);
  for (std::uint32_t position = 0; position < draft.code.size(); ++position) {
    if (begins[position]) blocks.push_back({position, position, {}});
    block_of[position] = static_cast<std::uint32_t>(blocks.size()) - 1;
    blocks.back().end = position + 1;
  }
  for (BasicBlock& block : blocks) {
    for (const std::uint32_t target :
         next_positions(draft.code[block.end - 1], block.end - 1, draft.branch_tables)) {
      const std::uint32_t successor = block_of[target];
      if (std::ranges::find(block.successors, successor) == block.successors.end()) {
        block.successors.push_back(successor);
      }
    }
  }
  return blocks;
}

void arrange_control_flow(Draft& draft) {
  resolve_labels(draft);
  const std::vector<BasicBlock> blocks = find_basic_blocks(draft);
  const std::vector<std::uint32_t> dominator = post_dominators(blocks);
  std::set<std::uint32_t> joins;
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    Instruction& last = draft.code[blocks[block].end - 1];
    if (last.operation != Operation::branch_if && last.operation != Operation::branch_indexed) continue;
    const std::uint32_t meeting = dominator[block];
    const bool never = meeting == kNone || meeting == blocks.size();
    last.c = never ? kNoJoin : blocks[meeting].begin;
    if (!never) joins.insert(last.c);
  }
  insert_joins(draft, joins);
  mark_streaming_loops(draft);
}

}  // namespace vgpu::software
