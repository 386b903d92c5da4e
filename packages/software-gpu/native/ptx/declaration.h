// Variables and parameters with their initialisers: the same in a module, a function body, a parameter list
// and a call prototype.
#pragma once

#include <cstdint>
#include <vector>

#include "ptx/lexer.h"
#include "ptx/syntax.h"

namespace vgpu::ptx {

/// What the declarations of one text may cost together. A line of text can ask for any amount of zeros
/// between two values, so the text's length alone is no limit.
struct DeclarationBudget {
  std::uint64_t initial_bytes = std::uint64_t{256} << 20;
};

/// `.global` and so on; none for other words.
StateSpace variable_space(const Token& token);

/// What stands between the state space and the name: `.align 8 .v2 .f32`.
struct VariableType {
  ScalarType type = ScalarType::none;
  std::uint32_t vector_width = 1;
  std::uint32_t alignment = 0;
  bool managed = false;
};
VariableType parse_variable_type(Lexer& lexer);

/// Reads `.global .align 4 .u32 a[2] = {1, 2}, b;` from its state space to its semicolon.
void parse_variables(Lexer& lexer, Linkage linkage, DeclarationBudget& budget,
                     std::vector<Variable>& variables);

/// Reads `(.param .u64 a, .param .align 8 .b8 b[16])`.
std::vector<Variable> parse_parameter_list(Lexer& lexer);

/// Reads `= …` of a variable whose type and dimensions are known; sets the length of `name[]`.
void parse_initializer(Lexer& lexer, DeclarationBudget& budget, Variable& variable);

}  // namespace vgpu::ptx
