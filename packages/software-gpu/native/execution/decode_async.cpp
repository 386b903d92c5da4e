// Decoding of asynchronous copies and of the barriers that wait for them.
//
// A copy is done when the instruction is executed, which PTX allows; so nothing ever has to be waited for.
#include <algorithm>

#include "execution/function_decoder.h"

namespace vgpu::software {
namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

bool names_shared_memory(std::string_view word) {
  return word == "shared" || word == "shared::cta";
}

}  // namespace

/// The value of an address operand, offset included.
std::uint32_t FunctionDecoder::address_value(const ptx::Operand& operand) {
  const auto* address = std::get_if<ptx::AddressOperand>(&operand);
  if (address == nullptr) fail_operands();
  const std::uint32_t base = source(address->base, Width::doubleword);
  if (address->offset == 0) return base;
  const std::uint32_t offset = constant(Width::doubleword, static_cast<std::uint64_t>(address->offset));
  const std::uint32_t sum = temporary(Width::doubleword);
  emit(Operation::add_64).reads(Field::a, base).reads(Field::b, offset).writes(Field::destination, sum);
  return sum;
}

/// cp.async.mbarrier.arrive{.noinc}.shared.b64 [object]
void FunctionDecoder::decode_async_arrival(const ptx::Instruction& instruction) {
  Space space = Space::generic;
  bool counts = true;
  for (const std::string_view word : instruction.modifiers) {
    if (names_shared_memory(word)) {
      space = Space::shared;
    } else if (word == "noinc") {
      counts = false;
    } else if (!is_one_of(word, {"async", "mbarrier", "arrive", "b64"})) {
      fail_unsupported();
    }
  }
  if (instruction.operands.size() != 1) fail_operands();
  if (counts) {
    // The object expects one arrival more, and that comes at once.
    emit(Operation::nothing);
    return;
  }
  ptx::Instruction arrival = instruction;
  arrival.operands.insert(arrival.operands.begin(), ptx::DiscardOperand{});
  decode_mbarrier_arrive(arrival, 0, space);
}

/// cp.async.ca.shared.global [to], [from], bytes{, bytes to read | predicate of lanes that read nothing}
void FunctionDecoder::decode_async_copy(const ptx::Instruction& instruction) {
  const auto& words = instruction.modifiers;
  if (words.empty() || words[0] != "async") fail_unsupported();
  if (words.size() == 2 && is_one_of(words[1], {"commit_group", "wait_group", "wait_all"})) {
    emit(Operation::nothing);
    return;
  }
  if (words.size() > 1 && words[1] == "mbarrier") return decode_async_arrival(instruction);
  bool to_shared = false;
  bool from_global = false;
  for (const std::string_view word : std::span(words).subspan(1)) {
    if (names_shared_memory(word)) {
      to_shared = true;
    } else if (word == "global") {
      from_global = true;
    } else if (!is_one_of(word, {"ca", "cg", "L2::64B", "L2::128B", "L2::256B"})) {
      fail_unsupported();
    }
  }
  if (!to_shared || !from_global) fail_unsupported();
  const std::size_t count = instruction.operands.size();
  if (count != 3 && count != 4) fail_operands();
  const auto* bytes = std::get_if<ptx::IntegerOperand>(&instruction.operands[2]);
  const bool is_size = bytes != nullptr && (bytes->bits == 4 || bytes->bits == 8 || bytes->bits == 16);
  if (!is_size || (has_modifier(instruction, "cg") && bytes->bits != 16)) fail_operands();

  std::uint32_t bytes_to_read = constant(Width::word, bytes->bits);
  std::optional<std::pair<std::uint32_t, bool>> ignored;
  if (count == 4) {
    const ptx::Operand& last = instruction.operands[3];
    const auto* reg = std::get_if<ptx::RegisterOperand>(&last);
    const bool is_predicate = std::holds_alternative<ptx::NegatedOperand>(last) ||
                              (reg != nullptr && register_width(reg->index) == Width::predicate);
    if (is_predicate) {
      ignored = predicate_source(last);
    } else {
      bytes_to_read = source(last, Width::word);
    }
  }
  const std::uint32_t from = address_value(instruction.operands[1]);
  Emitter emitter = emit(Operation::copy_async);
  add_address(emitter, instruction.operands[0], Space::shared);
  emitter.reads(Field::b, from).reads(Field::c, bytes_to_read);
  if (ignored) {
    emitter.reads(Field::d, ignored->first);
    emitter->flags |= kCopyPredicate;
    if (ignored->second) emitter->flags |= kCopyNegated;
  }
  emitter->destination = static_cast<std::uint32_t>(bytes->bits);
}

