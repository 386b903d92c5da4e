#include "profiler/instruction_class.h"

#include <array>

namespace vgpu::software::profiler {
namespace {

/// What each row of operations.def serves: empty where the decoder puts the form together.
constexpr std::array<std::string_view, static_cast<std::size_t>(Operation::count)> kForms = {
#define UNARY(id, forms, ...) forms,
#define BINARY(id, forms, ...) forms,
#define TERNARY(id, forms, ...) forms,
#define QUATERNARY(id, forms, ...) forms,
#define COMPARE(id, forms, ...) forms,
#define PREDICATE(id, forms, ...) forms,
#define CARRY(id, forms, ...) forms,
#define ROUNDED(id, forms, ...) forms,
#define CONVERT(id, forms, ...) forms,
#define VECTOR(id, forms, ...) forms,
#define CONTROL(id, forms, ...) forms,
#include "execution/operations.def"
};

InstructionClass class_of_space(const Instruction& instruction) {
  switch (static_cast<Space>(instruction.flags & memory_flag::space_mask)) {
    case Space::generic:
      return InstructionClass::generic;
    case Space::global:
      return InstructionClass::global;
    case Space::constant:
      return InstructionClass::constant;
    case Space::shared:
      return InstructionClass::shared;
    case Space::local:
      return InstructionClass::local;
    case Space::parameter:
      return InstructionClass::parameter;
  }
  return InstructionClass::other;
}

/// By the first part of a form and its last, the type: "add.rn.f32".
InstructionClass class_of_form(std::string_view forms) {
  const std::string_view form = forms.substr(0, forms.find(' '));
  const std::string_view opcode = form.substr(0, form.find('.'));
  const std::string_view type = form.substr(form.rfind('.') + 1);
  if (opcode == "mov" || opcode == "pack" || opcode == "unpack" || opcode == "selp" || opcode == "slct") {
    return type == "pred" ? InstructionClass::predicate : InstructionClass::move;
  }
  if (opcode == "cvt") return InstructionClass::conversion;
  if (opcode == "setp" || opcode == "set" || opcode == "testp" || type == "pred") {
    return InstructionClass::predicate;
  }
  if (type == "f64") return InstructionClass::float64;
  if (type == "f32") return InstructionClass::float32;
  if (type.starts_with("f16") || type.starts_with("bf16")) return InstructionClass::float16;
  return InstructionClass::integer;
}

/// Operations whose names in operations.def begin alike.
InstructionClass class_of_special(Operation operation) {
  if (is_matrix_product(operation)) return InstructionClass::tensor;
  switch (operation) {
    case Operation::cvt_any:
      return InstructionClass::conversion;
    case Operation::atom_any:
      return InstructionClass::atomic;
    case Operation::ld_region:
    case Operation::st_region:
      return InstructionClass::parameter;
    case Operation::texture_read:
      return InstructionClass::global;
    case Operation::isspacep:
      return InstructionClass::predicate;
    case Operation::movmatrix:
      return InstructionClass::tensor;
    case Operation::shfl_up:
    case Operation::shfl_down:
    case Operation::shfl_bfly:
    case Operation::shfl_idx:
    case Operation::vote_all:
    case Operation::vote_any:
    case Operation::vote_uni:
    case Operation::vote_ballot:
    case Operation::match_any_32:
    case Operation::match_any_64:
    case Operation::match_all_32:
    case Operation::match_all_64:
    case Operation::activemask:
    case Operation::redux:
      return InstructionClass::exchange;
    case Operation::barrier_sync:
    case Operation::barrier_arrive:
    case Operation::barrier_red_popc:
    case Operation::barrier_red_and:
    case Operation::barrier_red_or:
    case Operation::warp_sync:
    case Operation::fence:
    case Operation::mbarrier_init:
    case Operation::mbarrier_arrive:
    case Operation::mbarrier_test:
      return InstructionClass::barrier;
    case Operation::branch:
    case Operation::branch_if:
    case Operation::branch_indexed:
    case Operation::call:
    case Operation::call_indirect:
    case Operation::return_:
    case Operation::exit_:
    case Operation::trap:
      return InstructionClass::control;
    default:
      return InstructionClass::other;
  }
}

bool accesses_space(Operation operation) {
  if (operation >= Operation::ld_u8_16 && operation <= Operation::st_64_64) return true;
  switch (operation) {
    case Operation::copy_async:
    case Operation::ldmatrix:
    case Operation::ldmatrix_trans:
    case Operation::load_fragment:
    case Operation::store_fragment:
      return true;
    default:
      return false;
  }
}

}  // namespace

InstructionClass class_of(const Instruction& instruction) {
  const Operation operation = instruction.operation;
  if (accesses_space(operation)) return class_of_space(instruction);
  if (operation >= Operation::ldp_u8_16 && operation <= Operation::ldp_u64_64) {
    return InstructionClass::parameter;
  }
  const InstructionClass special = class_of_special(operation);
  if (special != InstructionClass::other) return special;
  // From here on rows are written by hand and have no type: clocks, nanosleep, printf, malloc.
  if (operation > Operation::guard) return InstructionClass::other;
  const std::string_view forms = kForms[static_cast<std::size_t>(operation)];
  return forms.empty() ? InstructionClass::other : class_of_form(forms);
}

std::string_view name_of(InstructionClass instruction_class) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(InstructionClass::count)> kNames = {
      "integer", "float16",  "float32",  "float64", "conversion", "move",      "predicate",
      "generic", "global",   "constant", "shared",  "local",      "parameter", "atomic",
      "tensor",  "exchange", "barrier",  "control", "other"};
  return kNames[static_cast<std::size_t>(instruction_class)];
}

}  // namespace vgpu::software::profiler
