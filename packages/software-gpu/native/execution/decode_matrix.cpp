// Decoding of instructions on matrices whose elements lie in the registers of a whole warp.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "execution/function_decoder.h"

#define VGPU_VECTOR_PATH common
#include "execution/matrix_layout.h"

namespace vgpu::software {
namespace {

struct Shape {
  std::uint8_t m, n, k;
  bool operator==(const Shape&) const = default;
};

/// A type of a and b: its shapes with mma and with wmma, and the types of c and d that go with it.
struct ElementType {
  std::string_view name;
  std::uint8_t bytes;
  std::vector<Shape> mma_shapes;
  std::vector<Shape> wmma_shapes;
  std::vector<std::string_view> accumulators;
};

const ElementType* element_type(std::string_view name) {
  static const std::vector<Shape> kWide{{16, 16, 16}, {8, 32, 16}, {32, 8, 16}};
  static const std::vector<Shape> kBytes{{8, 8, 16}, {16, 8, 16}, {16, 8, 32}};
  static const std::array<ElementType, 6> kTypes{{
      {"f16", 2, {{16, 8, 8}, {16, 8, 16}}, kWide, {"f16", "f32"}},
      {"bf16", 2, {{16, 8, 8}, {16, 8, 16}}, kWide, {"f32"}},
      {"tf32", 4, {{16, 8, 4}, {16, 8, 8}}, {{16, 16, 8}}, {"f32"}},
      {"f64", 8, {{8, 8, 4}}, {{8, 8, 4}}, {"f64"}},
      {"s8", 1, kBytes, kWide, {"s32"}},
      {"u8", 1, kBytes, kWide, {"s32"}},
  }};
  const auto* found = std::ranges::find(kTypes, name, &ElementType::name);
  return found == kTypes.end() ? nullptr : found;
}

/// 0 when it is no type of c and d.
std::uint8_t accumulator_bytes(std::string_view type) {
  if (type == "f16") return 2;
  if (type == "f32" || type == "s32") return 4;
  return type == "f64" ? 8 : 0;
}

bool contains(const auto& list, const auto& value) {
  return std::ranges::find(list, value) != list.end();
}

/// "m16n8k16"; no value when the word is something else.
std::optional<Shape> shape_named(std::string_view word) {
  Shape shape{};
  const auto number = [&word](char letter, std::uint8_t& value) {
    if (!word.starts_with(letter)) return false;
    const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), value);
    if (error != std::errc{}) return false;
    word.remove_prefix(static_cast<std::size_t>(end - word.data()));
    return true;
  };
  if (!number('m', shape.m) || !number('n', shape.n) || !number('k', shape.k) || !word.empty())
    return std::nullopt;
  return shape;
}

Width register_width_of(std::uint8_t element_bytes) {
  return element_bytes == 8 ? Width::doubleword : Width::word;
}

Fragment fragment_of(Fragment::Role role, const Shape& shape, std::uint8_t element_bytes) {
  switch (role) {
    case Fragment::Role::a:
      return {role, shape.m, shape.k, element_bytes};
    case Fragment::Role::b:
      return {role, shape.n, shape.k, element_bytes};
    case Fragment::Role::accumulator:
      return {role, shape.m, shape.n, element_bytes};
  }
  __builtin_unreachable();
}

/// `repeated`: a and b of f16 with wmma always take eight registers.
std::uint8_t register_count(const Fragment& fragment, bool repeated) {
  if (repeated) return 8;
  const std::uint32_t bytes = fragment.element_bytes;
  if (fragment.role == Fragment::Role::accumulator) {
    const std::uint32_t tiles = common::tile_count(fragment, common::kTileLines);
    return static_cast<std::uint8_t>(bytes == 2 ? tiles : 2 * tiles);
  }
  return static_cast<std::uint8_t>(common::tile_count(fragment, 4 * std::max(bytes, 4U) / bytes));
}

}  // namespace

std::vector<std::uint32_t> FunctionDecoder::fragment(const ptx::Operand& operand, std::size_t count,
                                                     Width width, bool is_destination) {
  std::vector<std::uint32_t> values;
  const auto add = [&](const auto& element) {
    values.push_back(is_destination ? destination(element, width) : source(element, width));
  };
  if (const auto* vector = std::get_if<ptx::VectorOperand>(&operand)) {
    if (vector->elements.size() != count) fail_operands();
    std::ranges::for_each(vector->elements, add);
  } else {
    if (count != 1) fail_operands();
    add(operand);
  }
  return values;
}

