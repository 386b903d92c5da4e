// Function bodies: statements, operands, and which declaration each name means.
#include <algorithm>
#include <map>
#include <tuple>
#include <type_traits>
#include <utility>

#include "ptx/constant.h"
#include "ptx/declaration.h"
#include "ptx/lexer.h"
#include "ptx/scope.h"
#include "ptx/syntax.h"

namespace vgpu::ptx {
namespace {

// The largest kernels of real libraries use some ten thousand registers.
constexpr std::size_t kMaximumRegisters = std::size_t{1} << 20;
constexpr std::size_t kMaximumBlockDepth = 256;
// Only to reserve memory: machine-written statements are about this long.
constexpr std::size_t kTypicalStatementBytes = 32;

class BodyParser {
 public:
  explicit BodyParser(Function& function)
      : function_(function), lexer_(function.body_text, {function.body_line, function.body_column}) {}

  void parse() {
    function_.statements.reserve(function_.body_text.size() / kTypicalStatementBytes);
    declare_signature();
    names_.open_block();
    while (lexer_.current().kind != TokenKind::end) parse_statement();
    // parse_module() cut the body at the matching brace; a caller's own text may still lack one.
    if (labels_.current_block() != 0) lexer_.fail_expected("'}'");
    resolve_labels();
  }

 private:
  /// File, line and column of the program's sources.
  using CodePosition = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;

  struct LabelUse {
    std::size_t place;  // in Function::statements or Function::target_lists
    std::uint32_t block;
  };

  // ---- Declarations ----

  void declare_signature() {
    const auto declare = [&](const std::vector<Variable>& variables, NameTable::Kind kind) {
      for (std::size_t i = 0; i < variables.size(); ++i) {
        const Variable& variable = variables[i];
        const Position position{variable.line, 1};
        if (variable.name == "_") continue;
        if (variable.space == StateSpace::reg) {
          declare_register(variable.name, position, variable.type, variable.vector_width);
        } else {
          names_.declare(variable.name, position, {kind, static_cast<std::uint32_t>(i)});
        }
      }
    };
    declare(function_.return_values, NameTable::Kind::return_value);
    declare(function_.parameters, NameTable::Kind::parameter);
  }

  void declare_register(std::string_view name, Position position, ScalarType type, std::uint32_t width) {
    names_.declare(name, position,
                   {NameTable::Kind::reg, static_cast<std::uint32_t>(function_.registers.size())});
    function_.registers.push_back({name, -1, type, width});
  }

  /// `.reg .v2 .b32 %r<10>, %s;`
  void parse_registers() {
    lexer_.take();
    const VariableType type = parse_variable_type(lexer_);
    do {
      const Token name = lexer_.expect(TokenKind::identifier, "the name of a register");
      std::uint64_t count = 1;
      const bool is_range = lexer_.accept('<');
      if (is_range) {
        count = lexer_.expect_integer(kMaximumRegisters, "a number of registers");
        lexer_.expect('>');
      }
      const std::size_t first = function_.registers.size();
      if (first + count > kMaximumRegisters) {
        fail(name.position, "function " + quoted(function_.name) + " has more than " +
                                std::to_string(kMaximumRegisters) + " registers");
      }
      if (!is_range) {
        declare_register(name.text, name.position, type.type, type.vector_width);
        continue;
      }
      names_.declare_range(name.text, name.position, static_cast<std::uint32_t>(first),
                           static_cast<std::uint32_t>(count));
      for (std::uint64_t number = 0; number < count; ++number) {
        function_.registers.push_back(
            {name.text, static_cast<std::int32_t>(number), type.type, type.vector_width});
      }
    } while (lexer_.accept(','));
    lexer_.expect(';');
  }

  void parse_local_variables() {
    std::size_t next = function_.variables.size();
    const Position position = lexer_.current().position;
    parse_variables(lexer_, Linkage::internal, budget_, function_.variables);
    for (; next < function_.variables.size(); ++next) {
      names_.declare(function_.variables[next].name, position,
                     {NameTable::Kind::variable, static_cast<std::uint32_t>(next)});
    }
  }

  // ---- Statements ----

  void parse_statement() {
    const Token& token = lexer_.current();
    if (token.kind == TokenKind::identifier) {
      const Token name = lexer_.take();
      if (lexer_.accept(':')) return parse_label(name);
      return parse_instruction(name, std::nullopt, name);
    }
    if (token.is('@')) return parse_guarded_instruction();
    if (token.kind == TokenKind::dotted_word) return parse_directive();
    if (token.is('{')) return open_block();
    if (token.is('}')) return close_block();
    lexer_.fail_expected("an instruction, a label or a directive");
  }

