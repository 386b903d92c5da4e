#include "ptx/constant.h"

#include <array>
#include <bit>
#include <charconv>
#include <limits>

namespace vgpu::ptx {
namespace {

// More than any compiler writes, and little enough for any stack.
constexpr int kMaximumNesting = 64;

struct BinaryOperator {
  std::string_view symbol;
  int precedence;
};

constexpr int kLowestBinaryPrecedence = 1;
constexpr std::array<BinaryOperator, 18> kBinaryOperators{{
    {"||", 1},
    {"&&", 2},
    {"|", 3},
    {"^", 4},
    {"&", 5},
    {"==", 6},
    {"!=", 6},
    {"<", 7},
    {">", 7},
    {"<=", 7},
    {">=", 7},
    {"<<", 8},
    {">>", 8},
    {"+", 9},
    {"-", 9},
    {"*", 10},
    {"/", 10},
    {"%", 10},
}};

const BinaryOperator* binary_operator(const Token& token) {
  if (token.kind != TokenKind::punctuation) return nullptr;
  for (const BinaryOperator& candidate : kBinaryOperators) {
    if (candidate.symbol == token.text) return &candidate;
  }
  return nullptr;
}

Constant boolean(bool value) {
  return {.bits = value ? std::uint64_t{1} : 0, .is_unsigned = false, .real = {}};
}

Constant divide(const Constant& left, const Constant& right, bool want_remainder, Position position) {
  if (right.bits == 0) fail(position, "division by zero in a constant expression");
  if (left.is_unsigned || right.is_unsigned) {
    return {want_remainder ? left.bits % right.bits : left.bits / right.bits, true, {}};
  }
  const auto dividend = static_cast<std::int64_t>(left.bits);
  const auto divisor = static_cast<std::int64_t>(right.bits);
  // The smallest integer divided by -1 traps on x86; two's complement negation is what wrapping gives.
  if (divisor == -1) return {want_remainder ? 0 : 0 - left.bits, false, {}};
  return {static_cast<std::uint64_t>(want_remainder ? dividend % divisor : dividend / divisor), false, {}};
}

Constant shift(const Constant& left, const Constant& right, bool to_the_left) {
  const bool is_too_far = right.bits > 63;
  std::uint64_t bits = 0;
  if (to_the_left) {
    bits = is_too_far ? 0 : left.bits << right.bits;
  } else if (left.is_unsigned) {
    bits = is_too_far ? 0 : left.bits >> right.bits;
  } else {
    bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(left.bits) >> (is_too_far ? 63 : right.bits));
  }
  return {bits, left.is_unsigned, {}};
}

bool is_less(const Constant& left, const Constant& right) {
  if (left.is_unsigned || right.is_unsigned) return left.bits < right.bits;
  return static_cast<std::int64_t>(left.bits) < static_cast<std::int64_t>(right.bits);
}

Constant apply(std::string_view symbol, const Constant& left, const Constant& right, Position position) {
  const bool is_unsigned = left.is_unsigned || right.is_unsigned;
  if (symbol == "||") return boolean(left.bits != 0 || right.bits != 0);
  if (symbol == "&&") return boolean(left.bits != 0 && right.bits != 0);
  if (symbol == "==") return boolean(left.bits == right.bits);
  if (symbol == "!=") return boolean(left.bits != right.bits);
  if (symbol == "<") return boolean(is_less(left, right));
  if (symbol == ">") return boolean(is_less(right, left));
  if (symbol == "<=") return boolean(!is_less(right, left));
  if (symbol == ">=") return boolean(!is_less(left, right));
  if (symbol == "<<" || symbol == ">>") return shift(left, right, symbol == "<<");
  if (symbol == "/" || symbol == "%") return divide(left, right, symbol == "%", position);
  if (symbol == "|") return {left.bits | right.bits, is_unsigned, {}};
  if (symbol == "^") return {left.bits ^ right.bits, is_unsigned, {}};
  if (symbol == "&") return {left.bits & right.bits, is_unsigned, {}};
  if (symbol == "+") return {left.bits + right.bits, is_unsigned, {}};
  if (symbol == "-") return {left.bits - right.bits, is_unsigned, {}};
  return {left.bits * right.bits, is_unsigned, {}};
}

std::uint64_t bit_pattern(const Token& token, std::size_t digit_count) {
  const std::string_view digits = token.text.substr(2);
  const char* const end = digits.data() + digits.size();
  std::uint64_t bits = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, bits, 16);
  if (digits.size() != digit_count || error != std::errc() || stop != end) {
    fail(token.position,
         quoted(token.text) + " needs " + std::to_string(digit_count) + " hexadecimal digits");
  }
  return bits;
}

