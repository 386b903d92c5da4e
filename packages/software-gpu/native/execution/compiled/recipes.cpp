#include "execution/compiled/recipes.h"

#include <array>

#include "execution/compiled/access_code.h"
#include "execution/operation_table.h"

namespace vgpu::software {
namespace {

using Table = std::array<Recipe, static_cast<std::size_t>(Operation::count)>;

Table make_table() {
  Table table;
  add_integer_recipes(table.data());
  add_float_recipes(table.data());
  add_conversion_recipes(table.data());
  add_predicate_recipes(table.data());
  for (const Operation access : {Operation::ld_u32_32, Operation::st_32_32}) {
    table[static_cast<std::size_t>(access)].accesses = true;
  }
  return table;
}

}  // namespace

const Recipe* recipe_for(const Instruction& instruction) {
  static const Table table = make_table();
  const Recipe& recipe = table[static_cast<std::size_t>(instruction.operation)];
  if (!recipe.exists() || (recipe.accesses && !is_simple_access(instruction))) return nullptr;
  // A comparison that is combined with another predicate, or has a second result, is left to its handler.
  if (recipe.compare != nullptr && instruction.flags != 0) return nullptr;
  return &recipe;
}

std::span<const Width> operand_widths(const Instruction& instruction) {
  static constexpr Width kParameters[] = {Width::word, Width::doubleword};
  if (instruction.operation == Operation::ldp_u32_32) return std::span(kParameters).first(1);
  if (instruction.operation == Operation::ldp_u64_64) return std::span(kParameters).last(1);
  const OperationRow& row = operation_row(instruction.operation);
  return std::span(row.widths).first(row.operands);
}

}  // namespace vgpu::software
