// Decoding of branches, calls, barriers and the exchange between lanes.
#include <algorithm>
#include <array>

#include "execution/function_decoder.h"

namespace vgpu::software {

// --- Branches and calls
// -------------------------------------------------------------------------------------

void FunctionDecoder::decode_branch(const ptx::Instruction& instruction) {
  const auto* label = std::get_if<ptx::SymbolOperand>(&operand(instruction, 0));
  if (label == nullptr || label->kind != ptx::SymbolKind::label) fail_operands();
  if (!instruction.guard) {
    emit(Operation::branch)->b = label->index;
    return;
  }
  Emitter emitter = emit(Operation::branch_if);
  emitter.reads(Field::a, instruction.guard->reg);
  emitter->b = label->index;
  emitter->flags = instruction.guard->negated ? kNegated : 0;
}

void FunctionDecoder::decode_indexed_branch(const ptx::Instruction& instruction) {
  const auto* list = std::get_if<ptx::SymbolOperand>(&operand(instruction, 1));
  if (list == nullptr || list->kind != ptx::SymbolKind::target_list) fail_operands();
  std::vector<std::uint32_t> targets;
  for (const ptx::SymbolOperand& target : function_.target_lists[list->index].targets) {
    if (target.kind != ptx::SymbolKind::label) fail_operands();
    targets.push_back(target.index);
  }
  const std::uint32_t index = source(instruction.operands[0], Width::word);
  Emitter emitter = emit(Operation::branch_indexed);
  emitter.reads(Field::a, index);
  emitter->b = static_cast<std::uint32_t>(draft_.branch_tables.size());
  draft_.branch_tables.push_back(std::move(targets));
}

void FunctionDecoder::decode_call(const ptx::Instruction& instruction) {
  // call [(returns),] callee [, (arguments)] [, prototype]
  DraftCallSite site;
  const ptx::Operand* callee = nullptr;
  for (const ptx::Operand& operand : instruction.operands) {
    if (const auto* list = std::get_if<ptx::ListOperand>(&operand)) {
      for (const ptx::ScalarOperand& element : list->elements) {
        const auto* symbol = std::get_if<ptx::SymbolOperand>(&element);
        if (symbol == nullptr)
          fail(Status::not_supported, "calls with parameters in registers are not supported");
        (callee == nullptr ? site.return_values : site.arguments).push_back(region(*symbol));
      }
    } else if (callee == nullptr) {
      callee = &operand;
    }
  }
  if (callee == nullptr) fail_operands();
  const auto number = static_cast<std::uint32_t>(call_sites_.size());
  call_sites_.push_back(std::move(site));

  if (const auto* reg = std::get_if<ptx::RegisterOperand>(callee)) {
    if (register_width(reg->index) != Width::doubleword) fail_operands();
    Emitter emitter = emit(Operation::call_indirect);
    emitter.reads(Field::a, reg->index);
    emitter->b = number;
    return;
  }
  const auto* symbol = std::get_if<ptx::SymbolOperand>(callee);
  if (symbol == nullptr) fail_operands();
  const auto function = context_.module->functions.find(symbol->name);
  const bool defined =
      function != context_.module->functions.end() && context_.function_indices.contains(function->second);
  if (!defined) {
    const DraftCallSite runtime_call = std::move(call_sites_.back());
    call_sites_.pop_back();
    decode_runtime_call(symbol->name, runtime_call);
    return;
  }
  Emitter emitter = emit(Operation::call);
  emitter->a = context_.function_indices.at(function->second);
  emitter->b = number;
}

// --- Barriers
// -----------------------------------------------------------------------------------------------

/// bar{.cta}.sync a{, b}; bar.arrive a, b; bar.red.op.type d, a{, b}, {!}c; bar.warp.sync mask; and
/// `barrier`.
void FunctionDecoder::decode_barrier(const ptx::Instruction& instruction) {
  const auto& operands = instruction.operands;
  if (has_modifier(instruction, "cluster")) fail_unsupported();
  if (has_modifier(instruction, "warp")) {
    const std::uint32_t mask = source(operand(instruction, 0), Width::word);
    emit(Operation::warp_sync).reads(Field::a, mask);
    return;
  }
  Operation operation{};
  if (has_modifier(instruction, "sync")) {
    operation = Operation::barrier_sync;
  } else if (has_modifier(instruction, "arrive")) {
    operation = Operation::barrier_arrive;
  } else if (has_modifier(instruction, "red")) {
    operation = has_modifier(instruction, "popc")  ? Operation::barrier_red_popc
                : has_modifier(instruction, "and") ? Operation::barrier_red_and
                                                   : Operation::barrier_red_or;
  } else {
    fail_unsupported();
  }
  const bool reduces = has_modifier(instruction, "red");
  const std::size_t first = reduces ? 1 : 0;
  const std::size_t last = operands.size() - (reduces ? 1 : 0);  // behind the number and the thread count
  if (last <= first || last > first + 2) fail_operands();
  if (operation == Operation::barrier_arrive && last != first + 2) fail_operands();

  const std::uint32_t number = source(operands[first], Width::word);
  const bool counts = last == first + 2;
  const std::uint32_t threads = counts ? source(operands[first + 1], Width::word) : number;
  std::pair<std::uint32_t, bool> condition{0, false};
  if (reduces) condition = predicate_source(operands.back());
  Emitter emitter = emit(operation);
  emitter.reads(Field::a, number).reads(Field::b, threads);
  emitter->flags = counts ? 0 : kNoThreadCount;
  if (instruction.opcode == "barrier" && !has_modifier(instruction, "aligned"))
    emitter->flags |= kUnalignedBarrier;
  if (!reduces) return;
  emitter.reads(Field::c, condition.first);
  if (condition.second) emitter->flags |= kNegated;
  const Width width = operation == Operation::barrier_red_popc ? Width::word : Width::predicate;
  emitter.writes(Field::destination, destination(operands[0], width));
}

// --- Between lanes
// ------------------------------------------------------------------------------------------

void FunctionDecoder::decode_shuffle(const ptx::Instruction& instruction) {
  static const std::map<std::string_view, Operation> kModes{
      {"up", Operation::shfl_up},
      {"down", Operation::shfl_down},
      {"bfly", Operation::shfl_bfly},
      {"idx", Operation::shfl_idx},
  };
  const bool syncs = has_modifier(instruction, "sync");
  if (instruction.operands.size() != (syncs ? 5U : 4U)) fail_operands();
  const auto mode =
      std::ranges::find_if(instruction.modifiers, [](std::string_view m) { return kModes.contains(m); });
  if (mode == instruction.modifiers.end() || instruction.modifiers.back() != "b32") fail_unsupported();

  const std::uint32_t a = source(instruction.operands[1], Width::word);
  const std::uint32_t b = source(instruction.operands[2], Width::word);
  const std::uint32_t c = source(instruction.operands[3], Width::word);
  const std::uint32_t members =
      syncs ? source(instruction.operands[4], Width::word) : constant(Width::word, ~0U);
  std::uint32_t result = 0;
  std::optional<std::uint32_t> in_range;
  if (const auto* both = std::get_if<ptx::PairOperand>(&instruction.operands[0])) {
    result = destination(both->first, Width::word);
    in_range = destination(both->second, Width::predicate);
  } else {
    result = destination(instruction.operands[0], Width::word);
  }
  Emitter emitter = emit(kModes.at(*mode));
  emitter.reads(Field::a, a).reads(Field::b, b).reads(Field::c, c).reads(Field::d, members);
  emitter.writes(Field::destination, result);
  emitter->immediate = -1;
  if (in_range) emitter.writes(Field::immediate, *in_range);
}

void FunctionDecoder::decode_vote(const ptx::Instruction& instruction) {
  static const std::map<std::string_view, Operation> kModes{
      {"all", Operation::vote_all},
      {"any", Operation::vote_any},
      {"uni", Operation::vote_uni},
      {"ballot", Operation::vote_ballot},
  };
  const auto mode =
      std::ranges::find_if(instruction.modifiers, [](std::string_view m) { return kModes.contains(m); });
  if (mode == instruction.modifiers.end()) fail_unsupported();
  const bool syncs = has_modifier(instruction, "sync");
  if (instruction.operands.size() != (syncs ? 3U : 2U)) fail_operands();
  const auto [condition, negated] = predicate_source(instruction.operands[1]);
  const std::uint32_t members =
      syncs ? source(instruction.operands[2], Width::word) : constant(Width::word, ~0U);
  const std::uint32_t result =
      destination(instruction.operands[0], *mode == "ballot" ? Width::word : Width::predicate);
  Emitter emitter = emit(kModes.at(*mode));
  emitter.reads(Field::a, condition).reads(Field::b, members).writes(Field::destination, result);
  emitter->flags = negated ? kNegated : 0;
}

void FunctionDecoder::decode_match(const ptx::Instruction& instruction) {
  if (instruction.operands.size() != 3) fail_operands();
  const bool all = has_modifier(instruction, "all");
  const bool wide = last_modifier(instruction) == "b64";
  if (!all && !has_modifier(instruction, "any")) fail_unsupported();
  const std::uint32_t value = source(instruction.operands[1], wide ? Width::doubleword : Width::word);
  const std::uint32_t members = source(instruction.operands[2], Width::word);
  std::uint32_t result = 0;
  std::optional<std::uint32_t> same;
  if (const auto* both = std::get_if<ptx::PairOperand>(&instruction.operands[0])) {
    result = destination(both->first, Width::word);
    same = destination(both->second, Width::predicate);
  } else {
    result = destination(instruction.operands[0], Width::word);
  }
  Emitter emitter = emit(all ? (wide ? Operation::match_all_64 : Operation::match_all_32)
                             : (wide ? Operation::match_any_64 : Operation::match_any_32));
  emitter.reads(Field::a, value).reads(Field::b, members).writes(Field::destination, result);
  emitter->immediate = -1;
  if (same) emitter.writes(Field::immediate, *same);
}

void FunctionDecoder::decode_reduce(const ptx::Instruction& instruction) {
  struct Row {
    std::string_view operation;
    AtomicOperation code;
    bool of_bits;
  };
  static constexpr std::array<Row, 6> kRows{{{"add", AtomicOperation::add, false},
                                             {"min", AtomicOperation::min, false},
                                             {"max", AtomicOperation::max, false},
                                             {"and", AtomicOperation::bit_and, true},
                                             {"or", AtomicOperation::bit_or, true},
                                             {"xor", AtomicOperation::bit_xor, true}}};
  if (instruction.modifiers.size() != 3 || instruction.modifiers[0] != "sync") fail_unsupported();
  const std::string_view type = instruction.modifiers[2];
  const auto* row = std::ranges::find(kRows, instruction.modifiers[1], &Row::operation);
  const bool known = row != kRows.end() && (row->of_bits ? type == "b32" : type == "u32" || type == "s32");
  if (!known) fail_unsupported();
  if (instruction.operands.size() != 3) fail_operands();
  const std::uint32_t value = source(instruction.operands[1], Width::word);
  const std::uint32_t members = source(instruction.operands[2], Width::word);
  const std::uint32_t result = destination(instruction.operands[0], Width::word);
  Emitter emitter = emit(Operation::redux);
  emitter.reads(Field::a, value).reads(Field::b, members).writes(Field::destination, result);
  emitter->c = static_cast<std::uint32_t>(row->code);
  emitter->d = type == "s32" ? 1 : 0;
}

}  // namespace vgpu::software
