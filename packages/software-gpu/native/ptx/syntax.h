// The syntax tree of a PTX module: what the parser produces and the decoder reads. It knows the grammar of the
// PTX ISA (version 9.0, chapters 4 and 5) and nothing about what an opcode means: an instruction is its opcode
// word, its modifier words and its operands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vgpu::ptx {

enum class ScalarType : std::uint8_t {
  none, b8, b16, b32, b64, b128, u8, u16, u32, u64, s8, s16, s32, s64,
  f16, f16x2, bf16, bf16x2, f32, f64, pred,
};

/// Bytes of one value; 0 for none and pred.
std::size_t size_of(ScalarType type);
/// ".u32" or "u32" → ScalarType::u32; none when it is not a type.
ScalarType scalar_type(std::string_view word);

enum class StateSpace : std::uint8_t { none, reg, constant, global, local, param, shared };
enum class Linkage : std::uint8_t { internal, visible, external, weak, common };

/// One element of an initialiser: raw bits, or the address of a variable or function plus an offset.
struct InitialValue {
  std::uint64_t bits = 0;   // for a float: its bits in the variable's type
  std::string_view symbol;  // empty when `bits` is the value
  bool generic = false;     // generic(symbol)
  std::int64_t offset = 0;
};

struct Variable {
  std::string_view name;
  StateSpace space = StateSpace::none;
  Linkage linkage = Linkage::internal;
  ScalarType type = ScalarType::none;
  std::uint32_t vector_width = 1;         // 2 for .v2, 4 for .v4
  std::uint32_t alignment = 0;            // bytes; the natural one when .align is absent
  std::vector<std::uint64_t> dimensions;  // empty for a scalar; a leading 0 for `name[]`
  std::vector<InitialValue> initial_values;
  std::uint32_t line = 0;

  /// Bytes of the whole variable (0 for an array of unknown length).
  [[nodiscard]] std::uint64_t bytes() const;
};

/// A virtual register of a function, after `%r<10>` has been expanded and block scopes resolved.
struct Register {
  std::string_view name;  // "%r" and number 3 are kept apart: see number
  std::int32_t number = -1;
  ScalarType type = ScalarType::none;
  std::uint32_t vector_width = 1;
};

struct RegisterOperand { std::uint32_t index; char component = 0; };  // component: 'x','y','z','w' of a vector register
struct IntegerOperand { std::uint64_t bits; };                        // two's complement when negative
struct FloatOperand { double value; bool is_f32_bits = false; std::uint32_t f32_bits = 0; };  // 0f…, 0d…, 1.5
struct SpecialOperand { std::string_view name; };                     // "%tid.x", "%laneid", "WARP_SZ"
struct SymbolOperand { std::string_view name; std::int64_t offset = 0; };  // variable, function or label
struct DiscardOperand {};                                             // "_"
using ScalarOperand = std::variant<RegisterOperand, IntegerOperand, FloatOperand, SpecialOperand,
                                   SymbolOperand, DiscardOperand>;

/// [base + offset]; the base is a register, a symbol or an integer.
struct AddressOperand { ScalarOperand base; std::int64_t offset = 0; };
/// {a, b, c, d}
struct VectorOperand { std::vector<ScalarOperand> elements; };
/// dst|predicate, as in `shfl.sync.idx.b32 %r1|%p1, …` and `setp.eq.s32 %p1|%p2, …`
struct PairOperand { ScalarOperand first; ScalarOperand second; };
/// !%p1 as a source
struct NegatedOperand { RegisterOperand reg; };
/// (a, b) in a call: return or argument list
struct ListOperand { std::vector<ScalarOperand> elements; };

using Operand = std::variant<RegisterOperand, IntegerOperand, FloatOperand, SpecialOperand, SymbolOperand,
                             DiscardOperand, AddressOperand, VectorOperand, PairOperand, NegatedOperand,
                             ListOperand>;

struct Guard { std::uint32_t reg; bool negated; };

struct Instruction {
  std::uint32_t line = 0;  // in the PTX text, from 1
  std::optional<Guard> guard;
  std::string_view opcode;                  // "ld"
  std::vector<std::string_view> modifiers;  // "global", "v4", "u32": without the dots
  std::vector<Operand> operands;
  std::string_view text;                    // the whole statement, for messages
};

struct Label { std::string_view name; std::uint32_t line; };

/// `name: .branchtargets a, b;` and `name: .calltargets f, g;` and `name: .callprototype …;`
struct TargetList { std::string_view name; std::vector<std::string_view> targets; };

/// `.loc file line column`: the source position of what follows.
struct SourceLocation { std::uint32_t file; std::uint32_t line; };

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

  // The body, filled by parse_body().
  std::vector<Register> registers;
  std::vector<Variable> variables;  // .local, .shared, .param, .const declared inside, unique names
  std::vector<TargetList> target_lists;
  std::vector<Statement> statements;

  std::string_view body_text;  // between the braces
  std::uint32_t body_line = 0;
};

struct Module {
  std::uint32_t version_major = 0;
  std::uint32_t version_minor = 0;
  std::string_view target;  // "sm_75"
  std::uint32_t address_size = 64;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::vector<std::string_view> files;  // .file names by index, for messages
};

/// Reads declarations and finds the end of each function body without looking inside. `text` must outlive the
/// module: every string_view points into it. Throws vgpu::software::Error(invalid_ptx) with line and column.
Module parse_module(std::string_view text);
/// Parses the body of `function` (from its body_text). Registers in nested { } scopes with the same name become
/// different registers; variables in nested scopes get unique resolution the same way.
void parse_body(Function& function);

}  // namespace vgpu::ptx
