// Decoding of reads through textures. Which texture it is only the kernel's parameters say, so what fits
// together is checked when the instruction runs.
#include <array>

#include "execution/function_decoder.h"

namespace vgpu::software {

/// tex.1d.v4.f32.s32 {…}, [texture, {x}] and tex.2d.v4.f32.f32 {…}, [texture, {x, y}]. With .level the last
/// operand chooses a mipmap: textures here have one, and any other number stands for the nearest there is.
void FunctionDecoder::decode_texture_read(const ptx::Instruction& instruction) {
  static constexpr std::array kCoordinateFields{Field::b, Field::c, Field::destination};
  constexpr std::size_t kWords = 4;
  std::span<const std::string_view> words = instruction.modifiers;
  const bool has_level = !words.empty() && words[0] == "level";
  if (has_level) words = words.subspan(1);
  if (words.size() != kWords || words[1] != "v4") fail_unsupported();
  if (words[0] != "1d" && words[0] != "2d" && words[0] != "3d") fail_unsupported();
  const bool is_known = words[2] == "u32" || words[2] == "s32" || words[2] == "f32";
  if (!is_known || (words[3] != "s32" && words[3] != "f32")) fail_unsupported();
  const auto dimensions = static_cast<std::uint16_t>(words[0][0] - '0');

  // More operands are offsets of texels and comparisons of depth.
  const std::size_t count = has_level ? 3 : 2;
  if (instruction.operands.size() > count) fail_unsupported();
  const auto* results = std::get_if<ptx::VectorOperand>(&operand(instruction, 0));
  const auto* place = std::get_if<ptx::TextureOperand>(&operand(instruction, 1));
  if (instruction.operands.size() != count || results == nullptr || results->elements.size() != kWords ||
      place == nullptr) {
    fail_operands();
  }
  // With a sampler of its own, or with the name of a .texref variable.
  if (place->handles.size() != 1 || std::holds_alternative<ptx::SymbolOperand>(place->handles[0])) {
    fail_unsupported();
  }
  // Three coordinates have a fourth beside them, which does not count.
  if (place->coordinates.size() != (dimensions == 3 ? 4 : dimensions)) fail_operands();

  const std::uint32_t texture = source(place->handles[0], Width::doubleword);
  std::vector<std::uint32_t> coordinates;
  for (std::size_t i = 0; i < dimensions; ++i) {
    coordinates.push_back(source(place->coordinates[i], Width::word));
  }
  std::vector<std::uint32_t> values;
  for (const auto& element : results->elements) values.push_back(destination(element, Width::word));

  Emitter emitter = emit(Operation::texture_read);
  emitter.reads(Field::a, texture);
  for (std::size_t i = 0; i < coordinates.size(); ++i) emitter.reads(kCoordinateFields[i], coordinates[i]);
  emitter->flags = dimensions;
  if (words[3] == "f32") emitter->flags |= texture_flag::float_coordinates;
  emitter->immediate = static_cast<std::int64_t>(std::uint64_t{context_.access_sites++} << 32);
  emitter->d = static_cast<std::uint32_t>(draft_.operand_rows.size());
  emitter.list(values, true);
}

}  // namespace vgpu::software