/// mma and wmma.mma
void FunctionDecoder::decode_matrix_product(const ptx::Instruction& instruction) {
  const bool is_wmma = instruction.opcode == "wmma";
  std::optional<Shape> shape;
  std::vector<std::string_view> layouts;
  std::vector<std::string_view> types;  // d, a, b, c
  bool saturates = false;
  bool rounds = false;
  for (const std::string_view word : instruction.modifiers) {
    if (const auto named = shape_named(word)) {
      shape = named;
    } else if (word == "row" || word == "col") {
      layouts.push_back(word);
    } else if (element_type(word) != nullptr || accumulator_bytes(word) != 0) {
      types.push_back(word);
    } else if (word == "satfinite") {
      saturates = true;
    } else if (word == "rn") {
      rounds = true;
    } else if (word != "sync" && word != "aligned" && !(is_wmma && word == "mma")) {
      fail_unsupported();
    }
  }
  if (is_wmma && types.size() == 2) types = {types[0], "f16", "f16", types[1]};
  if (types.size() != 4 || !shape || layouts.size() != 2) fail_unsupported();
  // The registers of an mma are laid out for rows of a and columns of b; those of wmma fit any layout.
  if (!is_wmma && (layouts[0] != "row" || layouts[1] != "col")) fail_unsupported();
  const ElementType* type_a = element_type(types[1]);
  const ElementType* type_b = element_type(types[2]);
  const std::string form = "mma." + std::string(types[1]) + "." + std::string(types[2]);
  const auto rows = find_operations(form);
  if (type_a == nullptr || type_b == nullptr || rows.empty()) fail_unsupported();
  const bool has_shape = contains(is_wmma ? type_a->wmma_shapes : type_a->mma_shapes, *shape);
  const bool has_types = contains(type_a->accumulators, types[0]) && contains(type_a->accumulators, types[3]);
  if (!has_shape || !has_types || (!is_wmma && types[0] != types[3])) fail_unsupported();
  if ((saturates && types[0] != "s32") || (rounds && types[0] != "f64")) fail_unsupported();
  if (instruction.operands.size() != 4) fail_operands();

  const bool repeated = is_wmma && types[1] == "f16";
  MatrixShape packed{shape->m, shape->n, shape->k, 0, 0, 0, 0, 0};
  if (types[3] == "f16") packed.flags |= matrix_flag::half_c;
  if (types[0] == "f16") packed.flags |= matrix_flag::half_d;
  if (saturates) packed.flags |= matrix_flag::saturate;
  const std::uint8_t bytes_c = accumulator_bytes(types[3]);
  const std::uint8_t bytes_d = accumulator_bytes(types[0]);
  packed.d_rows = register_count(fragment_of(Fragment::Role::accumulator, *shape, bytes_d), false);
  packed.a_rows = register_count(fragment_of(Fragment::Role::a, *shape, type_a->bytes), repeated);
  packed.b_rows = register_count(fragment_of(Fragment::Role::b, *shape, type_b->bytes), repeated);
  packed.c_rows = register_count(fragment_of(Fragment::Role::accumulator, *shape, bytes_c), false);

  const Width width = register_width_of(type_a->bytes);
  const auto d = fragment(instruction.operands[0], packed.d_rows, register_width_of(bytes_d), true);
  const auto a = fragment(instruction.operands[1], packed.a_rows, width, false);
  const auto b = fragment(instruction.operands[2], packed.b_rows, width, false);
  const auto c = fragment(instruction.operands[3], packed.c_rows, register_width_of(bytes_c), false);
  Emitter emitter = emit(rows[0]->operation);
  emitter->d = static_cast<std::uint32_t>(draft_.operand_rows.size());
  emitter.list(d, true).list(a, false).list(b, false).list(c, false);
  std::memcpy(&emitter->immediate, &packed, sizeof packed);
}

// --- wmma.load and wmma.store
// -------------------------------------------------------------------------------

void FunctionDecoder::decode_fragments(const ptx::Instruction& instruction) {
  const bool loads = has_modifier(instruction, "load");
  if (loads || has_modifier(instruction, "store")) {
    decode_fragment_access(instruction, loads);
  } else {
    decode_matrix_product(instruction);
  }
}

struct FunctionDecoder::FragmentForm {
  Fragment fragment;
  bool has_rows = false;  // in memory
  Space space = Space::generic;
  std::uint8_t registers = 0;
};

