// The syntax tree of a PTX module: what the parser produces and the decoder reads. It knows the grammar of
// the PTX ISA (version 9.0, chapters 4 and 5) and nothing about what an opcode means: an instruction is its
// opcode word, its modifier words and its operands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vgpu::ptx {

enum class ScalarType : std::uint8_t {
  none,
  b8,
  b16,
  b32,
  b64,
  b128,
  u8,
  u16,
  u32,
  u64,
  s8,
  s16,
  s32,
  s64,
  f16,
  f16x2,
  bf16,
  bf16x2,
  f32,
  f64,
  pred,
  texref,
  samplerref,
  surfref,
};

/// Bytes of one value; 0 for none and pred, 8 for the opaque references (a handle).
std::size_t size_of(ScalarType type);
/// ".u32" or "u32" → ScalarType::u32; none when it is not a type.
ScalarType scalar_type(std::string_view word);

enum class StateSpace : std::uint8_t { none, reg, constant, global, local, param, shared };
enum class Linkage : std::uint8_t { internal, visible, external, weak, common };

/// A place in a variable's initial bytes that is to hold the address of a variable or function. What is
/// stored is `((address + addend) & mask) >> (trailing zeros of mask)`; the mask has all bits set unless the
/// text says `0xFF00(symbol)`, which picks one byte of the address.
struct AddressInitializer {
  std::uint64_t position = 0;  // byte within the variable
  std::uint32_t size = 0;      // bytes to store there
  std::string_view symbol;
  std::int64_t addend = 0;
  std::uint64_t mask = ~std::uint64_t{0};
  bool generic = false;  // generic(symbol): the generic address, not the one within the state space
};

struct Variable {
  std::string_view name;
  StateSpace space = StateSpace::none;
  Linkage linkage = Linkage::internal;
  ScalarType type = ScalarType::none;
  std::uint32_t vector_width = 1;         // 2 for .v2, 4 for .v4
  std::uint32_t alignment = 0;            // bytes; the natural one when .align is absent
  std::vector<std::uint64_t> dimensions;  // empty for a scalar; a leading 0 for `name[]`
  bool managed = false;                   // .attribute(.managed)
  std::uint32_t line = 0;

  // The initialiser in memory order, little-endian, zero at the places of addresses. It ends with the last
  // value that the text gives: what is missing up to bytes() is zero.
  std::vector<std::uint8_t> initial_bytes;
  std::vector<AddressInitializer> initial_addresses;

  /// Bytes of the whole variable (0 for an array of unknown length).
  [[nodiscard]] std::uint64_t bytes() const;
};

/// A virtual register of a function, after `%r<10>` has been expanded and block scopes resolved.
struct Register {
  std::string_view name;     // "%r" for %r3 of `%r<10>`
  std::int32_t number = -1;  // 3 for %r3 of `%r<10>`; -1 for a register declared by its full name
  ScalarType type = ScalarType::none;
  std::uint32_t vector_width = 1;
};

struct RegisterOperand {
  std::uint32_t index = 0;    // in Function::registers
  char component = 0;         // 'x', 'y', 'z', 'w' of a vector register (.r .g .b .a are turned into these)
  std::string_view selector;  // "b0", "h1", "b3210": the part of a register that a video instruction uses
};
/// Two's complement when negative. WARP_SZ is one too.
struct IntegerOperand {
  std::uint64_t bits;
};
/// 0f…, 0d… or 1.5; of 0f… the bits are kept, as a signalling NaN does not survive a conversion.
struct FloatOperand {
  double value;
  bool is_f32_bits = false;
  std::uint32_t f32_bits = 0;
};
/// Any name with '%' that the function does not declare: "%tid.x", "%laneid", and also a misspelt register.
struct SpecialOperand {
  std::string_view name;
};

/// What a name stands for. Block scopes are resolved: two labels or variables of the same name in different
/// scopes have different indices.
enum class SymbolKind : std::uint8_t {
  global,        // a variable or function of the module, to be looked up by name; index is 0
  parameter,     // index in Function::parameters
  return_value,  // index in Function::return_values
  variable,      // index in Function::variables
  label,         // index is Label::number
  target_list,   // index in Function::target_lists
};
struct SymbolOperand {
  std::string_view name;
  std::int64_t offset = 0;  // `name+4`
  SymbolKind kind = SymbolKind::global;
  std::uint32_t index = 0;
};
/// "_"
struct DiscardOperand {};
using ScalarOperand = std::variant<RegisterOperand, IntegerOperand, FloatOperand, SpecialOperand,
                                   SymbolOperand, DiscardOperand>;

