// Decoding of loads, stores, atomics and address conversions.
#include <algorithm>
#include <array>

#include "execution/function_decoder.h"

namespace vgpu::software {
namespace {

/// "shared::cta" → "shared"
std::string_view base_name(std::string_view modifier) {
  return modifier.substr(0, modifier.find("::"));
}

std::optional<Space> space_named(std::string_view modifier) {
  const std::string_view name = base_name(modifier);
  if (name == "global") return Space::global;
  if (name == "const") return Space::constant;
  if (name == "shared") return Space::shared;
  if (name == "local") return Space::local;
  if (name == "param") return Space::parameter;
  return std::nullopt;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

char width_letter(Width width) {
  return width == Width::half ? 'h' : width == Width::word ? 'w' : 'd';
}

}  // namespace

/// The modifiers of a memory instruction.
struct FunctionDecoder::MemoryForm {
  Space space = Space::generic;
  std::size_t elements = 1;
  ptx::ScalarType type = ptx::ScalarType::none;
  bool strong = false;
  std::string_view operation;  // of an atomic
};

FunctionDecoder::MemoryForm FunctionDecoder::read_memory_form(const ptx::Instruction& instruction) {
  MemoryForm form;
  for (const std::string_view modifier : instruction.modifiers) {
    if (const auto space = space_named(modifier)) {
      if (modifier == "shared::cluster") fail_unsupported();
      form.space = *space;
    } else if (const ptx::ScalarType type = ptx::scalar_type(modifier); type != ptx::ScalarType::none) {
      form.type = type;
    } else if (modifier == "v2" || modifier == "v4") {
      form.elements = modifier == "v2" ? 2 : 4;
    } else if (is_one_of(modifier, {"volatile", "relaxed", "acquire", "release", "acq_rel", "mmio"})) {
      form.strong = true;
    } else if (is_one_of(modifier, {"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"})) {
      form.operation = modifier;
    } else if (is_one_of(modifier, {"weak", "nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "cta", "cluster",
                                    "gpu", "sys", "noftz", "unified"}) ||
               modifier.starts_with("L1::") || modifier.starts_with("L2::")) {
      // Hints to caches, and scopes: every strong access here is visible to all threads at once.
    } else {
      fail_unsupported();
    }
  }
  if (form.type == ptx::ScalarType::none || form.type == ptx::ScalarType::pred ||
      ptx::size_of(form.type) > 8) {
    fail_unsupported();
  }
  return form;
}

void FunctionDecoder::add_address(Emitter& emitter, const ptx::Operand& operand, Space space) {
  const auto* address = std::get_if<ptx::AddressOperand>(&operand);
  if (address == nullptr) fail_operands();
  std::int64_t offset = address->offset;
  std::uint32_t base = 0;
  Width width = Width::doubleword;
  if (const auto* reg = std::get_if<ptx::RegisterOperand>(&address->base)) {
    base = reg->index;
    width = register_width(base);
    if (width != Width::word && width != Width::doubleword) fail_operands();
  } else {
    base = source(address->base, Width::doubleword);
  }
  if (offset != static_cast<std::int32_t>(offset))
    fail(Status::not_supported, "offsets above 31 bits are not supported");
  emitter.reads(Field::a, base);
  emitter->flags |= static_cast<std::uint16_t>(space);
  if (width == Width::doubleword) emitter->flags |= memory_flag::wide_address;
  emitter->immediate = static_cast<std::int64_t>(std::uint64_t{context_.access_sites++} << 32 |
                                                 static_cast<std::uint32_t>(offset));
}

// --- ld and st
// ----------------------------------------------------------------------------------------------

void FunctionDecoder::decode_load(const ptx::Instruction& instruction) {
  const MemoryForm form = read_memory_form(instruction);
  if (form.space == Space::parameter) {
    const auto* address = std::get_if<ptx::AddressOperand>(&operand(instruction, 1));
    if (address == nullptr) fail_operands();
    if (const auto* symbol = std::get_if<ptx::SymbolOperand>(&address->base)) {
      const bool own_parameter = symbol->kind == ptx::SymbolKind::parameter;
      const std::int64_t offset = symbol->offset + address->offset;
      if (is_kernel_ && own_parameter) return decode_load_parameter(instruction, form, *symbol, offset);
      return decode_region_access(instruction, form, *symbol, offset, false);
    }
    if (!is_kernel_) fail_unsupported();
  }
  static constexpr std::array kFields{Field::destination, Field::b, Field::c, Field::d};
  std::vector<ptx::ScalarOperand> elements;
  if (const auto* vector = std::get_if<ptx::VectorOperand>(&operand(instruction, 0))) {
    elements = vector->elements;
  } else if (const auto* reg = std::get_if<ptx::RegisterOperand>(&instruction.operands[0])) {
    elements = {*reg};
  } else if (std::holds_alternative<ptx::DiscardOperand>(instruction.operands[0])) {
    elements = {ptx::DiscardOperand{}};
  }
  if (elements.size() != form.elements) fail_operands();

  Width width = width_of_bytes(ptx::size_of(form.type));
  for (const ptx::ScalarOperand& element : elements) {
    if (const auto* reg = std::get_if<ptx::RegisterOperand>(&element)) width = register_width(reg->index);
  }
  std::array<std::uint32_t, 4> results{};
  for (std::size_t i = 0; i < elements.size(); ++i) results[i] = destination(elements[i], width);
  const std::string name =
      std::string("ld.") + std::string(instruction.modifiers.back()) + "." + width_letter(width);
  const auto rows = find_operations(name);
  if (rows.empty()) fail_operands();

  Emitter emitter = emit(rows[0]->operation);
  add_address(emitter, operand(instruction, 1), form.space);
  emitter->flags |= static_cast<std::uint16_t>(form.elements << memory_flag::width_shift);
  if (form.strong) emitter->flags |= memory_flag::strong;
  for (std::size_t i = 0; i < elements.size(); ++i) emitter.writes(kFields[i], results[i]);
}

void FunctionDecoder::decode_store(const ptx::Instruction& instruction) {
  const MemoryForm form = read_memory_form(instruction);
  if (form.space == Space::constant) fail_unsupported();
  if (form.space == Space::parameter) {
    const auto* address = std::get_if<ptx::AddressOperand>(&operand(instruction, 0));
    const auto* symbol = address != nullptr ? std::get_if<ptx::SymbolOperand>(&address->base) : nullptr;
    if (symbol == nullptr) fail_unsupported();
    if (is_kernel_ && symbol->kind == ptx::SymbolKind::parameter) fail_operands();
    return decode_region_access(instruction, form, *symbol, symbol->offset + address->offset, true);
  }
  static constexpr std::array kFields{Field::destination, Field::b, Field::c, Field::d};
  std::vector<ptx::Operand> elements;
  if (const auto* vector = std::get_if<ptx::VectorOperand>(&operand(instruction, 1))) {
    for (const ptx::ScalarOperand& element : vector->elements) {
      elements.push_back(std::visit([](const auto& scalar) { return ptx::Operand(scalar); }, element));
    }
  } else {
    elements.push_back(instruction.operands[1]);
  }
  if (elements.size() != form.elements) fail_operands();

  const std::size_t bytes = ptx::size_of(form.type);
  Width width = width_of_bytes(bytes);
  for (const ptx::Operand& element : elements) {
    if (const auto* reg = std::get_if<ptx::RegisterOperand>(&element)) width = register_width(reg->index);
  }
  std::array<std::uint32_t, 4> values{};
  for (std::size_t i = 0; i < elements.size(); ++i) values[i] = source(elements[i], width);
  const std::string name = std::string("st.") + std::to_string(8 * bytes) + "." + width_letter(width);
  const auto rows = find_operations(name);
  if (rows.empty()) fail_operands();

  Emitter emitter = emit(rows[0]->operation);
  add_address(emitter, operand(instruction, 0), form.space);
  emitter->flags |= static_cast<std::uint16_t>(form.elements << memory_flag::width_shift);
  if (form.strong) emitter->flags |= memory_flag::strong;
  for (std::size_t i = 0; i < elements.size(); ++i) emitter.reads(kFields[i], values[i]);
}

// --- Parameters
// ---------------------------------------------------------------------------------------------

/// A kernel's parameter at a fixed place is the same for all threads of the launch.
void FunctionDecoder::decode_load_parameter(const ptx::Instruction& instruction, const MemoryForm& form,
                                            const ptx::SymbolOperand& symbol, std::int64_t offset) {
  const std::size_t bytes = ptx::size_of(form.type);
  const ParameterPlace& place = parameter_places_[symbol.index];
  const auto begin = static_cast<std::uint64_t>(offset);
  if (begin + bytes * form.elements > place.bytes || begin > place.bytes) {
    fail(Status::invalid_ptx,
         "parameter '" + std::string(symbol.name) + "' has only " + std::to_string(place.bytes) + " bytes");
  }
  std::vector<ptx::ScalarOperand> elements;
  if (const auto* vector = std::get_if<ptx::VectorOperand>(&instruction.operands[0])) {
    elements = vector->elements;
  } else if (const auto* reg = std::get_if<ptx::RegisterOperand>(&instruction.operands[0])) {
    elements = {*reg};
  }
  if (elements.size() != form.elements) fail_operands();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto* reg = std::get_if<ptx::RegisterOperand>(&elements[i]);
    if (reg == nullptr) continue;  // `_`
    const Width width = register_width(reg->index);
    const auto rows = find_operations(std::string("ldp.") + std::string(instruction.modifiers.back()) + "." +
                                      width_letter(width));
    if (rows.empty()) fail_operands();
    Emitter emitter = emit(rows[0]->operation);
    emitter.writes(Field::destination, destination(elements[i], width));
    emitter->immediate = static_cast<std::int64_t>(place.offset + begin + i * bytes);
  }
}

/// Parameters and return values of device functions, on both sides of a call.
void FunctionDecoder::decode_region_access(const ptx::Instruction& instruction, const MemoryForm& form,
                                           const ptx::SymbolOperand& symbol, std::int64_t offset,
                                           bool is_store) {
  const std::uint32_t storage = region(symbol);
  const std::size_t bytes = ptx::size_of(form.type);
  const auto begin = static_cast<std::uint64_t>(offset);
  const std::uint64_t size = draft_.values[storage].bits;
  if (begin > size || begin + bytes * form.elements > size) {
    fail(Status::invalid_ptx,
         "'" + std::string(symbol.name) + "' has only " + std::to_string(size) + " bytes");
  }
  const ptx::Operand& data = operand(instruction, is_store ? 1 : 0);
  std::vector<ptx::Operand> elements;
  if (const auto* vector = std::get_if<ptx::VectorOperand>(&data)) {
    for (const ptx::ScalarOperand& element : vector->elements) {
      elements.push_back(std::visit([](const auto& scalar) { return ptx::Operand(scalar); }, element));
    }
  } else {
    elements.push_back(data);
  }
  if (elements.size() != form.elements) fail_operands();
  const bool is_signed = form.type == ptx::ScalarType::s8 || form.type == ptx::ScalarType::s16 ||
                         form.type == ptx::ScalarType::s32;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (std::holds_alternative<ptx::DiscardOperand>(elements[i])) continue;
    const auto* reg = std::get_if<ptx::RegisterOperand>(&elements[i]);
    const Width width = reg != nullptr ? register_width(reg->index) : width_of_bytes(bytes);
    if (static_cast<std::size_t>(width) < bytes) fail_operands();
    const std::uint32_t value = is_store ? source(elements[i], width) : destination(elements[i], width);
    Emitter emitter = emit(is_store ? Operation::st_region : Operation::ld_region);
    emitter.reads(Field::a, storage);
    if (is_store) {
      emitter.reads(Field::destination, value);
    } else {
      emitter.writes(Field::destination, value);
    }
    emitter->b = static_cast<std::uint32_t>(size);
    emitter->c = static_cast<std::uint32_t>(bytes);
    emitter->d = static_cast<std::uint32_t>(width);
    emitter->immediate = static_cast<std::int64_t>(begin + i * bytes);
    emitter->flags = is_signed ? 1 : 0;
  }
}