  void open_block() {
    if (names_.depth() > kMaximumBlockDepth) lexer_.fail_expected("at most 256 nested blocks");
    lexer_.take();
    names_.open_block();
    labels_.open_block();
  }

  void close_block() {
    if (labels_.current_block() == 0) lexer_.fail_expected("an instruction: no block is open");
    lexer_.take();
    names_.close_block();
    labels_.close_block();
  }

  void parse_directive() {
    const Token& token = lexer_.current();
    switch (variable_space(token)) {
      case StateSpace::reg:
        return parse_registers();
      case StateSpace::none:
        break;
      default:
        return parse_local_variables();
    }
    if (token.is_word(".loc")) return parse_source_location();
    if (lexer_.accept_word(".pragma")) {
      do {
        lexer_.expect(TokenKind::string, "a string");
      } while (lexer_.accept(','));
      return lexer_.expect(';');
    }
    lexer_.fail_expected("an instruction or a declaration");
  }

  /// `.loc 1 23 4`, and behind it for inlined code `, function_name $L__info_string0, inlined_at 1 45 3`
  void parse_source_location() {
    constexpr std::uint64_t kLimit = 0xFFFFFFFF;
    lexer_.take();
    SourceLocation location{};
    location.file = static_cast<std::uint32_t>(lexer_.expect_integer(kLimit, "a file number"));
    location.line = static_cast<std::uint32_t>(lexer_.expect_integer(kLimit, "a line number"));
    const CodePosition here{location.file, location.line, lexer_.expect_integer(kLimit, "a column number")};
    while (lexer_.accept(',')) {
      const Token word = lexer_.expect(TokenKind::identifier, "'function_name' or 'inlined_at'");
      if (word.text == "function_name") {
        lexer_.expect(TokenKind::identifier, "a label");
        if (lexer_.accept('+')) lexer_.expect_integer(kLimit, "an offset");
      } else if (word.text == "inlined_at") {
        location.caller_file = static_cast<std::uint32_t>(lexer_.expect_integer(kLimit, "a file number"));
        location.caller_line = static_cast<std::uint32_t>(lexer_.expect_integer(kLimit, "a line number"));
        find_outermost_caller(location, lexer_.expect_integer(kLimit, "a column number"));
        inlined_[here] = {location.caller_file, location.caller_line};
      } else {
        fail(word.position, "expected 'function_name' or 'inlined_at' but found " + quoted(word.text));
      }
    }
    function_.statements.emplace_back(location);
  }

  /// The caller may be inlined itself: then its own .loc came before, with where the function's own code
  /// called it.
  void find_outermost_caller(SourceLocation& location, std::uint64_t column) const {
    const auto outer = inlined_.find({location.caller_file, location.caller_line, column});
    if (outer != inlined_.end()) std::tie(location.caller_file, location.caller_line) = outer->second;
  }

  void parse_label(const Token& name) {
    const Token& token = lexer_.current();
    if (token.is_word(".branchtargets")) return parse_target_list(name, TargetList::Kind::branch_targets);
    if (token.is_word(".calltargets")) return parse_target_list(name, TargetList::Kind::call_targets);
    if (token.is_word(".callprototype")) return parse_call_prototype(name);
    labels_.declare(name.text, name.position, {false, function_.label_count});
    function_.statements.emplace_back(Label{name.text, name.position.line, function_.label_count});
    ++function_.label_count;
  }

  void parse_target_list(const Token& name, TargetList::Kind kind) {
    lexer_.take();
    TargetList list;
    list.name = name.text;
    list.kind = kind;
    do {
      list.targets.push_back({lexer_.expect(TokenKind::identifier, "a label or function").text});
    } while (lexer_.accept(','));
    lexer_.expect(';');
    list_uses_.push_back({function_.target_lists.size(), labels_.current_block()});
    add_target_list(name, std::move(list));
  }

  /// `name: .callprototype (.param .b32 _) _ (.param .b64 _) .noreturn;`
  void parse_call_prototype(const Token& name) {
    lexer_.take();
    TargetList prototype;
    prototype.name = name.text;
    prototype.kind = TargetList::Kind::call_prototype;
    if (lexer_.current().is('(')) prototype.return_values = parse_parameter_list(lexer_);
    lexer_.expect(TokenKind::identifier, "'_'");
    if (lexer_.current().is('(')) prototype.parameters = parse_parameter_list(lexer_);
    while (lexer_.current().kind == TokenKind::dotted_word) {
      const Token word = lexer_.take();
      if (word.text == ".abi_preserve" || word.text == ".abi_preserve_control") {
        lexer_.expect(TokenKind::integer, "a number");
      } else if (word.text != ".noreturn") {
        fail(word.position, "unknown directive " + quoted(word.text) + " of a call prototype");
      }
    }
    lexer_.expect(';');
    add_target_list(name, std::move(prototype));
  }

