#include "ptx/declaration.h"

#include <algorithm>
#include <bit>

#include "ptx/constant.h"

namespace vgpu::ptx {
namespace {

// A variable above this is a mistake or an attack; the sums that follow cannot overflow below it.
constexpr std::uint64_t kMaximumVariableBytes = std::uint64_t{1} << 40;
constexpr std::size_t kMaximumDimensions = 16;
constexpr std::uint64_t kMaximumAlignment = 1U << 16;

std::uint32_t parse_alignment(Lexer& lexer) {
  const Position position = lexer.current().position;
  const std::uint64_t alignment = lexer.expect_integer(kMaximumAlignment, "an alignment");
  if (!std::has_single_bit(alignment)) {
    fail(position, "alignment " + std::to_string(alignment) + " is not a power of two");
  }
  return static_cast<std::uint32_t>(alignment);
}

/// `.attribute(.managed)`, `.attribute(.unified(1, 2))`: true when managed is among them.
bool parse_attributes(Lexer& lexer) {
  bool managed = false;
  lexer.expect('(');
  do {
    const Token word = lexer.expect(TokenKind::dotted_word, "an attribute");
    if (word.text == ".managed") {
      managed = true;
    } else if (word.text == ".unified") {
      // Two numbers that let several devices know the same variable; with one device they say nothing.
      lexer.expect('(');
      parse_integer_constant(lexer);
      lexer.expect(',');
      parse_integer_constant(lexer);
      lexer.expect(')');
    } else {
      fail(word.position, "unknown attribute " + quoted(word.text));
    }
  } while (lexer.accept(','));
  lexer.expect(')');
  return managed;
}

void parse_dimensions(Lexer& lexer, Variable& variable) {
  const Position position = lexer.current().position;
  std::uint64_t bytes = size_of(variable.type) * variable.vector_width;
  while (lexer.accept('[')) {
    if (variable.dimensions.size() == kMaximumDimensions) {
      lexer.fail_expected("at most 16 dimensions");
    }
    if (variable.dimensions.empty() && lexer.accept(']')) {
      variable.dimensions.push_back(0);
      continue;
    }
    const std::uint64_t length = parse_integer_constant(lexer);
    // Divided, as the product may overflow.
    if (length > kMaximumVariableBytes / std::max<std::uint64_t>(bytes, 1)) {
      fail(position, "this array is too large");
    }
    bytes *= std::max<std::uint64_t>(length, 1);
    variable.dimensions.push_back(length);
    lexer.expect(']');
  }
}

Variable make_variable(const Token& name, StateSpace space, Linkage linkage, const VariableType& type) {
  Variable variable;
  variable.name = name.text;
  variable.line = name.position.line;
  variable.space = space;
  variable.linkage = linkage;
  variable.type = type.type;
  variable.vector_width = type.vector_width;
  variable.managed = type.managed;
  const std::size_t natural = size_of(type.type) * type.vector_width;
  variable.alignment =
      type.alignment != 0 ? type.alignment : static_cast<std::uint32_t>(std::max<std::size_t>(natural, 1));
  return variable;
}

Variable parse_parameter(Lexer& lexer) {
  const StateSpace space = variable_space(lexer.current());
  if (space != StateSpace::param && space != StateSpace::reg) lexer.fail_expected("'.param' or '.reg'");
  lexer.take();
  const VariableType type = parse_variable_type(lexer);
  const Token name = lexer.expect(TokenKind::identifier, "the name of a parameter");
  Variable parameter = make_variable(name, space, Linkage::internal, type);
  parse_dimensions(lexer, parameter);
  return parameter;
}

}  // namespace

StateSpace variable_space(const Token& token) {
  if (token.kind != TokenKind::dotted_word) return StateSpace::none;
  if (token.text == ".reg") return StateSpace::reg;
  if (token.text == ".const") return StateSpace::constant;
  if (token.text == ".global") return StateSpace::global;
  if (token.text == ".local") return StateSpace::local;
  if (token.text == ".param") return StateSpace::param;
  if (token.text == ".shared") return StateSpace::shared;
  return StateSpace::none;
}

VariableType parse_variable_type(Lexer& lexer) {
  VariableType result;
  // Inside a `.ptr` clause `.align` and the state space speak of what the pointer points to.
  bool in_pointer_clause = false;
  while (lexer.current().kind == TokenKind::dotted_word) {
    const Token word = lexer.take();
    if (word.text == ".align") {
      const std::uint32_t alignment = parse_alignment(lexer);
      if (!in_pointer_clause) result.alignment = alignment;
    } else if (word.text == ".v2" || word.text == ".v4") {
      result.vector_width = word.text == ".v2" ? 2 : 4;
    } else if (word.text == ".attribute") {
      result.managed = parse_attributes(lexer);
    } else if (word.text == ".ptr") {
      in_pointer_clause = true;
    } else if (in_pointer_clause && variable_space(word) != StateSpace::none) {
      // Says where the pointer points, which the addresses themselves say again.
    } else {
      const ScalarType type = scalar_type(word.text);
      if (type == ScalarType::none) fail(word.position, "expected a type but found " + quoted(word.text));
      if (result.type != ScalarType::none) {
        fail(word.position, "expected one type but found also " + quoted(word.text));
      }
      result.type = type;
    }
  }
  if (result.type == ScalarType::none) lexer.fail_expected("a type");
  return result;
}

void parse_variables(Lexer& lexer, Linkage linkage, DeclarationBudget& budget,
                     std::vector<Variable>& variables) {
  const StateSpace space = variable_space(lexer.take());
  const VariableType type = parse_variable_type(lexer);
  do {
    const Token name = lexer.expect(TokenKind::identifier, "the name of a variable");
    if (type.type == ScalarType::pred) fail(name.position, "a predicate lives in a register only");
    Variable variable = make_variable(name, space, linkage, type);
    parse_dimensions(lexer, variable);
    if (lexer.accept('=')) parse_initializer(lexer, budget, variable);
    const bool lacks_length = !variable.dimensions.empty() && variable.dimensions[0] == 0;
    // The length of `.extern .shared a[]` comes with the launch, that of other external arrays from
    // elsewhere.
    if (lacks_length && linkage != Linkage::external && space != StateSpace::shared) {
      fail(name.position, "array " + quoted(name.text) + " has no length");
    }
    variables.push_back(std::move(variable));
  } while (lexer.accept(','));
  lexer.expect(';');
}

std::vector<Variable> parse_parameter_list(Lexer& lexer) {
  std::vector<Variable> parameters;
  lexer.expect('(');
  if (lexer.accept(')')) return parameters;
  do {
    parameters.push_back(parse_parameter(lexer));
  } while (lexer.accept(','));
  lexer.expect(')');
  return parameters;
}

}  // namespace vgpu::ptx