// --- Atomics and fences
// -------------------------------------------------------------------------------------

void FunctionDecoder::decode_atomic(const ptx::Instruction& instruction) {
  struct Row {
    std::string_view operation;
    AtomicOperation code;
    std::initializer_list<ptx::ScalarType> types;
  };
  using enum ptx::ScalarType;
  static const std::array<Row, 10> kRows{{
      {"add", AtomicOperation::add, {u32, s32, u64, s64, f32, f64, f16, f16x2}},
      {"min", AtomicOperation::min, {u32, s32, u64, s64}},
      {"max", AtomicOperation::max, {u32, s32, u64, s64}},
      {"and", AtomicOperation::bit_and, {b32, b64}},
      {"or", AtomicOperation::bit_or, {b32, b64}},
      {"xor", AtomicOperation::bit_xor, {b32, b64}},
      {"exch", AtomicOperation::exchange, {b32, b64}},
      {"cas", AtomicOperation::compare_exchange, {b16, b32, b64}},
      {"inc", AtomicOperation::increment, {u32}},
      {"dec", AtomicOperation::decrement, {u32}},
  }};
  static const std::map<ptx::ScalarType, AtomicType> kTypes{
      {b16, AtomicType::b16}, {b32, AtomicType::u32}, {u32, AtomicType::u32},     {s32, AtomicType::s32},
      {b64, AtomicType::u64}, {u64, AtomicType::u64}, {s64, AtomicType::s64},     {f32, AtomicType::f32},
      {f64, AtomicType::f64}, {f16, AtomicType::f16}, {f16x2, AtomicType::f16x2},
  };
  const MemoryForm form = read_memory_form(instruction);
  const auto* row = std::ranges::find(kRows, form.operation, &Row::operation);
  const bool known = row != kRows.end() && std::ranges::find(row->types, form.type) != row->types.end();
  const bool in_constants = form.space == Space::constant;
  if (!known || in_constants || form.elements != 1 || form.space == Space::parameter ||
      form.space == Space::local)
    fail_unsupported();

  const bool has_result = instruction.opcode == "atom";
  const std::size_t first = has_result ? 1 : 0;
  const bool compares = row->code == AtomicOperation::compare_exchange;
  if (instruction.operands.size() != first + (compares ? 3 : 2)) fail_operands();
  const Width width = width_of_bytes(ptx::size_of(form.type));
  const std::uint32_t b = source(instruction.operands[first + 1], width);
  const std::uint32_t c = compares ? source(instruction.operands[first + 2], width) : b;

  Emitter emitter = emit(Operation::atom_any);
  add_address(emitter, instruction.operands[first], form.space);
  emitter.reads(Field::b, b).reads(Field::c, c);
  emitter->d = static_cast<std::uint32_t>(row->code) << 8 | static_cast<std::uint32_t>(kTypes.at(form.type));
  if (has_result) {
    emitter->flags |= kAtomicResult;
    emitter.writes(Field::destination, destination(instruction.operands[0], width));
  }
}

