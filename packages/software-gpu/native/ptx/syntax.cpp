#include "ptx/syntax.h"

#include <array>

namespace vgpu::ptx {
namespace {

struct TypeName {
  std::string_view name;
  ScalarType type;
  std::size_t bytes;
};

// In the order of ScalarType, after `none`.
constexpr std::array<TypeName, 23> kTypes{{
    {"b8", ScalarType::b8, 1},           {"b16", ScalarType::b16, 2},
    {"b32", ScalarType::b32, 4},         {"b64", ScalarType::b64, 8},
    {"b128", ScalarType::b128, 16},      {"u8", ScalarType::u8, 1},
    {"u16", ScalarType::u16, 2},         {"u32", ScalarType::u32, 4},
    {"u64", ScalarType::u64, 8},         {"s8", ScalarType::s8, 1},
    {"s16", ScalarType::s16, 2},         {"s32", ScalarType::s32, 4},
    {"s64", ScalarType::s64, 8},         {"f16", ScalarType::f16, 2},
    {"f16x2", ScalarType::f16x2, 4},     {"bf16", ScalarType::bf16, 2},
    {"bf16x2", ScalarType::bf16x2, 4},   {"f32", ScalarType::f32, 4},
    {"f64", ScalarType::f64, 8},         {"pred", ScalarType::pred, 0},
    {"texref", ScalarType::texref, 8},   {"samplerref", ScalarType::samplerref, 8},
    {"surfref", ScalarType::surfref, 8},
}};

constexpr bool types_are_in_order() {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (static_cast<std::size_t>(kTypes[i].type) != i + 1) return false;
  }
  return true;
}
static_assert(types_are_in_order());

}  // namespace

std::size_t size_of(ScalarType type) {
  return type == ScalarType::none ? 0 : kTypes[static_cast<std::size_t>(type) - 1].bytes;
}

ScalarType scalar_type(std::string_view word) {
  if (word.starts_with('.')) word.remove_prefix(1);
  for (const TypeName& entry : kTypes) {
    if (entry.name == word) return entry.type;
  }
  return ScalarType::none;
}

std::uint64_t Variable::bytes() const {
  std::uint64_t bytes = size_of(type) * vector_width;
  for (const std::uint64_t dimension : dimensions) bytes *= dimension;
  return bytes;
}

}  // namespace vgpu::ptx
