// Constant expressions: what may stand for a number in declarations, initialisers and operands.
#pragma once

#include <cstdint>
#include <optional>

#include "ptx/lexer.h"
#include "ptx/syntax.h"

namespace vgpu::ptx {

struct Constant {
  std::uint64_t bits = 0;
  bool is_unsigned = false;
  std::optional<FloatOperand> real;  // set for a floating-point literal, which takes no operator but a sign
};

/// Whether the current token can begin a constant. A '(' or '!' can, but also begins other things.
bool begins_constant(const Token& token);

/// Reads an expression with C's operators and precedences, on 64-bit integers.
Constant parse_constant(Lexer& lexer);
/// The same, refusing a floating-point literal.
std::uint64_t parse_integer_constant(Lexer& lexer);

}  // namespace vgpu::ptx
