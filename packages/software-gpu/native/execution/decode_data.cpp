// Decoding of moves, conversions and comparisons.
#include <algorithm>
#include <array>
#include <cstring>

#include "execution/function_decoder.h"

namespace vgpu::software {
namespace {

constexpr std::array<std::string_view, 3> kCombinations{"and", "or", "xor"};

struct RoundingName {
  std::string_view name;
  std::uint16_t flags;
};

constexpr RoundingName kRoundings[] = {
    {"rn", rounding_flag::nearest},
    {"rz", rounding_flag::zero},
    {"rm", rounding_flag::down},
    {"rp", rounding_flag::up},
    {"rni", rounding_flag::nearest | rounding_flag::to_integer},
    {"rzi", rounding_flag::zero | rounding_flag::to_integer},
    {"rmi", rounding_flag::down | rounding_flag::to_integer},
    {"rpi", rounding_flag::up | rounding_flag::to_integer},
    {"ftz", rounding_flag::flush},
    {"sat", rounding_flag::saturate},
};

bool is_convertible(ptx::ScalarType type) {
  switch (type) {
    case ptx::ScalarType::u8:
    case ptx::ScalarType::u16:
    case ptx::ScalarType::u32:
    case ptx::ScalarType::u64:
    case ptx::ScalarType::s8:
    case ptx::ScalarType::s16:
    case ptx::ScalarType::s32:
    case ptx::ScalarType::s64:
    case ptx::ScalarType::f16:
    case ptx::ScalarType::bf16:
    case ptx::ScalarType::f32:
    case ptx::ScalarType::f64:
      return true;
    default:
      return false;
  }
}

}  // namespace

// --- mov
// ----------------------------------------------------------------------------------------------------

void FunctionDecoder::decode_move(const ptx::Instruction& instruction) {
  const ptx::Operand& to = operand(instruction, 0);
  const ptx::Operand& from = operand(instruction, 1);
  if (const auto* sources = std::get_if<ptx::VectorOperand>(&from)) return decode_pack(instruction, *sources);
  if (const auto* destinations = std::get_if<ptx::VectorOperand>(&to)) {
    return decode_unpack(instruction, *destinations);
  }
  if (const auto* name = std::get_if<ptx::SpecialOperand>(&from);
      name != nullptr && decode_clock(instruction, name->name)) {
    return;
  }
  decode_by_table(instruction);
}

void FunctionDecoder::decode_pack(const ptx::Instruction& instruction, const ptx::VectorOperand& sources) {
  const std::size_t bytes = ptx::size_of(ptx::scalar_type(last_modifier(instruction)));
  const std::size_t count = sources.elements.size();
  if (count == 0 || bytes % count != 0) fail_operands();
  Operation operation{};
  if (bytes == 4 && count == 2) {
    operation = Operation::pack_16x2;
  } else if (bytes == 8 && count == 2) {
    operation = Operation::pack_32x2;
  } else if (bytes == 8 && count == 4) {
    operation = Operation::pack_16x4;
  } else {
    fail_unsupported();
  }
  static constexpr std::array kFields{Field::a, Field::b, Field::c, Field::d};
  std::array<std::uint32_t, 4> values{};
  for (std::size_t i = 0; i < count; ++i)
    values[i] = source(sources.elements[i], width_of_bytes(bytes / count));
  const std::uint32_t result = destination(instruction.operands[0], width_of_bytes(bytes));
  Emitter emitter = emit(operation);
  for (std::size_t i = 0; i < count; ++i) emitter.reads(kFields[i], values[i]);
  emitter.writes(Field::destination, result);
}

void FunctionDecoder::decode_unpack(const ptx::Instruction& instruction,
                                    const ptx::VectorOperand& destinations) {
  const std::size_t bytes = ptx::size_of(ptx::scalar_type(last_modifier(instruction)));
  const std::size_t count = destinations.elements.size();
  if (count == 0 || bytes % count != 0) fail_operands();
  const std::size_t part = bytes / count;
  Operation operation{};
  if (part == 2 && bytes == 4) {
    operation = Operation::unpack_16_of_32;
  } else if (part == 2 && bytes == 8) {
    operation = Operation::unpack_16_of_64;
  } else if (part == 4 && bytes == 8) {
    operation = Operation::unpack_32_of_64;
  } else {
    fail_unsupported();
  }
  const std::uint32_t whole = source(instruction.operands[1], width_of_bytes(bytes));
  for (std::size_t i = 0; i < count; ++i) {
    if (std::holds_alternative<ptx::DiscardOperand>(destinations.elements[i])) continue;
    const std::uint32_t result = destination(destinations.elements[i], width_of_bytes(part));
    Emitter emitter = emit(operation);
    emitter.reads(Field::a, whole).writes(Field::destination, result);
    emitter->immediate = static_cast<std::int64_t>(8 * part * i);
  }
}

/// Registers that change while the kernel runs are read by an operation of their own.
bool FunctionDecoder::decode_clock(const ptx::Instruction& instruction, std::string_view name) {
  static const std::map<std::string_view, std::string_view> kForms{
      {"%clock", "mov.clock.32"},
      {"%clock64", "mov.clock.64"},
      {"%globaltimer", "mov.globaltimer.64"},
      {"%globaltimer_lo", "mov.globaltimer.32"},
      {"%globaltimer_hi", "mov.globaltimer_hi.32"},
  };
  const auto form = kForms.find(name);
  if (form == kForms.end()) return false;
  const OperationRow& row = *find_operations(form->second)[0];
  const std::uint32_t result = destination(instruction.operands[0], row.widths[0]);
  emit(row.operation).writes(Field::destination, result);
  return true;
}

// --- cvt
// ----------------------------------------------------------------------------------------------------

void FunctionDecoder::decode_convert(const ptx::Instruction& instruction) {
  if (decode_with_form(instruction, spelled_form(instruction), 0)) return;
  if (instruction.modifiers.size() < 2 || instruction.operands.size() != 2) fail_unsupported();
  const std::size_t types = instruction.modifiers.size() - 2;
  const ptx::ScalarType to = ptx::scalar_type(instruction.modifiers[types]);
  const ptx::ScalarType from = ptx::scalar_type(instruction.modifiers[types + 1]);
  if (!is_convertible(to) || !is_convertible(from)) fail_unsupported();
  std::uint16_t flags = 0;
  for (std::size_t i = 0; i < types; ++i) {
    const auto* rounding = std::ranges::find(kRoundings, instruction.modifiers[i], &RoundingName::name);
    if (rounding == std::end(kRoundings)) fail_unsupported();
    flags |= rounding->flags;
  }
  // Either register may be wider than its type.
  const auto width = [&](const ptx::Operand& operand, ptx::ScalarType type) {
    const auto* reg = std::get_if<ptx::RegisterOperand>(&operand);
    if (reg == nullptr) return width_of_bytes(ptx::size_of(type));
    const Width actual = register_width(reg->index);
    if (static_cast<std::size_t>(actual) < ptx::size_of(type)) fail_operands();
    return actual;
  };
  const Width width_to = width(instruction.operands[0], to);
  const Width width_from = width(instruction.operands[1], from);
  const std::uint32_t value = source(instruction.operands[1], width_from);
  const std::uint32_t result = destination(instruction.operands[0], width_to);
  Emitter emitter = emit(Operation::cvt_any);
  emitter.reads(Field::a, value).writes(Field::destination, result);
  emitter->flags = flags;
  const Conversion conversion{static_cast<std::uint8_t>(to), static_cast<std::uint8_t>(from),
                              static_cast<std::uint8_t>(width_to), static_cast<std::uint8_t>(width_from)};
  std::memcpy(&emitter->immediate, &conversion, sizeof conversion);
}

// --- setp, set, lop3
// ----------------------------------------------------------------------------------------

/// setp of two halves at once has a predicate for each: two comparisons of parts. Their results are kept
/// apart until both are known, as the combined predicate may be one of the destinations.
void FunctionDecoder::decode_set_predicate_pair(const ptx::Instruction& instruction) {
  const auto* both = std::get_if<ptx::PairOperand>(&operand(instruction, 0));
  if (both == nullptr || instruction.operands.size() < 3) fail_operands();
  std::array<std::uint32_t, 2> wholes{};
  for (std::size_t i = 0; i < 2; ++i) wholes[i] = source(instruction.operands[i + 1], Width::word);
  std::array<std::uint32_t, 2> results{};
  for (std::size_t half = 0; half < 2; ++half) {
    ptx::Instruction comparison = instruction;
    comparison.modifiers.back().remove_suffix(2);  // f16x2 → f16
    results[half] = temporary(Width::predicate);
    comparison.operands[0] = ptx::RegisterOperand{results[half], 0, {}};
    for (std::size_t i = 0; i < 2; ++i) {
      const std::uint32_t part = temporary(Width::half);
      Emitter unpack = emit(Operation::unpack_16_of_32);
      unpack.reads(Field::a, wholes[i]).writes(Field::destination, part);
      unpack->immediate = static_cast<std::int64_t>(16 * half);
      comparison.operands[i + 1] = ptx::RegisterOperand{part, 0, {}};
    }
    decode_set_predicate(comparison);
  }
  const std::array destinations{destination(both->first, Width::predicate),
                                destination(both->second, Width::predicate)};
  for (std::size_t half = 0; half < 2; ++half) {
    emit(Operation::mov_pred).reads(Field::a, results[half]).writes(Field::destination, destinations[half]);
  }
}

void FunctionDecoder::decode_set_predicate(const ptx::Instruction& instruction) {
  if (!instruction.modifiers.empty() && instruction.modifiers.back() == "f16x2") {
    return decode_set_predicate_pair(instruction);
  }
  // Everything but the boolean combination is part of the table's form.
  std::string form = "setp";
  std::uint16_t flags = 0;
  for (const std::string_view modifier : instruction.modifiers) {
    const auto* combination = std::ranges::find(kCombinations, modifier);
    if (combination != kCombinations.end()) {
      flags |= static_cast<std::uint16_t>((combination - kCombinations.begin() + 1) << 1);
    } else {
      form += '.';
      form += modifier;
    }
  }
  const auto rows = find_operations(form);
  if (rows.empty()) fail_unsupported();
  const OperationRow& row = *rows[0];
  const bool combines = flags != 0;
  if (instruction.operands.size() != (combines ? 4U : 3U)) fail_operands();

  const std::uint32_t a = source(instruction.operands[1], row.widths[1]);
  const std::uint32_t b = source(instruction.operands[2], row.widths[2]);
  std::pair<std::uint32_t, bool> c{0, false};
  if (combines) c = predicate_source(instruction.operands[3]);
  std::uint32_t first = 0;
  std::optional<std::uint32_t> second;
  if (const auto* both = std::get_if<ptx::PairOperand>(&instruction.operands[0])) {
    first = destination(both->first, Width::predicate);
    second = destination(both->second, Width::predicate);
    flags |= compare_flag::second_destination;
  } else {
    first = destination(instruction.operands[0], Width::predicate);
  }
  if (c.second) flags |= kNegated;

  Emitter emitter = emit(row.operation);
  emitter->flags = flags;
  emitter.reads(Field::a, a).reads(Field::b, b);
  if (combines) emitter.reads(Field::c, c.first);
  emitter.writes(Field::destination, first);
  if (second) emitter.writes(Field::d, *second);
}

/// set is setp followed by a selection between "true" and 0 of the destination's type.
void FunctionDecoder::decode_set(const ptx::Instruction& instruction) {
  if (decode_with_form(instruction, spelled_form(instruction), 0)) return;
  if (instruction.modifiers.size() < 3 || instruction.operands.size() < 3) fail_unsupported();
  const ptx::ScalarType type = ptx::scalar_type(instruction.modifiers[instruction.modifiers.size() - 2]);
  std::uint64_t one = 0;
  Operation select{};
  switch (type) {
    case ptx::ScalarType::u32:
    case ptx::ScalarType::s32:
      one = 0xffff'ffff;
      select = Operation::selp_32;
      break;
    case ptx::ScalarType::f32:
      one = 0x3f80'0000;
      select = Operation::selp_32;
      break;
    case ptx::ScalarType::u16:
    case ptx::ScalarType::s16:
      one = 0xffff;
      select = Operation::selp_16;
      break;
    case ptx::ScalarType::f16:
      one = 0x3c00;
      select = Operation::selp_16;
      break;
    default:
      fail_unsupported();
  }
  const Width width = select == Operation::selp_32 ? Width::word : Width::half;
  // In the synthetic comparison the destination is a register that the program does not have.
  const std::uint32_t condition = temporary(Width::predicate);
  ptx::Instruction comparison = instruction;
  comparison.opcode = "setp";
  comparison.modifiers.erase(comparison.modifiers.end() - 2);
  comparison.operands[0] = ptx::RegisterOperand{condition, 0, {}};
  decode_set_predicate(comparison);

  const std::uint32_t result = destination(instruction.operands[0], width);
  emit(select)
      .reads(Field::a, constant(width, one))
      .reads(Field::b, constant(width, 0))
      .reads(Field::c, condition)
      .writes(Field::destination, result);
}

void FunctionDecoder::decode_logic3(const ptx::Instruction& instruction) {
  if (instruction.operands.size() != 5 || instruction.modifiers.size() != 1) fail_unsupported();
  const auto* table = std::get_if<ptx::IntegerOperand>(&instruction.operands[4]);
  if (table == nullptr) fail_operands();
  const std::uint32_t a = source(instruction.operands[1], Width::word);
  const std::uint32_t b = source(instruction.operands[2], Width::word);
  const std::uint32_t c = source(instruction.operands[3], Width::word);
  const std::uint32_t result = destination(instruction.operands[0], Width::word);
  Emitter emitter = emit(Operation::lop3);
  emitter.reads(Field::a, a).reads(Field::b, b).reads(Field::c, c).writes(Field::destination, result);
  emitter->immediate = static_cast<std::int64_t>(table->bits & 0xff);
}

}  // namespace vgpu::software
