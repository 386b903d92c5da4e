// What a kernel computes from its parameters, the thread's place in the block and constants alone is the same
// in every block. Nearly every kernel begins so: it is computed once for each warp's frame and taken out of
// the code.
#include <algorithm>
#include <array>
#include <span>

#include "execution/draft.h"

namespace vgpu::software {
namespace {

/// Each such value keeps a row of the frame for itself; more would take the cache away from others.
constexpr std::size_t kMaximumInvariants = 48;

/// Operations that depend on nothing but their operands and can neither fail nor be seen.
constexpr std::array<bool, static_cast<std::size_t>(Operation::count)> kPure = {
#define UNARY(...) true,
#define BINARY(...) true,
#define TERNARY(...) true,
#define QUATERNARY(...) true,
#define COMPARE(...) true,
#define PREDICATE(...) true,
#define CARRY(...) false,
#define ROUNDED(...) false,
#define CONVERT(...) false,
#define VECTOR(...) false,
#define CONTROL(...) false,
#include "execution/operations.def"
};

bool is_pure(Operation operation) {
  const bool loads_parameter = operation >= Operation::ldp_u8_16 && operation <= Operation::ldp_u64_64;
  return loads_parameter || kPure[static_cast<std::size_t>(operation)];
}

bool is_move(Operation operation) {
  return operation == Operation::mov_16 || operation == Operation::mov_32 || operation == Operation::mov_64 ||
         operation == Operation::mov_pred;
}

class Hoisting {
 public:
  explicit Hoisting(Draft& draft)
      : draft_(draft),
        replacement_(draft.values.size()),
        removed_(draft.code.size()),
        written_once_(draft.values.size()) {
    for (std::uint32_t value = 0; value < replacement_.size(); ++value) replacement_[value] = value;
    std::vector<std::uint32_t> writes(draft.values.size());
    for (const Reference& reference : draft.references) {
      if (reference.writes) writes[reference.value] += reference.keeps_lanes ? 2 : 1;
    }
    for (std::size_t value = 0; value < writes.size(); ++value) {
      written_once_[value] = draft.values[value].kind == Value::Kind::variable && writes[value] == 1;
    }
  }

  void run() {
    const std::span references(draft_.references);
    for (std::size_t begin = 0; begin < references.size();) {
      std::size_t end = begin;
      while (end < references.size() && references[end].instruction == references[begin].instruction) ++end;
      visit(references.subspan(begin, end - begin));
      begin = end;
    }
    remove();
  }

 private:
  [[nodiscard]] bool is_invariant(const Value& value) const {
    const bool of_block = value.special == Special::ctaid_x || value.special == Special::ctaid_y ||
                          value.special == Special::ctaid_z;
    return value.kind == Value::Kind::constant || value.kind == Value::Kind::invariant ||
           (value.kind == Value::Kind::special && !of_block);
  }

  /// All operands of one instruction.
  void visit(std::span<Reference> references) {
    for (Reference& reference : references) reference.value = replacement_[reference.value];
    const Instruction& instruction = draft_.code[references.front().instruction];
    if (!is_pure(instruction.operation)) return;
    bool reads_invariants = true;
    const Value* read = nullptr;
    for (const Reference& reference : references) {
      if (reference.writes && !written_once_[reference.value]) return;
      if (reference.writes) continue;
      read = &draft_.values[reference.value];
      reads_invariants &= is_invariant(*read);
    }
    if (is_move(instruction.operation) && (reads_invariants || read->kind == Value::Kind::special)) {
      forward(references);
    } else if (reads_invariants && draft_.preamble.size() < kMaximumInvariants) {
      hoist(references);
    }
  }

  /// Who reads what a move writes can as well read what the move reads.
  void forward(std::span<const Reference> references) {
    const auto source = std::ranges::find(references, false, &Reference::writes);
    const auto destination = std::ranges::find(references, true, &Reference::writes);
    replacement_[destination->value] = source->value;
    removed_[source->instruction] = true;
  }

  void hoist(std::span<const Reference> references) {
    const std::uint32_t instruction = references.front().instruction;
    for (Reference reference : references) {
      if (reference.writes) draft_.values[reference.value].kind = Value::Kind::invariant;
      reference.instruction = static_cast<std::uint32_t>(draft_.preamble.size());
      draft_.preamble_references.push_back(reference);
    }
    draft_.preamble.push_back(draft_.code[instruction]);
    removed_[instruction] = true;
  }

  /// Takes the removed instructions out and moves everything that refers to positions. No guard counts them:
  /// what is guarded is never written once.
  void remove() {
    std::vector<std::uint32_t> moved(draft_.code.size() + 1);
    std::uint32_t kept = 0;
    for (std::uint32_t position = 0; position < draft_.code.size(); ++position) {
      moved[position] = kept;
      if (removed_[position]) continue;
      draft_.code[kept] = draft_.code[position];
      draft_.lines[kept] = draft_.lines[position];
      draft_.source_lines[kept] = draft_.source_lines[position];
      ++kept;
    }
    moved[draft_.code.size()] = kept;
    draft_.code.resize(kept);
    draft_.lines.resize(kept);
    draft_.source_lines.resize(kept);
    for (std::uint32_t& position : draft_.label_positions) position = moved[position];
    std::erase_if(draft_.references,
                  [&](const Reference& reference) { return removed_[reference.instruction]; });
    for (Reference& reference : draft_.references) {
      reference.instruction = moved[reference.instruction];
      reference.value = replacement_[reference.value];  // in a loop a read may stand in front of the write
    }
  }

  Draft& draft_;
  std::vector<std::uint32_t> replacement_;  // of each value
  std::vector<bool> removed_;               // instructions
  std::vector<bool> written_once_;          // values
};

}  // namespace

void hoist_invariants(Draft& draft) {
  Hoisting(draft).run();
}

}  // namespace vgpu::software