FloatOperand float_literal(const Token& token) {
  const char mark = token.text.size() > 1 && token.text[0] == '0' ? token.text[1] : '\0';
  if (mark == 'f' || mark == 'F') {
    const auto bits = static_cast<std::uint32_t>(bit_pattern(token, 8));
    return {static_cast<double>(std::bit_cast<float>(bits)), true, bits};
  }
  if (mark == 'd' || mark == 'D') return {std::bit_cast<double>(bit_pattern(token, 16))};

  const char* const end = token.text.data() + token.text.size();
  double value = 0;
  const auto [stop, error] = std::from_chars(token.text.data(), end, value);
  if (error == std::errc::result_out_of_range) fail(token.position, quoted(token.text) + " is out of range");
  if (error != std::errc() || stop != end) fail(token.position, quoted(token.text) + " is not a number");
  return {value};
}

class ExpressionParser {
 public:
  explicit ExpressionParser(Lexer& lexer) : lexer_(lexer) {}

  Constant conditional() {
    const Nesting nesting(*this);
    const Position position = lexer_.current().position;
    Constant condition = binary(kLowestBinaryPrecedence);
    if (!lexer_.current().is('?')) return condition;
    require_integer(condition, position);
    lexer_.expect('?');
    Constant chosen = conditional();
    lexer_.expect(':');
    Constant other = conditional();
    return condition.bits != 0 ? chosen : other;
  }

 private:
  class Nesting {
   public:
    explicit Nesting(ExpressionParser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaximumNesting) {
        fail(parser_.lexer_.current().position, "this expression is nested too deeply");
      }
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    ExpressionParser& parser_;
  };

  Constant binary(int lowest) {
    const Position left_position = lexer_.current().position;
    Constant left = unary();
    for (;;) {
      const BinaryOperator* const operation = binary_operator(lexer_.current());
      if (operation == nullptr || operation->precedence < lowest) return left;
      require_integer(left, left_position);
      lexer_.take();
      const Position right_position = lexer_.current().position;
      const Constant right = binary(operation->precedence + 1);
      require_integer(right, right_position);
      left = apply(operation->symbol, left, right, right_position);
    }
  }

  Constant unary() {
    const Nesting nesting(*this);
    const Token token = lexer_.current();
    if (token.kind == TokenKind::integer) {
      const IntegerLiteral literal = integer_literal(lexer_.take());
      return {literal.bits, literal.is_unsigned, {}};
    }
    if (token.kind == TokenKind::real) return {0, false, float_literal(lexer_.take())};
    if (token.kind == TokenKind::identifier && token.text == "WARP_SZ") {
      lexer_.take();
      return {32, false, {}};
    }
    if (token.is('(')) return parenthesised();
    if (token.is('+') || token.is('-') || token.is('~') || token.is('!')) {
      lexer_.take();
      const Position position = lexer_.current().position;
      return signed_value(token.text[0], unary(), position);
    }
    lexer_.fail_expected("a constant");
  }

  Constant parenthesised() {
    lexer_.expect('(');
    const bool is_signed_cast = lexer_.current().is_word(".s64");
    if (is_signed_cast || lexer_.current().is_word(".u64")) {
      lexer_.take();
      lexer_.expect(')');
      const Position position = lexer_.current().position;
      Constant value = unary();
      require_integer(value, position);
      value.is_unsigned = !is_signed_cast;
      return value;
    }
    Constant value = conditional();
    lexer_.expect(')');
    return value;
  }

  static Constant signed_value(char sign, Constant value, Position position) {
    if (sign == '+') return value;
    if (sign == '-' && value.real) {
      value.real->value = -value.real->value;
      value.real->f32_bits ^= value.real->is_f32_bits ? 0x80000000U : 0U;
      return value;
    }
    require_integer(value, position);
    if (sign == '-') return {0 - value.bits, value.is_unsigned, {}};
    if (sign == '~') return {~value.bits, value.is_unsigned, {}};
    return boolean(value.bits == 0);
  }

  static void require_integer(const Constant& value, Position position) {
    if (value.real) fail(position, "a floating-point constant takes no operator but a sign");
  }

  Lexer& lexer_;
  int nesting_ = 0;
};

}  // namespace

bool begins_constant(const Token& token) {
  switch (token.kind) {
    case TokenKind::integer:
    case TokenKind::real:
      return true;
    case TokenKind::identifier:
      return token.text == "WARP_SZ";
    case TokenKind::punctuation:
      return token.is('(') || token.is('-') || token.is('+') || token.is('~') || token.is('!');
    default:
      return false;
  }
}

Constant parse_constant(Lexer& lexer) {
  return ExpressionParser(lexer).conditional();
}

std::uint64_t parse_integer_constant(Lexer& lexer) {
  const Position position = lexer.current().position;
  const Constant value = parse_constant(lexer);
  if (value.real) fail(position, "expected an integer but found a floating-point constant");
  return value.bits;
}

}  // namespace vgpu::ptx
