// The module level: declarations, and function bodies as undigested text.
#include <array>
#include <limits>
#include <utility>

#include "ptx/declaration.h"
#include "ptx/lexer.h"
#include "ptx/syntax.h"

namespace vgpu::ptx {
namespace {

constexpr std::uint64_t kMaximumUint32 = std::numeric_limits<std::uint32_t>::max();
// `.file` numbers index a vector, so the largest decides its size.
constexpr std::uint64_t kMaximumFileNumber = 65535;

class ModuleParser {
 public:
  explicit ModuleParser(std::string_view text) : lexer_(text) {}

  Module parse() {
    parse_version();
    parse_target();
    while (lexer_.current().kind != TokenKind::end) parse_directive();
    return std::move(module_);
  }

 private:
  void parse_version() {
    if (!lexer_.accept_word(".version")) lexer_.fail_expected("'.version'");
    const Token number = lexer_.expect(TokenKind::real, "a version number such as 8.0");
    const std::size_t dot = number.text.find('.');
    if (dot == std::string_view::npos) fail(number.position, "expected a version number such as 8.0");
    const auto part = [&](std::string_view digits) {
      const std::uint64_t value = integer_literal({TokenKind::integer, digits, number.position}).bits;
      if (value > 999) fail(number.position, quoted(number.text) + " is not a PTX version");
      return static_cast<std::uint32_t>(value);
    };
    module_.version_major = part(number.text.substr(0, dot));
    module_.version_minor = part(number.text.substr(dot + 1));
  }

  void parse_target() {
    if (!lexer_.accept_word(".target")) lexer_.fail_expected("'.target'");
    module_.target = lexer_.expect(TokenKind::identifier, "a target such as sm_75").text;
    // What follows (debug, texmode_independent, …) changes nothing that is done with the code here.
    while (lexer_.accept(',')) lexer_.expect(TokenKind::identifier, "a target option");
  }

  void parse_directive() {
    const Token& token = lexer_.current();
    if (token.kind != TokenKind::dotted_word) lexer_.fail_expected("a directive");
    if (lexer_.accept_word(".address_size")) return parse_address_size();
    if (lexer_.accept_word(".file")) return parse_file();
    if (lexer_.accept_word(".section")) return skip_section();
    if (lexer_.accept_word(".pragma")) return skip_pragma();
    if (lexer_.accept_word(".alias")) return parse_alias();

    const Linkage linkage = parse_linkage();
    if (token.is_word(".entry") || token.is_word(".func")) return parse_function(linkage);
    switch (variable_space(token)) {
      case StateSpace::global:
      case StateSpace::constant:
      case StateSpace::shared:
        return parse_variables(lexer_, linkage, budget_, module_.variables);
      default:
        lexer_.fail_expected("a function, a .global, .const or .shared variable, or another directive");
    }
  }

  void parse_address_size() {
    const Position position = lexer_.current().position;
    const std::uint64_t size = lexer_.expect_integer(64, "an address size");
    if (size != 32 && size != 64) fail(position, "an address has 32 or 64 bits");
    module_.address_size = static_cast<std::uint32_t>(size);
  }

  void parse_file() {
    const std::uint64_t number = lexer_.expect_integer(kMaximumFileNumber, "a file number");
    std::string_view name = lexer_.expect(TokenKind::string, "a file name").text;
    name = name.substr(1, name.size() - 2);
    // Time stamp and size: of use to a debugger only.
    while (lexer_.accept(',')) lexer_.expect(TokenKind::integer, "a number");
    if (module_.files.size() <= number) module_.files.resize(number + 1);
    module_.files[number] = name;
  }

  /// Debug information: `.section .debug_info { … }`.
  void skip_section() {
    lexer_.expect(TokenKind::dotted_word, "the name of a section");
    if (!lexer_.current().is('{')) lexer_.fail_expected("'{'");
    lexer_.skip_block();
  }

  void skip_pragma() {
    do {
      lexer_.expect(TokenKind::string, "a string");
    } while (lexer_.accept(','));
    lexer_.expect(';');
  }