/// [base + offset]; the base is a register, a symbol or an integer.
struct AddressOperand {
  ScalarOperand base;
  std::int64_t offset = 0;
};
/// {a, b, c, d}
struct VectorOperand {
  std::vector<ScalarOperand> elements;
};
/// dst|predicate, as in `shfl.sync.idx.b32 %r1|%p1, …` and `setp.eq.s32 %p1|%p2, …`
struct PairOperand {
  ScalarOperand first;
  ScalarOperand second;
};
/// !%p1 as a source
struct NegatedOperand {
  RegisterOperand reg;
};
/// (a, b) in a call: the list before the callee holds return values, the one after it arguments.
struct ListOperand {
  std::vector<ScalarOperand> elements;
};
/// [texture, {x, y}] and [texture, sampler, {x, y}], also of tensor copies
struct TextureOperand {
  std::vector<ScalarOperand> handles;
  std::vector<ScalarOperand> coordinates;
};

using Operand =
    std::variant<RegisterOperand, IntegerOperand, FloatOperand, SpecialOperand, SymbolOperand, DiscardOperand,
                 AddressOperand, VectorOperand, PairOperand, NegatedOperand, ListOperand, TextureOperand>;

struct Guard {
  std::uint32_t reg;
  bool negated;
};

struct Instruction {
  std::uint32_t line = 0;  // in the PTX text, from 1
  std::optional<Guard> guard;
  std::string_view opcode;                  // "ld"
  std::vector<std::string_view> modifiers;  // "global", "v4", "u32": without the dots
  std::vector<Operand> operands;
  std::string_view text;  // the whole statement, for messages
};

struct Label {
  std::string_view name;
  std::uint32_t line = 0;
  std::uint32_t number = 0;  // unique in the function, from 0 in the order of the text
};

/// `name: .branchtargets a, b;` and `name: .calltargets f, g;` and `name: .callprototype …;`
struct TargetList {
  enum class Kind : std::uint8_t { branch_targets, call_targets, call_prototype };
  std::string_view name;
  Kind kind = Kind::branch_targets;
  std::vector<SymbolOperand> targets;   // labels or functions; empty for a prototype
  std::vector<Variable> return_values;  // of a prototype
  std::vector<Variable> parameters;     // of a prototype
};

/// `.loc file line column`: the source position of what follows; of inlined code also where it was called.
struct SourceLocation {
  std::uint32_t file;
  std::uint32_t line;
  std::uint32_t caller_file;
  std::uint32_t caller_line;  // 0: not inlined
};

using Statement = std::variant<Instruction, Label, SourceLocation>;

struct Function {
  std::string_view name;
  bool is_entry = false;
  Linkage linkage = Linkage::internal;
  bool is_declaration = false;  // ends with ';' instead of a body
  std::uint32_t line = 0;
  std::vector<Variable> return_values;
  std::vector<Variable> parameters;
  std::uint32_t max_threads[3] = {0, 0, 0};       // .maxntid; 0 when absent
  std::uint32_t required_threads[3] = {0, 0, 0};  // .reqntid; 0 when absent

  std::uint32_t minimum_blocks = 0;     // .minnctapersm; 0 when absent
  std::uint32_t maximum_registers = 0;  // .maxnreg; 0 when absent

  // The body, filled by parse_body().
  std::vector<Register> registers;  // return values and parameters declared as .reg come first, in that order
  std::vector<Variable> variables;  // declared inside, of any space but .reg; names may repeat
  std::vector<TargetList> target_lists;
  std::vector<Statement> statements;
  std::uint32_t label_count = 0;

  std::string_view body_text;   // between the braces
  std::uint32_t body_line = 0;  // where body_text starts, for messages
  std::uint32_t body_column = 0;
};

/// `.alias name, target;`
struct Alias {
  std::string_view name;
  std::string_view target;
};

struct Module {
  std::uint32_t version_major = 0;
  std::uint32_t version_minor = 0;
  std::string_view target;  // "sm_75"
  std::uint32_t address_size = 64;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::vector<Alias> aliases;
  std::vector<std::string_view> files;  // .file names by index, for messages
};

/// Reads declarations and finds the end of each function body without looking inside. `text` must outlive the
/// module: every string_view points into it. Throws vgpu::software::Error(invalid_ptx) with line and column.
Module parse_module(std::string_view text);
/// Parses the body of `function` (from its body_text). Registers in nested { } scopes with the same name
/// become different registers; variables in nested scopes get unique resolution the same way.
void parse_body(Function& function);

}  // namespace vgpu::ptx