  void add_target_list(const Token& name, TargetList list) {
    labels_.declare(name.text, name.position,
                    {true, static_cast<std::uint32_t>(function_.target_lists.size())});
    function_.target_lists.push_back(std::move(list));
  }

  void parse_guarded_instruction() {
    const Token mark = lexer_.take();
    const bool negated = lexer_.accept('!');
    const RegisterOperand predicate = expect_register("a predicate register");
    parse_instruction(lexer_.expect(TokenKind::identifier, "an instruction"), Guard{predicate.index, negated},
                      mark);
  }

  void parse_instruction(const Token& opcode, std::optional<Guard> guard, const Token& first) {
    Instruction& instruction = std::get<Instruction>(function_.statements.emplace_back(Instruction{}));
    instruction.line = opcode.position.line;
    instruction.guard = guard;
    instruction.opcode = opcode.text;
    words_.clear();
    while (lexer_.current().kind == TokenKind::dotted_word) words_.push_back(lexer_.take().text.substr(1));
    instruction.modifiers.assign(words_.begin(), words_.end());

    has_open_symbol_ = false;
    operands_.clear();
    if (!lexer_.current().is(';')) {
      const bool is_call = opcode.text == "call";
      do {
        operands_.push_back(parse_operand(is_call));
      } while (lexer_.accept(','));
    }
    if (!lexer_.current().is(';')) lexer_.fail_expected("',' or ';'");
    const char* const end = lexer_.current().text.data();
    instruction.text = {first.text.data(), static_cast<std::size_t>(end - first.text.data())};
    instruction.operands.assign(std::make_move_iterator(operands_.begin()),
                                std::make_move_iterator(operands_.end()));
    if (has_open_symbol_) uses_.push_back({function_.statements.size() - 1, labels_.current_block()});
    lexer_.take();
  }

  // ---- Operands ----

  Operand parse_operand(bool is_call) {
    const Token& token = lexer_.current();
    if (token.is('[')) return parse_address();
    if (token.is('{')) return VectorOperand{parse_elements('}')};
    if (is_call && token.is('(')) return ListOperand{parse_elements(')')};
    if (lexer_.accept('!')) {
      return NegatedOperand{expect_register("a predicate register")};
    }
    const ScalarOperand scalar = parse_scalar();
    if (lexer_.accept('|')) return PairOperand{scalar, parse_scalar()};
    return std::visit([](const auto& operand) -> Operand { return operand; }, scalar);
  }

  ScalarOperand parse_scalar() {
    const Token& token = lexer_.current();
    if (begins_constant(token)) {
      const Constant constant = parse_constant(lexer_);
      if (constant.real) return *constant.real;
      return IntegerOperand{constant.bits};
    }
    if (token.kind != TokenKind::identifier) lexer_.fail_expected("an operand");
    const Token name = lexer_.take();
    if (name.text == "_") return DiscardOperand{};
    const std::optional<NameTable::Name> meaning = names_.find(name.text);
    if (meaning && meaning->kind == NameTable::Kind::reg) return register_part(meaning->index);
    if (!meaning && name.text[0] == '%') return special_register(name);
    return parse_symbol(name, meaning);
  }

  RegisterOperand expect_register(std::string_view description) {
    const Token& token = lexer_.current();
    const std::optional<NameTable::Name> meaning =
        token.kind == TokenKind::identifier ? names_.find(token.text) : std::nullopt;
    if (!meaning || meaning->kind != NameTable::Kind::reg) lexer_.fail_expected(description);
    lexer_.take();
    return register_part(meaning->index);
  }

  /// `%v.x` names a component of a vector register, `%r1.b0` a part that video instructions select.
  RegisterOperand register_part(std::uint32_t index) {
    RegisterOperand operand{index, 0, {}};
    if (lexer_.current().kind != TokenKind::dotted_word) return operand;
    const Token part = lexer_.take();
    const std::string_view word = part.text.substr(1);
    constexpr std::string_view kComponents = "xyzwrgba";
    const std::size_t component = word.size() == 1 ? kComponents.find(word[0]) : std::string_view::npos;
    const std::uint32_t width = function_.registers[index].vector_width;
    if (component != std::string_view::npos) {
      if (component % 4 >= width || width == 1) {
        fail(part.position, "this register has no component " + quoted(part.text));
      }
      operand.component = kComponents[component % 4];
      return operand;
    }
    const bool is_selector = (word[0] == 'b' || word[0] == 'h') && word.size() >= 2 && word.size() <= 5 &&
                             word.find_first_not_of("01234567", 1) == std::string_view::npos;
    if (!is_selector) fail(part.position, "expected part of a register but found " + quoted(part.text));
    operand.selector = word;
    return operand;
  }