/// wmma.load.a.sync.aligned.row.m16n16k16.shared.f16, and likewise .store.d
FunctionDecoder::FragmentForm FunctionDecoder::read_fragment_form(const ptx::Instruction& instruction) {
  FragmentForm form{};
  std::optional<Shape> shape;
  std::string_view role;
  std::string_view layout;
  std::string_view type;
  for (const std::string_view word : instruction.modifiers) {
    if (const auto named = shape_named(word)) {
      shape = named;
    } else if (word == "a" || word == "b" || word == "c" || word == "d") {
      role = word;
    } else if (word == "row" || word == "col") {
      layout = word;
    } else if (word == "global") {
      form.space = Space::global;
    } else if (word == "shared" || word == "shared::cta") {
      form.space = Space::shared;
    } else if (element_type(word) != nullptr || accumulator_bytes(word) != 0) {
      type = word;
    } else if (word != "load" && word != "store" && word != "sync" && word != "aligned") {
      fail_unsupported();
    }
  }
  if (!shape || role.empty() || layout.empty()) fail_unsupported();
  const bool is_accumulator = role == "c" || role == "d";
  if (is_accumulator) {
    // f32 stands for the shapes of f16, bf16 and tf32.
    const auto has_accumulator = [&](std::string_view element) {
      return contains(element_type(element)->accumulators, type) &&
             contains(element_type(element)->wmma_shapes, *shape);
    };
    if (!has_accumulator("f16") && !has_accumulator("tf32") && !has_accumulator("f64") &&
        !has_accumulator("s8")) {
      fail_unsupported();
    }
    form.fragment = fragment_of(Fragment::Role::accumulator, *shape, accumulator_bytes(type));
  } else {
    const ElementType* element = element_type(type);
    if (element == nullptr || !contains(element->wmma_shapes, *shape)) fail_unsupported();
    form.fragment = fragment_of(role == "a" ? Fragment::Role::a : Fragment::Role::b, *shape, element->bytes);
  }
  form.has_rows = layout == "row";
  form.registers = register_count(form.fragment, !is_accumulator && type == "f16");
  return form;
}

void FunctionDecoder::decode_fragment_access(const ptx::Instruction& instruction, bool is_load) {
  const FragmentForm form = read_fragment_form(instruction);
  const std::size_t count = instruction.operands.size();
  if (count != 2 && count != 3) fail_operands();
  const Fragment& fragment_form = form.fragment;
  const bool contiguous = form.has_rows == (fragment_form.role != Fragment::Role::b);
  const std::uint32_t distance =
      count == 3 ? source(instruction.operands[2], Width::word)
                 : constant(Width::word, contiguous ? fragment_form.length : fragment_form.lines);
  const auto values = fragment(instruction.operands[is_load ? 0 : 1], form.registers,
                               register_width_of(fragment_form.element_bytes), is_load);
  Emitter emitter = emit(is_load ? Operation::load_fragment : Operation::store_fragment);
  add_address(emitter, instruction.operands[is_load ? 1 : 0], form.space);
  if (contiguous) emitter->flags |= kContiguousLines;
  emitter.reads(Field::b, distance);
  emitter->destination = form.registers;
  std::memcpy(&emitter->c, &fragment_form, sizeof fragment_form);
  emitter->d = static_cast<std::uint32_t>(draft_.operand_rows.size());
  emitter.list(values, is_load);
}

// --- ldmatrix
// -----------------------------------------------------------------------------------------------

void FunctionDecoder::decode_load_matrix(const ptx::Instruction& instruction) {
  static constexpr std::array kFields{Field::destination, Field::b, Field::c, Field::d};
  std::uint16_t count = 0;
  Space space = Space::generic;
  bool transposes = false;
  for (const std::string_view word : instruction.modifiers) {
    if (word == "x1" || word == "x2" || word == "x4") {
      count = static_cast<std::uint16_t>(word[1] - '0');
    } else if (word == "trans") {
      transposes = true;
    } else if (word == "shared" || word == "shared::cta") {
      space = Space::shared;
    } else if (word != "sync" && word != "aligned" && word != "m8n8" && word != "b16") {
      fail_unsupported();
    }
  }
  if (count == 0 || instruction.modifiers.back() != "b16") fail_unsupported();
  if (instruction.operands.size() != 2) fail_operands();
  const auto rows = fragment(instruction.operands[0], count, Width::word, true);
  Emitter emitter = emit(transposes ? Operation::ldmatrix_trans : Operation::ldmatrix);
  add_address(emitter, instruction.operands[1], space);
  emitter->flags |= static_cast<std::uint16_t>(count << memory_flag::width_shift);
  for (std::size_t i = 0; i < rows.size(); ++i) emitter.writes(kFields[i], rows[i]);
}

}  // namespace vgpu::software
