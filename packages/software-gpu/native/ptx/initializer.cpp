#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "ptx/constant.h"
#include "ptx/declaration.h"

namespace vgpu::ptx {
namespace {

bool is_float(ScalarType type) {
  return type == ScalarType::f32 || type == ScalarType::f64;
}

/// The bits of a floating-point literal in a variable of that type: .b32 and .b64 take them as .f32 and .f64
/// do.
std::uint64_t float_bits(const FloatOperand& literal, ScalarType type, Position position) {
  if (type == ScalarType::f32 || type == ScalarType::b32) {
    // Out-of-range values become infinite, as IEEE 754 converts.
    return literal.is_f32_bits ? literal.f32_bits
                               : std::bit_cast<std::uint32_t>(static_cast<float>(literal.value));
  }
  if (type == ScalarType::f64 || type == ScalarType::b64) return std::bit_cast<std::uint64_t>(literal.value);
  fail(position, "a floating-point value cannot initialise a variable of this type");
}

class InitializerParser {
 public:
  InitializerParser(Lexer& lexer, DeclarationBudget& budget, Variable& variable)
      : lexer_(lexer), budget_(budget), variable_(variable), shape_(variable.dimensions) {
    if (variable.vector_width > 1) shape_.push_back(variable.vector_width);
  }

  void parse() {
    if (shape_.empty()) {
      parse_value(0);
    } else {
      parse_list(0, 0);
    }
    if (!variable_.dimensions.empty() && variable_.dimensions[0] == 0) variable_.dimensions[0] = rows_;
  }

 private:
  /// A list fills dimension `level` from byte `position` on. Depth is that of the dimensions, so bounded.
  void parse_list(std::size_t level, std::uint64_t position) {
    const std::uint64_t length = shape_[level];
    const bool has_open_length = level == 0 && length == 0 && !variable_.dimensions.empty();
    std::uint64_t stride = size_of(variable_.type);
    for (std::size_t inner = level + 1; inner < shape_.size(); ++inner) stride *= shape_[inner];

    if (!lexer_.current().is('{')) lexer_.fail_expected("'{'");
    lexer_.take();
    if (lexer_.accept('}')) return;
    std::uint64_t count = 0;
    do {
      if (count == length && !has_open_length)
        lexer_.fail_expected("no more than " + std::to_string(length) + " values");
      const std::uint64_t place = position + count * stride;
      if (level + 1 == shape_.size()) {
        parse_value(place);
      } else {
        parse_list(level + 1, place);
      }
      ++count;
    } while (lexer_.accept(','));
    lexer_.expect('}');
    if (level == 0) rows_ = count;
  }

  void parse_value(std::uint64_t place) {
    const Token token = lexer_.current();
    const bool has_mask = token.kind == TokenKind::integer && lexer_.is_followed_by('(');
    if (has_mask || (token.kind == TokenKind::identifier && token.text != "WARP_SZ")) {
      return parse_address(place, has_mask);
    }
    const Constant value = parse_constant(lexer_);
    if (value.real) {
      store(place, float_bits(*value.real, variable_.type, token.position));
    } else if (is_float(variable_.type)) {
      fail(token.position, "an integer cannot initialise a floating-point variable");
    } else {
      store(place, value.bits);
    }
  }

  /// `symbol`, `symbol+4`, `generic(symbol)+4`, `0xFF00(generic(symbol)+4)`
  void parse_address(std::uint64_t place, bool has_mask) {
    AddressInitializer address;
    address.position = place;
    address.size = static_cast<std::uint32_t>(size_of(variable_.type));
    if (has_mask) {
      const Position position = lexer_.current().position;
      address.mask = lexer_.expect_integer(std::numeric_limits<std::uint64_t>::max(), "a mask");
      if (address.mask == 0) fail(position, "a mask of zero selects nothing");
      lexer_.expect('(');
    }
    Token name = lexer_.expect(TokenKind::identifier, "a symbol");
    if (name.text == "generic" && lexer_.accept('(')) {
      address.generic = true;
      name = lexer_.expect(TokenKind::identifier, "a symbol");
      lexer_.expect(')');
    }
    address.symbol = name.text;
    if (lexer_.current().is('+') || lexer_.current().is('-')) {
      address.addend = static_cast<std::int64_t>(parse_integer_constant(lexer_));
    }
    if (has_mask) lexer_.expect(')');
    if (is_float(variable_.type))
      fail(name.position, "an address cannot initialise a floating-point variable");
    store(place, 0);
    variable_.initial_addresses.push_back(address);
  }

  void store(std::uint64_t place, std::uint64_t bits) {
    const std::size_t size = size_of(variable_.type);
    std::vector<std::uint8_t>& bytes = variable_.initial_bytes;
    if (place + size > bytes.size()) {
      const std::uint64_t growth = place + size - bytes.size();
      if (growth > budget_.initial_bytes) {
        fail(lexer_.current().position, "the initial values of this text are too large together");
      }
      budget_.initial_bytes -= growth;
      bytes.resize(place + size);
    }
    // PTX is little-endian, and so is every processor that this runs on (see the assertion below).
    std::memcpy(bytes.data() + place, &bits, std::min(size, sizeof bits));
  }
  static_assert(std::endian::native == std::endian::little);

  Lexer& lexer_;
  DeclarationBudget& budget_;
  Variable& variable_;
  std::vector<std::uint64_t> shape_;
  std::uint64_t rows_ = 0;
};

}  // namespace

void parse_initializer(Lexer& lexer, DeclarationBudget& budget, Variable& variable) {
  const Position position = lexer.current().position;
  switch (variable.space) {
    case StateSpace::global:
    case StateSpace::constant:
      break;
    default:
      fail(position, "only .global and .const variables have initial values");
  }
  if (variable.linkage == Linkage::external) fail(position, "an external variable has no initial value");
  if (size_of(variable.type) == 0) fail(position, "this type has no initial value");
  InitializerParser(lexer, budget, variable).parse();
}

}  // namespace vgpu::ptx