// --- mbarrier
// -----------------------------------------------------------------------------------------------

void FunctionDecoder::decode_mbarrier(const ptx::Instruction& instruction) {
  const auto& words = instruction.modifiers;
  if (words.size() < 2 || words.back() != "b64") fail_unsupported();
  if (words[0] == "pending_count") return decode_by_table(instruction);
  Space space = Space::generic;
  bool by_parity = false;
  for (const std::string_view word : std::span(words).subspan(1, words.size() - 2)) {
    if (names_shared_memory(word)) {
      space = Space::shared;
    } else if (word == "parity") {
      by_parity = true;
    } else if (!is_one_of(word, {"noComplete", "release", "acquire", "relaxed", "cta", "cluster"})) {
      fail_unsupported();
    }
  }
  if (words[0] == "init") {
    if (instruction.operands.size() != 2) fail_operands();
    const std::uint32_t count = source(instruction.operands[1], Width::word);
    Emitter emitter = emit(Operation::mbarrier_init);
    add_address(emitter, instruction.operands[0], space);
    emitter.reads(Field::b, count);
  } else if (words[0] == "inval") {
    emit(Operation::nothing);  // what is in the object afterwards is open
  } else if (words[0] == "arrive") {
    decode_mbarrier_arrive(instruction, 0, space);
  } else if (words[0] == "arrive_drop") {
    decode_mbarrier_arrive(instruction, mbarrier_flag::drop, space);
  } else if (words[0] == "test_wait" || words[0] == "try_wait") {
    decode_mbarrier_test(instruction, by_parity, space);
  } else {
    fail_unsupported();
  }
}

/// state, [object]{, count}
void FunctionDecoder::decode_mbarrier_arrive(const ptx::Instruction& instruction, std::uint16_t flags,
                                             Space space) {
  const std::size_t count = instruction.operands.size();
  if (count != 2 && count != 3) fail_operands();
  const std::uint32_t arrivals =
      count == 3 ? source(instruction.operands[2], Width::word) : constant(Width::word, 1);
  const std::uint32_t state = destination(instruction.operands[0], Width::doubleword);
  Emitter emitter = emit(Operation::mbarrier_arrive);
  add_address(emitter, instruction.operands[1], space);
  emitter->flags |= flags;
  emitter.reads(Field::b, arrivals).writes(Field::destination, state);
}

/// predicate, [object], state or parity; a time limit behind it does not matter, as nothing blocks
void FunctionDecoder::decode_mbarrier_test(const ptx::Instruction& instruction, bool by_parity, Space space) {
  const std::size_t count = instruction.operands.size();
  if (count != 3 && !(count == 4 && instruction.modifiers[0] == "try_wait")) fail_operands();
  const std::uint32_t phase = source(instruction.operands[2], by_parity ? Width::word : Width::doubleword);
  const std::uint32_t result = destination(instruction.operands[0], Width::predicate);
  Emitter emitter = emit(Operation::mbarrier_test);
  add_address(emitter, instruction.operands[1], space);
  if (by_parity) emitter->flags |= mbarrier_flag::parity;
  emitter.reads(Field::b, phase).writes(Field::destination, result);
}

}  // namespace vgpu::software