  void parse_alias() {
    Alias alias;
    alias.name = lexer_.expect(TokenKind::identifier, "the name of a function").text;
    lexer_.expect(',');
    alias.target = lexer_.expect(TokenKind::identifier, "the name of a function").text;
    lexer_.expect(';');
    module_.aliases.push_back(alias);
  }

  Linkage parse_linkage() {
    if (lexer_.accept_word(".visible")) return Linkage::visible;
    if (lexer_.accept_word(".extern")) return Linkage::external;
    if (lexer_.accept_word(".weak")) return Linkage::weak;
    if (lexer_.accept_word(".common")) return Linkage::common;
    return Linkage::internal;
  }

  void parse_function(Linkage linkage) {
    Function function;
    function.linkage = linkage;
    function.is_entry = lexer_.take().text == ".entry";
    parse_function_directives(function);
    if (!function.is_entry && lexer_.current().is('(')) function.return_values = parse_parameter_list(lexer_);
    const Token name = lexer_.expect(TokenKind::identifier, "the name of a function");
    function.name = name.text;
    function.line = name.position.line;
    if (lexer_.current().is('(')) function.parameters = parse_parameter_list(lexer_);
    parse_function_directives(function);

    if (lexer_.accept(';')) {
      function.is_declaration = true;
    } else {
      if (!lexer_.current().is('{')) lexer_.fail_expected("'{' or ';'");
      const Lexer::Block body = lexer_.skip_block();
      function.body_text = body.text;
      function.body_line = body.start.line;
      function.body_column = body.start.column;
    }
    module_.functions.push_back(std::move(function));
  }

  void parse_function_directives(Function& function) {
    while (lexer_.current().kind == TokenKind::dotted_word) {
      const Token word = lexer_.take();
      if (word.text == ".maxntid") {
        parse_dimensions(function.max_threads);
      } else if (word.text == ".reqntid") {
        parse_dimensions(function.required_threads);
      } else if (word.text == ".minnctapersm") {
        function.minimum_blocks = parse_number();
      } else if (word.text == ".maxnreg") {
        function.maximum_registers = parse_number();
      } else if (word.text == ".pragma") {
        skip_pragma();
      } else if (word.text == ".attribute") {
        // Only `.unified` exists for functions: a name shared with other devices.
        if (!lexer_.current().is('(')) lexer_.fail_expected("'('");
        skip_parentheses();
      } else {
        skip_tuning_directive(word);
      }
    }
  }

  /// Directives that advise a compiler, or shape clusters, which only targets above 8.0 have.
  void skip_tuning_directive(const Token& word) {
    struct Directive {
      std::string_view word;
      bool has_numbers;
    };
    constexpr std::array<Directive, 8> kDirectives{{
        {".noreturn", false},
        {".explicitcluster", false},
        {".blocksareclusters", false},
        {".maxnctapersm", true},
        {".reqnctapercluster", true},
        {".maxclusterrank", true},
        {".abi_preserve", true},
        {".abi_preserve_control", true},
    }};
    for (const Directive& directive : kDirectives) {
      if (directive.word != word.text) continue;
      std::uint32_t ignored[3];
      if (directive.has_numbers) parse_dimensions(ignored);
      return;
    }
    fail(word.position, "unknown directive " + quoted(word.text) + " of a function");
  }

  void skip_parentheses() {
    std::size_t depth = 0;
    do {
      if (lexer_.current().kind == TokenKind::end) lexer_.fail_expected("')'");
      if (lexer_.current().is('(')) ++depth;
      if (lexer_.current().is(')')) --depth;
      lexer_.take();
    } while (depth > 0);
  }

  std::uint32_t parse_number() {
    return static_cast<std::uint32_t>(lexer_.expect_integer(kMaximumUint32, "a number"));
  }

  /// One to three numbers; those left out are 1.
  void parse_dimensions(std::uint32_t (&dimensions)[3]) {
    dimensions[0] = parse_number();
    dimensions[1] = lexer_.accept(',') ? parse_number() : 1;
    dimensions[2] = lexer_.accept(',') ? parse_number() : 1;
  }

  Lexer lexer_;
  DeclarationBudget budget_;
  Module module_;
};

}  // namespace

Module parse_module(std::string_view text) {
  return ModuleParser(text).parse();
}

}  // namespace vgpu::ptx