void FunctionDecoder::decode_fence(const ptx::Instruction& instruction) {
  for (const std::string_view modifier : instruction.modifiers) {
    if (!is_one_of(modifier,
                   {"cta", "gl", "sys", "gpu", "cluster", "sc", "acq_rel", "acquire", "release", "level"})) {
      fail_unsupported();
    }
  }
  emit(Operation::fence);
}

// --- Addresses
// ----------------------------------------------------------------------------------------------

void FunctionDecoder::decode_convert_address(const ptx::Instruction& instruction) {
  const bool to_space = has_modifier(instruction, "to");
  std::optional<Space> space;
  for (const std::string_view modifier : instruction.modifiers) {
    if (const auto named = space_named(modifier)) space = named;
  }
  if (!space || instruction.operands.size() != 2 || instruction.modifiers.back() != "u64") fail_unsupported();
  const std::uint32_t address = source(instruction.operands[1], Width::doubleword);
  const std::uint32_t result = destination(instruction.operands[0], Width::doubleword);
  const std::uint64_t window = *space == Space::shared      ? kSharedWindow
                               : *space == Space::local     ? kLocalWindow
                               : *space == Space::parameter ? kParameterWindow
                                                            : 0;
  if (window == 0) {
    emit(Operation::mov_64).reads(Field::a, address).writes(Field::destination, result);
    return;
  }
  emit(to_space ? Operation::sub_64 : Operation::add_64)
      .reads(Field::a, address)
      .reads(Field::b, constant(Width::doubleword, window))
      .writes(Field::destination, result);
}

void FunctionDecoder::decode_is_space(const ptx::Instruction& instruction) {
  if (instruction.modifiers.size() != 1 || instruction.operands.size() != 2) fail_unsupported();
  const auto space = space_named(instruction.modifiers[0]);
  if (!space) fail_unsupported();
  const std::uint32_t address = source(instruction.operands[1], Width::doubleword);
  const std::uint32_t result = destination(instruction.operands[0], Width::predicate);
  Emitter emitter = emit(Operation::isspacep);
  emitter.reads(Field::a, address).writes(Field::destination, result);
  emitter->flags = static_cast<std::uint16_t>(*space);
}

}  // namespace vgpu::software