  /// An undeclared name with '%' is one of the machine's, "%tid.x"; which ones exist the decoder knows.
  SpecialOperand special_register(const Token& name) {
    if (lexer_.current().kind != TokenKind::dotted_word) return {name.text};
    const Token part = lexer_.take();
    if (part.text.data() != name.text.data() + name.text.size()) {
      fail(part.position, "expected ',' or ';' but found " + quoted(part.text));
    }
    return {{name.text.data(), name.text.size() + part.text.size()}};
  }

  SymbolOperand parse_symbol(const Token& name, std::optional<NameTable::Name> meaning) {
    SymbolOperand symbol{name.text, parse_offset(), SymbolKind::global, 0};
    if (!meaning) {
      has_open_symbol_ = true;
      return symbol;
    }
    symbol.index = meaning->index;
    symbol.kind = meaning->kind == NameTable::Kind::variable    ? SymbolKind::variable
                  : meaning->kind == NameTable::Kind::parameter ? SymbolKind::parameter
                                                                : SymbolKind::return_value;
    return symbol;
  }

  /// `+8`, `-8`, `+-8` behind a base; 0 when there is none.
  std::int64_t parse_offset() {
    // The sign is left to the expression, of which it is the first operator.
    if (!lexer_.current().is('+') && !lexer_.current().is('-')) return 0;
    return static_cast<std::int64_t>(parse_integer_constant(lexer_));
  }

  /// `[base+offset]`, or with coordinates a texture or tensor: `[texture, sampler, {x, y}]`
  Operand parse_address() {
    lexer_.take();
    const ScalarOperand base = parse_scalar();
    if (lexer_.current().is(',')) return parse_texture(base);
    AddressOperand address{base, 0};
    if (SymbolOperand* const symbol = std::get_if<SymbolOperand>(&address.base)) {
      std::swap(address.offset, symbol->offset);
    } else {
      address.offset = parse_offset();
    }
    lexer_.expect(']');
    return address;
  }

  TextureOperand parse_texture(const ScalarOperand& first) {
    TextureOperand texture;
    texture.handles.push_back(first);
    while (lexer_.accept(',')) {
      if (lexer_.current().is('{')) {
        texture.coordinates = parse_elements('}');
        break;
      }
      texture.handles.push_back(parse_scalar());
    }
    // A single coordinate may stand without braces.
    if (texture.coordinates.empty() && texture.handles.size() > 1) {
      texture.coordinates.push_back(texture.handles.back());
      texture.handles.pop_back();
    }
    lexer_.expect(']');
    return texture;
  }

  /// From an opening bracket to the closing one; `()` may be empty.
  std::vector<ScalarOperand> parse_elements(char closing) {
    lexer_.take();
    std::vector<ScalarOperand> elements;
    if (closing == ')' && lexer_.accept(')')) return elements;
    do {
      elements.push_back(parse_scalar());
    } while (lexer_.accept(','));
    lexer_.expect(closing);
    return elements;
  }

  // ---- Labels ----

  void resolve(SymbolOperand& symbol, std::uint32_t block) const {
    if (symbol.kind != SymbolKind::global) return;
    const std::optional<LabelTable::Meaning> meaning = labels_.find(symbol.name, block);
    if (!meaning) return;
    symbol.kind = meaning->is_target_list ? SymbolKind::target_list : SymbolKind::label;
    symbol.index = meaning->index;
  }

  void resolve_labels() {
    for (const LabelUse& use : uses_) {
      for (Operand& operand : std::get<Instruction>(function_.statements[use.place]).operands) {
        if (auto* const symbol = std::get_if<SymbolOperand>(&operand)) resolve(*symbol, use.block);
      }
    }
    for (const LabelUse& use : list_uses_) {
      for (SymbolOperand& target : function_.target_lists[use.place].targets) resolve(target, use.block);
    }
  }

  Function& function_;
  Lexer lexer_;
  DeclarationBudget budget_;
  NameTable names_;
  LabelTable labels_;
  std::map<CodePosition, std::pair<std::uint32_t, std::uint32_t>> inlined_;  // code and its outermost caller
  std::vector<LabelUse> uses_;
  std::vector<LabelUse> list_uses_;
  // Whether the instruction being read names something that is not declared yet.
  bool has_open_symbol_ = false;
  // Reused from one instruction to the next, so that each allocates its exact size once.
  std::vector<std::string_view> words_;
  std::vector<Operand> operands_;
};

}  // namespace

void parse_body(Function& function) {
  function.registers.clear();
  function.variables.clear();
  function.target_lists.clear();
  function.statements.clear();
  function.label_count = 0;
  BodyParser(function).parse();
}

}  // namespace vgpu::ptx
