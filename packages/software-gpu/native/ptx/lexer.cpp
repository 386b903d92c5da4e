#include "ptx/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "vgpu/software_gpu/error.h"

namespace vgpu::ptx {
namespace {

enum CharacterClass : std::uint8_t {
  kOther = 0,
  kDigit = 1,
  kLetter = 2,     // letters, '_' and '$': inside an identifier
  kBlank = 4,      // but not the newline, which is counted
  kBlockMark = 8,  // what the search for a closing brace must look at
  kPercent = 16,
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) classes[c] = kLetter;
  classes['_'] = classes['$'] = kLetter;
  classes['%'] = kPercent;
  for (const char c : {' ', '\t', '\r', '\f', '\v'}) classes[static_cast<unsigned char>(c)] = kBlank;
  for (const char c : {'{', '}', '/', '"', '\n'}) classes[static_cast<unsigned char>(c)] = kBlockMark;
  return classes;
}

constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

bool has_class(char c, unsigned classes) {
  return (kClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

constexpr std::size_t kQuotedLength = 40;

// Lines and columns are 32-bit, and no real module comes near.
constexpr std::size_t kMaximumTextBytes = std::numeric_limits<std::int32_t>::max();

}  // namespace

void fail(Position position, const std::string& message) {
  throw software::Error(software::Status::invalid_ptx, "PTX line " + std::to_string(position.line) + ":" +
                                                           std::to_string(position.column) + ": " + message);
}

std::string quoted(std::string_view text) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  std::string result = "'";
  for (const char c : text.substr(0, kQuotedLength)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      result += {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    }
  }
  return result + (text.size() > kQuotedLength ? "…'" : "'");
}

Lexer::Lexer(std::string_view text, Position start)
    : text_(text), line_(start.line), line_start_(1 - static_cast<std::ptrdiff_t>(start.column)) {
  if (text.size() > kMaximumTextBytes) fail(start, "the text is longer than 2 GiB");
  advance();
}

Token Lexer::take() {
  const Token token = current_;
  advance();
  return token;
}

bool Lexer::accept(char symbol) {
  if (!current_.is(symbol)) return false;
  advance();
  return true;
}

bool Lexer::accept_word(std::string_view word) {
  if (!current_.is_word(word)) return false;
  advance();
  return true;
}

bool Lexer::is_followed_by(char symbol) const {
  std::size_t offset = cursor_;
  while (has_class(at(offset), kBlank)) ++offset;
  return at(offset) == symbol;
}

void Lexer::expect(char symbol) {
  if (!accept(symbol)) fail_expected(quoted({&symbol, 1}));
}

Token Lexer::expect(TokenKind kind, std::string_view description) {
  if (current_.kind != kind) fail_expected(description);
  return take();
}

std::uint64_t Lexer::expect_integer(std::uint64_t limit, std::string_view description) {
  const Token token = expect(TokenKind::integer, description);
  const std::uint64_t value = integer_literal(token).bits;
  if (value > limit) {
    fail(token.position, quoted(token.text) + " is too large for " + std::string(description) +
                             ": the limit is " + std::to_string(limit));
  }
  return value;
}

void Lexer::fail_expected(std::string_view description) const {
  const std::string found =
      current_.kind == TokenKind::end ? std::string("the end of the text") : quoted(current_.text);
  fail(current_.position, "expected " + std::string(description) + " but found " + found);
}

Lexer::Block Lexer::skip_block() {
  const Position opening = current_.position;
  const std::size_t begin = cursor_;
  const Position start = position_of(begin);
  std::size_t depth = 1;
  std::size_t offset = begin;
  for (;; ++offset) {
    // Modules carry megabytes of bodies that are never launched: this loop is all that is done with them.
    while (offset < text_.size() && !has_class(text_[offset], kBlockMark)) ++offset;
    if (offset >= text_.size()) fail(opening, "this '{' has no '}'");
    const char c = text_[offset];
    if (c == '\n') {
      start_line(offset + 1);
    } else if (c == '{') {
      ++depth;
    } else if (c == '}') {
      if (--depth == 0) break;
    } else if (c == '"') {
      offset = skip_string(offset) - 1;
    } else if (at(offset + 1) == '/' || at(offset + 1) == '*') {
      cursor_ = offset;
      skip_comment();
      offset = cursor_ - 1;
    }
  }
  cursor_ = offset + 1;
  advance();
  return {text_.substr(begin, offset - begin), start};
}

void Lexer::advance() {
  skip_blanks();
  const std::size_t begin = cursor_;
  current_.position = position_of(begin);
  if (begin >= text_.size()) return finish_token(TokenKind::end, begin);

  const char c = text_[begin];
  if (has_class(c, kLetter | kPercent)) {
    ++cursor_;
    while (has_class(at(cursor_), kLetter | kDigit)) ++cursor_;
    // A lone '%' is the remainder operator.
    const bool is_operator = c == '%' && cursor_ == begin + 1;
    return finish_token(is_operator ? TokenKind::punctuation : TokenKind::identifier, begin);
  }
  if (c == '.') {
    ++cursor_;
    bool has_letter = false;
    for (;; ++cursor_) {
      if (has_class(at(cursor_), kLetter)) {
        has_letter = true;
      } else if (at(cursor_) == ':' && at(cursor_ + 1) == ':') {
        ++cursor_;  // ".shared::cta" is one word
      } else if (!has_class(at(cursor_), kDigit)) {
        break;
      }
    }
    if (cursor_ == begin + 1) fail(current_.position, "expected a word after '.'");
    return finish_token(has_letter ? TokenKind::dotted_word : TokenKind::real, begin);
  }
  if (has_class(c, kDigit)) return read_number();
  if (c == '"') {
    cursor_ = skip_string(begin);
    return finish_token(TokenKind::string, begin);
  }

  const char following = at(begin + 1);
  const bool is_doubled = following == c && (c == '<' || c == '>' || c == '=' || c == '&' || c == '|');
  const bool is_comparison = following == '=' && (c == '<' || c == '>' || c == '!');
  constexpr std::string_view kSymbols = "{}[]()<>,;:=+-*/!~&|^?@";
  if (kSymbols.find(c) == std::string_view::npos) {
    fail(current_.position, "unexpected character " + quoted({&c, 1}));
  }
  cursor_ += is_doubled || is_comparison ? 2 : 1;
  finish_token(TokenKind::punctuation, begin);
}

void Lexer::skip_blanks() {
  for (;; ++cursor_) {
    const char c = at(cursor_);
    if (c == '\n') {
      start_line(cursor_ + 1);
    } else if (c == '/' && (at(cursor_ + 1) == '/' || at(cursor_ + 1) == '*')) {
      skip_comment();
      --cursor_;
    } else if (!has_class(c, kBlank)) {
      return;
    }
  }
}

/// Moves the cursor behind the comment that starts there; a line comment leaves its newline to the caller.
void Lexer::skip_comment() {
  if (text_[cursor_ + 1] == '/') {
    cursor_ = std::min(text_.find('\n', cursor_), text_.size());
    return;
  }
  const std::size_t begin = cursor_;
  const Position opening = position_of(begin);
  const std::size_t end = text_.find("*/", begin + 2);
  if (end == std::string_view::npos) fail(opening, "this comment has no end");
  for (std::size_t newline = text_.find('\n', begin); newline < end;
       newline = text_.find('\n', newline + 1)) {
    start_line(newline + 1);
  }
  cursor_ = end + 2;
}

/// The offset behind the string whose opening quote is at `quote`.
std::size_t Lexer::skip_string(std::size_t quote) {
  std::size_t offset = quote + 1;
  while (at(offset) != '"') {
    if (offset >= text_.size() || text_[offset] == '\n') {
      fail(position_of(quote), "this string has no end on its line");
    }
    offset += text_[offset] == '\\' && at(offset + 1) != '\n' ? 2 : 1;
  }
  return offset + 1;
}

void Lexer::read_number() {
  const std::size_t begin = cursor_;
  const char mark = at(begin + 1);
  const bool is_bit_pattern = at(begin) == '0' && (mark == 'f' || mark == 'F' || mark == 'd' || mark == 'D');
  const bool is_hexadecimal = at(begin) == '0' && (mark == 'x' || mark == 'X');
  // Everything that sticks to the digits belongs to the token, so that "0x1G" is one wrong number and not two
  // tokens.
  while (has_class(at(cursor_), kLetter | kDigit)) ++cursor_;
  if (is_bit_pattern) return finish_token(TokenKind::real, begin);

  bool is_real = false;
  if (!is_hexadecimal && at(cursor_) == '.') {
    is_real = true;
    ++cursor_;
    while (has_class(at(cursor_), kLetter | kDigit)) ++cursor_;
  }
  const char last = text_[cursor_ - 1];
  const bool has_exponent = !is_hexadecimal && (last == 'e' || last == 'E');
  if (has_exponent && (at(cursor_) == '+' || at(cursor_) == '-')) {
    ++cursor_;
    while (has_class(at(cursor_), kDigit)) ++cursor_;
    is_real = true;
  }
  const std::string_view digits = text_.substr(begin, cursor_ - begin);
  if (!is_hexadecimal && digits.find_first_of("eE") != std::string_view::npos) is_real = true;
  finish_token(is_real ? TokenKind::real : TokenKind::integer, begin);
}

void Lexer::finish_token(TokenKind kind, std::size_t begin) {
  current_.kind = kind;
  current_.text = text_.substr(begin, cursor_ - begin);
}

Position Lexer::position_of(std::size_t offset) const {
  return {line_, static_cast<std::uint32_t>(static_cast<std::ptrdiff_t>(offset) - line_start_ + 1)};
}

void Lexer::start_line(std::size_t offset) {
  ++line_;
  line_start_ = static_cast<std::ptrdiff_t>(offset);
}

IntegerLiteral integer_literal(const Token& token) {
  std::string_view digits = token.text;
  IntegerLiteral literal;
  if (digits.ends_with('U')) {
    literal.is_unsigned = true;
    digits.remove_suffix(1);
  }
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = digits[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    digits.remove_prefix(base == 8 ? 1 : 2);
  }
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, literal.bits, base);
  if (error == std::errc::result_out_of_range) {
    fail(token.position, quoted(token.text) + " does not fit into 64 bits");
  }
  if (error != std::errc() || stop != end) fail(token.position, quoted(token.text) + " is not an integer");
  if (literal.bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    literal.is_unsigned = true;
  }
  return literal;
}

}  // namespace vgpu::ptx
