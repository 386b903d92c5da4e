// Cuts PTX text into tokens, one ahead of the parser, and knows where each of them stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vgpu::ptx {

/// A place in the text, both from 1.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

enum class TokenKind : std::uint8_t {
  end,
  identifier,   // "ld", "%rd1", "$L__BB0_2", "_"
  dotted_word,  // ".global", ".shared::cta"; the text keeps the dot
  integer,      // "12", "0x1FU"; not yet checked for its digits
  real,         // "0f3F800000", "0d…", "1.5", ".5"; likewise
  string,       // with its quotes
  punctuation,  // one character, or one of << >> <= >= == != && ||
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;
  Position position;

  [[nodiscard]] bool is(char symbol) const {
    return kind == TokenKind::punctuation && text.size() == 1 && text[0] == symbol;
  }
  [[nodiscard]] bool is_word(std::string_view word) const {
    return kind == TokenKind::dotted_word && text == word;
  }
};

/// Throws Error(invalid_ptx) with "PTX line 12:8: " in front of the message.
[[noreturn]] void fail(Position position, const std::string& message);
/// `text` in quotes, shortened and with control characters made visible: it comes from a stranger and goes to
/// a log.
std::string quoted(std::string_view text);

class Lexer {
 public:
  /// `start` is where `text` begins in the text that the user knows.
  explicit Lexer(std::string_view text, Position start = {});

  [[nodiscard]] const Token& current() const { return current_; }
  /// Returns the current token and moves on.
  Token take();
  bool accept(char symbol);
  bool accept_word(std::string_view word);
  /// Whether the character after the current token and any blanks is `symbol`.
  [[nodiscard]] bool is_followed_by(char symbol) const;

  void expect(char symbol);
  Token expect(TokenKind kind, std::string_view description);
  /// An integer without sign or operators, at most `limit`.
  std::uint64_t expect_integer(std::uint64_t limit, std::string_view description);
  /// Throws "expected `description` but found '…'" at the current token.
  [[noreturn]] void fail_expected(std::string_view description) const;

  /// With '{' as the current token: finds its '}' without looking at what is between, and moves behind it.
  struct Block {
    std::string_view text;
    Position start;
  };
  Block skip_block();

 private:
  void advance();
  void skip_blanks();
  void skip_comment();
  std::size_t skip_string(std::size_t quote);
  void read_number();
  void finish_token(TokenKind kind, std::size_t begin);
  [[nodiscard]] Position position_of(std::size_t offset) const;
  void start_line(std::size_t offset);
  [[nodiscard]] char at(std::size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }

  std::string_view text_;
  std::size_t cursor_ = 0;
  std::uint32_t line_;
  // Offset of the current line's first character; negative when the line began before text_.
  std::ptrdiff_t line_start_;
  Token current_;
};

/// The value of an integer token. Fails on digits that its base lacks and on values above 64 bits.
struct IntegerLiteral {
  std::uint64_t bits = 0;
  bool is_unsigned = false;  // has the suffix U, or does not fit a signed 64-bit integer
};
IntegerLiteral integer_literal(const Token& token);

}  // namespace vgpu::ptx
