#include "execution/function_decoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>

namespace vgpu::software {
namespace {

// Far beyond what a GPU has, but small enough for the memory of a whole block.
constexpr std::uint64_t kMaximumFrameBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kMaximumLocalBytes = std::uint64_t{512} << 10;  // per thread, as on a GPU
constexpr std::uint64_t kMaximumParameterBytes = std::uint64_t{64} << 10;

struct SpecialName {
  std::string_view name;
  Special special;
};

constexpr SpecialName kSpecialNames[] = {
    {"%tid.x", Special::tid_x},
    {"%tid.y", Special::tid_y},
    {"%tid.z", Special::tid_z},
    {"%ntid.x", Special::ntid_x},
    {"%ntid.y", Special::ntid_y},
    {"%ntid.z", Special::ntid_z},
    {"%ctaid.x", Special::ctaid_x},
    {"%ctaid.y", Special::ctaid_y},
    {"%ctaid.z", Special::ctaid_z},
    {"%nctaid.x", Special::nctaid_x},
    {"%nctaid.y", Special::nctaid_y},
    {"%nctaid.z", Special::nctaid_z},
    {"%laneid", Special::laneid},
    {"%warpid", Special::warpid},
    {"%nwarpid", Special::nwarpid},
    {"%smid", Special::smid},
    {"%nsmid", Special::nsmid},
    {"%gridid", Special::gridid},
    {"%lanemask_eq", Special::lanemask_eq},
    {"%lanemask_le", Special::lanemask_le},
    {"%lanemask_lt", Special::lanemask_lt},
    {"%lanemask_ge", Special::lanemask_ge},
    {"%lanemask_gt", Special::lanemask_gt},
    {"%dynamic_smem_size", Special::dynamic_smem_size},
    {"%envreg1", Special::envreg1},
    {"%envreg2", Special::envreg2},
    {"%total_smem_size", Special::total_smem_size},
    {"%aggr_smem_size", Special::total_smem_size},
};

/// An f16 constant can only be written as bits or as a decimal number; round to nearest even.
std::uint64_t float_constant(const ptx::FloatOperand& operand, Width width) {
  if (width == Width::doubleword) return std::bit_cast<std::uint64_t>(operand.value);
  return operand.is_f32_bits ? operand.f32_bits
                             : std::bit_cast<std::uint32_t>(static_cast<float>(operand.value));
}

std::uint64_t low_bits(std::uint64_t bits, Width width) {
  switch (width) {
    case Width::predicate:
      return bits != 0 ? 1 : 0;
    case Width::half:
      return bits & 0xffff;
    case Width::word:
      return bits & 0xffff'ffff;
    case Width::doubleword:
      return bits;
  }
  return bits;
}

ptx::Operand to_operand(const ptx::ScalarOperand& scalar) {
  return std::visit([](const auto& operand) { return ptx::Operand(operand); }, scalar);
}

std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

std::string spelled_form(const ptx::Instruction& instruction) {
  std::string form(instruction.opcode);
  for (const std::string_view modifier : instruction.modifiers) {
    form += '.';
    form += modifier;
  }
  return form;
}

bool has_modifier(const ptx::Instruction& instruction, std::string_view modifier) {
  return std::ranges::find(instruction.modifiers, modifier) != instruction.modifiers.end();
}

Width width_of_bytes(std::size_t bytes) {
  return bytes <= 2 ? Width::half : bytes == 4 ? Width::word : Width::doubleword;
}

std::vector<ParameterPlace> place_parameters(const std::vector<ptx::Variable>& parameters,
                                             std::size_t& total_bytes) {
  std::vector<ParameterPlace> places;
  total_bytes = 0;
  for (const ptx::Variable& parameter : parameters) {
    const std::size_t natural = ptx::size_of(parameter.type) * parameter.vector_width;
    const std::size_t alignment = std::max<std::size_t>({parameter.alignment, natural, 1});
    total_bytes = align_up(total_bytes, alignment);
    places.push_back({total_bytes, parameter.bytes()});
    total_bytes += parameter.bytes();
  }
  return places;
}

FunctionDecoder::FunctionDecoder(KernelContext& context, const ptx::Function& function, bool is_kernel)
    : context_(context), function_(function), is_kernel_(is_kernel) {
  parameter_places_ = place_parameters(function.parameters, parameter_bytes_);
  for (const ptx::Register& reg : function.registers) {
    if (reg.vector_width != 1 || ptx::size_of(reg.type) > 8) {
      fail(Status::not_supported,
           "the register '" + std::string(reg.name) + "' is a vector or wider than 64 bits");
    }
    Value value;
    value.width =
        reg.type == ptx::ScalarType::pred ? Width::predicate : width_of_bytes(ptx::size_of(reg.type));
    draft_.values.push_back(value);
  }
  draft_.label_positions.assign(function.label_count, 0);
  std::uint64_t local_bytes = 0;
  for (const ptx::Variable& variable : function.variables) {
    if (variable.space != ptx::StateSpace::local) continue;
    const std::size_t alignment = std::max<std::size_t>({variable.alignment, ptx::size_of(variable.type), 1});
    local_bytes = align_up(local_bytes, alignment);
    local_addresses_[&variable] = local_bytes;
    if (variable.bytes() > kMaximumLocalBytes || local_bytes + variable.bytes() > kMaximumLocalBytes) {
      fail(Status::not_supported,
           "more than " + std::to_string(kMaximumLocalBytes) + " bytes of local memory");
    }
    local_bytes += variable.bytes();
  }
  local_bytes_ = static_cast<std::uint32_t>(align_up(local_bytes, 16));
}

/// Makes the per-lane storage of a .param variable.
std::uint32_t FunctionDecoder::add_region(const ptx::Variable& variable) {
  if (variable.bytes() > kMaximumParameterBytes) {
    fail(Status::not_supported, "parameter '" + std::string(variable.name) + "' has more than " +
                                    std::to_string(kMaximumParameterBytes) + " bytes");
  }
  Value value{Value::Kind::region};
  value.bits = std::max<std::uint64_t>(variable.bytes(), 1);
  return regions_[&variable] = add_value(value);
}

void FunctionDecoder::decode() {
  if (!is_kernel_) {
    const auto add = [&](const ptx::Variable& variable) {
      if (variable.space == ptx::StateSpace::reg) {
        fail(Status::not_supported,
             "parameter '" + std::string(variable.name) + "' in a register is not supported");
      }
      add_region(variable);
    };
    for (const ptx::Variable& parameter : function_.parameters) add(parameter);
    for (const ptx::Variable& value : function_.return_values) add(value);
  }
  for (const ptx::Statement& statement : function_.statements) {
    if (const auto* label = std::get_if<ptx::Label>(&statement)) {
      draft_.label_positions[label->number] = static_cast<std::uint32_t>(draft_.code.size());
    } else if (const auto* instruction = std::get_if<ptx::Instruction>(&statement)) {
      decode_statement(*instruction);
    } else if (const auto* location = std::get_if<ptx::SourceLocation>(&statement)) {
      source_line_ = {location->file, location->line, location->caller_file, location->caller_line};
    }
  }
  // The end of the body returns, too.
  const std::uint32_t last_line = draft_.lines.empty() ? function_.line : draft_.lines.back();
  draft_.code.push_back(Instruction{Operation::return_});
  draft_.lines.push_back(last_line);
  draft_.source_lines.push_back(source_line_);

  if (is_kernel_ && context_.invariants == Invariants::in_preamble) hoist_invariants(draft_);
  arrange_control_flow(draft_);
  const std::uint64_t frame_bytes = assign_rows(draft_);
  if (frame_bytes > kMaximumFrameBytes) {
    fail(Status::not_supported,
         "the registers alive at once take " + std::to_string(frame_bytes / kLanes) + " bytes per thread");
  }
  frame_bytes_ = static_cast<std::uint32_t>(frame_bytes);
}

DecodedFunction FunctionDecoder::description() const {
  DecodedFunction description;
  description.name = function_.name;
  description.frame_bytes = frame_bytes_;
  description.local_bytes = local_bytes_;
  for (const Value& value : draft_.values) {
    if (value.kind == Value::Kind::constant)
      description.constants.push_back({value.offset, value.width, value.bits});
    if (value.kind == Value::Kind::special) {
      description.specials.push_back({value.offset, value.width, value.special, value.bits});
    }
  }
  if (!is_kernel_) {
    const auto place = [&](const ptx::Variable& variable) {
      const Value& value = draft_.values[regions_.at(&variable)];
      return ParameterRegion{value.offset, static_cast<std::uint32_t>(value.bits)};
    };
    for (const ptx::Variable& variable : function_.parameters)
      description.parameters.push_back(place(variable));
    for (const ptx::Variable& variable : function_.return_values)
      description.return_values.push_back(place(variable));
  }
  return description;
}

std::vector<CallSite> FunctionDecoder::call_sites() const {
  std::vector<CallSite> sites;
  const auto place = [&](std::uint32_t index) {
    const Value& value = draft_.values[index];
    return ParameterRegion{value.offset, static_cast<std::uint32_t>(value.bits)};
  };
  for (const DraftCallSite& draft : call_sites_) {
    CallSite site;
    for (const std::uint32_t value : draft.arguments) site.arguments.push_back(place(value));
    for (const std::uint32_t value : draft.return_values) site.return_values.push_back(place(value));
    sites.push_back(std::move(site));
  }
  return sites;
}

// --- Instructions
// -------------------------------------------------------------------------------------------

FunctionDecoder::Emitter& FunctionDecoder::Emitter::refer(Field field, std::uint32_t value, bool writes) {
  decoder_->draft_.references.push_back({position_, value, field, writes, writes && decoder_->guarded_});
  return *this;
}

/// The operands behind each other in the list that Instruction::d names.
FunctionDecoder::Emitter& FunctionDecoder::Emitter::list(std::span<const std::uint32_t> values, bool writes) {
  Draft& draft = decoder_->draft_;
  for (const std::uint32_t value : values) {
    const auto slot = static_cast<std::uint32_t>(draft.operand_rows.size());
    draft.operand_rows.push_back(0);
    refer(Field::listed, value, writes);
    draft.references.back().slot = slot;
  }
  return *this;
}

FunctionDecoder::Emitter FunctionDecoder::emit(Operation operation) {
  draft_.code.push_back(Instruction{operation});
  draft_.lines.push_back(instruction_->line);
  draft_.source_lines.push_back(source_line_);
  return {this, static_cast<std::uint32_t>(draft_.code.size()) - 1};
}

void FunctionDecoder::decode_statement(const ptx::Instruction& instruction) {
  // After these, or while they wait for other lanes, a split may be another one.
  static constexpr std::array<std::string_view, 18> kControl{
      "bra",       "brx",  "call", "ret",   "exit",  "bar", "barrier", "trap",     "brkpt",
      "nanosleep", "vote", "shfl", "match", "redux", "mma", "wmma",    "ldmatrix", "movmatrix"};
  instruction_ = &instruction;
  const bool is_control = std::ranges::find(kControl, instruction.opcode) != kControl.end();
  if (!instruction.guard || instruction.opcode == "bra") {
    decode_instruction(instruction);
  } else if (is_control) {
    // `@p exit` becomes `@!p bra over; exit; over:`, so that only branches make lanes part.
    const auto over = static_cast<std::uint32_t>(draft_.label_positions.size());
    draft_.label_positions.push_back(0);
    Emitter branch = emit(Operation::branch_if);
    branch.reads(Field::a, instruction.guard->reg);
    branch->b = over;
    branch->flags = instruction.guard->negated ? 0 : kNegated;
    decode_instruction(instruction);
    draft_.label_positions[over] = static_cast<std::uint32_t>(draft_.code.size());
  } else {
    Emitter guard = emit(Operation::guard);
    guard.reads(Field::a, instruction.guard->reg);
    guard->flags = instruction.guard->negated ? kNegated : 0;
    const std::size_t first = draft_.code.size();
    guarded_ = true;
    decode_instruction(instruction);
    guarded_ = false;
    guard->immediate = static_cast<std::int64_t>(draft_.code.size() - first);
  }
}

void FunctionDecoder::decode_instruction(const ptx::Instruction& instruction) {
  using Decode = void (FunctionDecoder::*)(const ptx::Instruction&);
  static const std::map<std::string_view, Decode> kFamilies{
      {"mov", &FunctionDecoder::decode_move},
      {"cvt", &FunctionDecoder::decode_convert},
      {"setp", &FunctionDecoder::decode_set_predicate},
      {"set", &FunctionDecoder::decode_set},
      {"lop3", &FunctionDecoder::decode_logic3},
      {"ld", &FunctionDecoder::decode_load},
      {"ldu", &FunctionDecoder::decode_load},
      {"st", &FunctionDecoder::decode_store},
      {"atom", &FunctionDecoder::decode_atomic},
      {"red", &FunctionDecoder::decode_atomic},
      {"membar", &FunctionDecoder::decode_fence},
      {"fence", &FunctionDecoder::decode_fence},
      {"cvta", &FunctionDecoder::decode_convert_address},
      {"isspacep", &FunctionDecoder::decode_is_space},
      {"bra", &FunctionDecoder::decode_branch},
      {"brx", &FunctionDecoder::decode_indexed_branch},
      {"call", &FunctionDecoder::decode_call},
      {"bar", &FunctionDecoder::decode_barrier},
      {"barrier", &FunctionDecoder::decode_barrier},
      {"shfl", &FunctionDecoder::decode_shuffle},
      {"vote", &FunctionDecoder::decode_vote},
      {"match", &FunctionDecoder::decode_match},
      {"redux", &FunctionDecoder::decode_reduce},
      {"cp", &FunctionDecoder::decode_async_copy},
      {"mbarrier", &FunctionDecoder::decode_mbarrier},
      {"mma", &FunctionDecoder::decode_matrix_product},
      {"wmma", &FunctionDecoder::decode_fragments},
      {"ldmatrix", &FunctionDecoder::decode_load_matrix},
      {"tex", &FunctionDecoder::decode_texture_read},
  };
  // Hints to a cache and signals to a profiler, neither of which exists here.
  static constexpr std::array<std::string_view, 5> kHints{"prefetch", "prefetchu", "applypriority", "discard",
                                                          "pmevent"};
  if (std::ranges::find(kHints, instruction.opcode) != kHints.end()) {
    emit(Operation::nothing);
  } else if (instruction.opcode == "nanosleep") {
    emit(Operation::nanosleep);  // for how long does not matter: the other warps run meanwhile
  } else if (const auto family = kFamilies.find(instruction.opcode); family != kFamilies.end()) {
    (this->*family->second)(instruction);
  } else {
    decode_by_table(instruction);
  }
}

void FunctionDecoder::decode_by_table(const ptx::Instruction& instruction) {
  const std::string form = spelled_form(instruction);
  if (decode_with_form(instruction, form, 0)) return;
  if (!find_operations(form).empty()) fail_operands();
  if (!decode_rounded(instruction)) fail_unsupported();
}

bool FunctionDecoder::decode_with_form(const ptx::Instruction& instruction, std::string_view form,
                                       std::uint16_t flags) {
  static constexpr std::array kFields{Field::destination, Field::a, Field::b, Field::c, Field::d};
  for (const OperationRow* row : find_operations(form)) {
    const std::size_t count = row->operands;
    if (instruction.operands.size() != count) continue;
    bool all_fit = true;
    for (std::size_t i = 0; i < count; ++i)
      all_fit = all_fit && fits(instruction.operands[i], row->widths[i]);
    if (!all_fit) continue;

    std::array<std::uint32_t, kFields.size()> values{};
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = i == 0 ? destination(instruction.operands[i], row->widths[i])
                         : source(instruction.operands[i], row->widths[i]);
    }
    Emitter emitter = emit(row->operation);
    emitter->flags = flags;
    for (std::size_t i = 1; i < count; ++i) emitter.reads(kFields[i], values[i]);
    if (row->reads_carry) emitter.reads(Field::d, carry_flag());
    if (count != 0) emitter.writes(Field::destination, values[0]);
    if (row->writes_carry) emitter.writes(Field::d, carry_flag());
    return true;
  }
  return false;
}

/// Rounding modes, .ftz and .sat that have no row of their own.
bool FunctionDecoder::decode_rounded(const ptx::Instruction& instruction) {
  if (instruction.modifiers.empty()) return false;
  std::uint16_t flags = 0;
  for (const std::string_view modifier :
       std::span(instruction.modifiers).first(instruction.modifiers.size() - 1)) {
    if (modifier == "rn") {
      flags |= rounding_flag::nearest;
    } else if (modifier == "rz") {
      flags |= rounding_flag::zero;
    } else if (modifier == "rm") {
      flags |= rounding_flag::down;
    } else if (modifier == "rp") {
      flags |= rounding_flag::up;
    } else if (modifier == "ftz") {
      flags |= rounding_flag::flush;
    } else if (modifier == "sat") {
      flags |= rounding_flag::saturate;
    } else {
      return false;
    }
  }
  const bool is_double = instruction.modifiers.back() == "f64";
  if (is_double && (flags & (rounding_flag::flush | rounding_flag::saturate)) != 0) return false;
  std::string form(instruction.opcode);
  form += ".rounded.";
  form += instruction.modifiers.back();
  return decode_with_form(instruction, form, flags);
}

// --- Values
// -------------------------------------------------------------------------------------------------

std::uint32_t FunctionDecoder::add_value(const Value& value) {
  draft_.values.push_back(value);
  return static_cast<std::uint32_t>(draft_.values.size()) - 1;
}

std::uint32_t FunctionDecoder::constant(Width width, std::uint64_t bits) {
  const auto key = std::pair(width, low_bits(bits, width));
  const auto known = constants_.find(key);
  if (known != constants_.end()) return known->second;
  Value value{Value::Kind::constant, width};
  value.bits = key.second;
  return constants_[key] = add_value(value);
}

std::uint32_t FunctionDecoder::special(Width width, Special special, std::uint64_t addend) {
  const auto key = std::tuple(width, special, addend);
  const auto known = specials_.find(key);
  if (known != specials_.end()) return known->second;
  Value value{Value::Kind::special, width};
  value.bits = addend;
  value.special = special;
  return specials_[key] = add_value(value);
}

std::uint32_t FunctionDecoder::temporary(Width width) {
  return add_value({Value::Kind::variable, width});
}

std::uint32_t FunctionDecoder::carry_flag() {
  if (!carry_flag_) carry_flag_ = temporary(Width::predicate);
  return *carry_flag_;
}

/// The per-lane storage of a .param variable of a device function or of a call.
std::uint32_t FunctionDecoder::region(const ptx::SymbolOperand& symbol) {
  const ptx::Variable* variable = nullptr;
  if (symbol.kind == ptx::SymbolKind::parameter) variable = &function_.parameters[symbol.index];
  if (symbol.kind == ptx::SymbolKind::return_value) variable = &function_.return_values[symbol.index];
  if (symbol.kind == ptx::SymbolKind::variable) variable = &function_.variables[symbol.index];
  if (variable == nullptr || variable->space != ptx::StateSpace::param) fail_operands();
  const auto known = regions_.find(variable);
  return known != regions_.end() ? known->second : add_region(*variable);
}

Width FunctionDecoder::register_width(std::uint32_t index) const {
  return draft_.values[index].width;
}

bool FunctionDecoder::fits(const ptx::Operand& operand, Width width) const {
  if (const auto* reg = std::get_if<ptx::RegisterOperand>(&operand))
    return register_width(reg->index) == width;
  return !std::holds_alternative<ptx::AddressOperand>(operand) &&
         !std::holds_alternative<ptx::VectorOperand>(operand);
}

const ptx::Operand& FunctionDecoder::operand(const ptx::Instruction& instruction, std::size_t index) const {
  if (index >= instruction.operands.size()) fail_operands();
  return instruction.operands[index];
}

std::string_view FunctionDecoder::last_modifier(const ptx::Instruction& instruction) const {
  if (instruction.modifiers.empty()) fail_unsupported();
  return instruction.modifiers.back();
}

std::uint32_t FunctionDecoder::source(const ptx::ScalarOperand& operand, Width width) {
  return source(to_operand(operand), width);
}

std::uint32_t FunctionDecoder::source(const ptx::Operand& operand, Width width) {
  if (const auto* reg = std::get_if<ptx::RegisterOperand>(&operand)) {
    if (reg->component != 0 || !reg->selector.empty()) fail_unsupported();
    if (register_width(reg->index) != width) fail_operands();
    return reg->index;
  }
  if (const auto* integer = std::get_if<ptx::IntegerOperand>(&operand)) return constant(width, integer->bits);
  if (const auto* number = std::get_if<ptx::FloatOperand>(&operand)) {
    if (width == Width::half) fail_unsupported();
    return constant(width, float_constant(*number, width));
  }
  if (const auto* name = std::get_if<ptx::SpecialOperand>(&operand))
    return special_register(name->name, width);
  if (const auto* symbol = std::get_if<ptx::SymbolOperand>(&operand)) return symbol_address(*symbol, width);
  fail_operands();
}

std::uint32_t FunctionDecoder::destination(const ptx::ScalarOperand& operand, Width width) {
  return destination(to_operand(operand), width);
}

std::uint32_t FunctionDecoder::destination(const ptx::Operand& operand, Width width) {
  if (const auto* reg = std::get_if<ptx::RegisterOperand>(&operand)) {
    if (reg->component != 0 || !reg->selector.empty()) fail_unsupported();
    if (register_width(reg->index) != width) fail_operands();
    return reg->index;
  }
  if (std::holds_alternative<ptx::DiscardOperand>(operand)) return temporary(width);
  fail_operands();
}

std::pair<std::uint32_t, bool> FunctionDecoder::predicate_source(const ptx::Operand& operand) {
  if (const auto* negated = std::get_if<ptx::NegatedOperand>(&operand)) {
    if (register_width(negated->reg.index) != Width::predicate) fail_operands();
    return {negated->reg.index, true};
  }
  return {source(operand, Width::predicate), false};
}

std::uint32_t FunctionDecoder::symbol_address(const ptx::SymbolOperand& symbol, Width width) {
  const auto offset = static_cast<std::uint64_t>(symbol.offset);
  switch (symbol.kind) {
    case ptx::SymbolKind::variable: {
      const ptx::Variable* variable = &function_.variables[symbol.index];
      if (const auto shared = context_.shared_addresses.find(variable);
          shared != context_.shared_addresses.end()) {
        return constant(width, shared->second + offset);
      }
      if (const auto local = local_addresses_.find(variable); local != local_addresses_.end()) {
        if (is_kernel_) return constant(width, local->second + offset);
        return special(width, Special::local_base, local->second + offset);
      }
      fail(Status::not_supported, "the address of '" + std::string(symbol.name) + "' is not supported");
    }
    case ptx::SymbolKind::parameter:
      if (is_kernel_) return constant(width, parameter_places_[symbol.index].offset + offset);
      fail(Status::not_supported, "the address of a function's parameter is not supported");
    case ptx::SymbolKind::global:
      break;
    default:
      fail_operands();
  }
  for (const ptx::Variable& variable : context_.module->syntax.variables) {
    if (variable.name != symbol.name || variable.space != ptx::StateSpace::shared) continue;
    return constant(width, context_.shared_addresses.at(&variable) + offset);
  }
  if (const auto variable = context_.module->variables.find(symbol.name);
      variable != context_.module->variables.end()) {
    return constant(width, variable->second + offset);
  }
  if (const auto function = context_.module->functions.find(symbol.name);
      function != context_.module->functions.end()) {
    return constant(width, function_address(function->second));
  }
  fail(Status::invalid_ptx, "'" + std::string(symbol.name) + "' is not defined in this module");
}

std::uint32_t FunctionDecoder::special_register(std::string_view name, Width width) {
  if (name == "WARP_SZ") return constant(width, kLanes);
  const auto* known = std::ranges::find(kSpecialNames, name, &SpecialName::name);
  if (known == std::end(kSpecialNames)) {
    if (name.starts_with("%envreg")) return special(width, Special::zero);
    fail(Status::not_supported, "the special register " + std::string(name) + " is not supported");
  }
  return special(width, known->special);
}

// --- Errors
// -------------------------------------------------------------------------------------------------

void FunctionDecoder::fail(Status status, const std::string& message) const {
  std::string place = "kernel '" + std::string(context_.kernel_name) + "'";
  if (!is_kernel_) place += ", function '" + std::string(function_.name) + "'";
  const std::uint32_t line = instruction_ != nullptr ? instruction_->line : function_.line;
  throw Error(status, place + ", PTX line " + std::to_string(line) + ": " + message);
}

void FunctionDecoder::fail_unsupported() const {
  fail(Status::not_supported, "'" + spelled_form(*instruction_) + "' is not supported");
}

void FunctionDecoder::fail_operands() const {
  fail(Status::invalid_ptx,
       "the operands do not fit '" + spelled_form(*instruction_) + "': " + std::string(instruction_->text));
}

}  // namespace vgpu::software
