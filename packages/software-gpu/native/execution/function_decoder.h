// Decodes the body of one function. The families of instructions that need more than a row of operations.def
// have a file each: decode_memory.cpp, decode_control.cpp, decode_data.cpp, decode_matrix.cpp,
// decode_async.cpp, decode_runtime.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "execution/decoder.h"
#include "execution/draft.h"
#include "execution/operation_table.h"
#include "ptx/syntax.h"
#include "vgpu/software_gpu/error.h"

namespace vgpu::software {

/// What the functions of one kernel share while they are decoded.
struct KernelContext {
  LoadedModule* module;
  std::string_view kernel_name;
  std::map<std::uint32_t, std::uint32_t> function_indices;  // number in the module → DecodedKernel::functions
  std::map<const ptx::Variable*, std::uint64_t> shared_addresses;  // of module and function variables
  std::uint32_t access_sites = 0;
  Invariants invariants = Invariants::in_place;
  bool prints = false;     // as in DecodedKernel
  bool allocates = false;  // as in DecodedKernel
};

struct DraftCallSite {
  std::vector<std::uint32_t> arguments;      // values
  std::vector<std::uint32_t> return_values;  // values
};

class FunctionDecoder {
 public:
  FunctionDecoder(KernelContext& context, const ptx::Function& function, bool is_kernel);

  /// Decodes all statements; afterwards draft() has rows instead of values.
  void decode();

  [[nodiscard]] Draft& draft() { return draft_; }
  /// Everything but the place of the code.
  [[nodiscard]] DecodedFunction description() const;
  [[nodiscard]] std::vector<CallSite> call_sites() const;

 private:
  // --- Making instructions ---

  /// The instruction being made; its operands are values until rows are assigned.
  class Emitter {
   public:
    Emitter(FunctionDecoder* decoder, std::uint32_t position) : decoder_(decoder), position_(position) {}
    Emitter& reads(Field field, std::uint32_t value) { return refer(field, value, false); }
    Emitter& writes(Field field, std::uint32_t value) { return refer(field, value, true); }
    Emitter& list(std::span<const std::uint32_t> values, bool writes);
    Instruction* operator->() { return &decoder_->draft_.code[position_]; }

   private:
    Emitter& refer(Field field, std::uint32_t value, bool writes);
    FunctionDecoder* decoder_;
    std::uint32_t position_;
  };
  Emitter emit(Operation operation);

  void decode_statement(const ptx::Instruction& instruction);
  void decode_instruction(const ptx::Instruction& instruction);
  void decode_by_table(const ptx::Instruction& instruction);
  bool decode_with_form(const ptx::Instruction& instruction, std::string_view form, std::uint16_t flags);
  bool decode_rounded(const ptx::Instruction& instruction);

  // --- decode_data.cpp ---
  void decode_move(const ptx::Instruction& instruction);
  void decode_pack(const ptx::Instruction& instruction, const ptx::VectorOperand& sources);
  void decode_unpack(const ptx::Instruction& instruction, const ptx::VectorOperand& destinations);
  bool decode_clock(const ptx::Instruction& instruction, std::string_view name);
  void decode_convert(const ptx::Instruction& instruction);
  void decode_set_predicate(const ptx::Instruction& instruction);
  void decode_set_predicate_pair(const ptx::Instruction& instruction);
  void decode_set(const ptx::Instruction& instruction);
  void decode_logic3(const ptx::Instruction& instruction);

  // --- decode_memory.cpp ---
  void decode_load(const ptx::Instruction& instruction);
  void decode_store(const ptx::Instruction& instruction);
  void decode_atomic(const ptx::Instruction& instruction);
  void decode_fence(const ptx::Instruction& instruction);
  void decode_convert_address(const ptx::Instruction& instruction);
  void decode_is_space(const ptx::Instruction& instruction);
  struct MemoryForm;
  MemoryForm read_memory_form(const ptx::Instruction& instruction);
  void decode_load_parameter(const ptx::Instruction& instruction, const MemoryForm& form,
                             const ptx::SymbolOperand& symbol, std::int64_t offset);
  void decode_region_access(const ptx::Instruction& instruction, const MemoryForm& form,
                            const ptx::SymbolOperand& symbol, std::int64_t offset, bool is_store);
  /// Sets the address operand, the space and the site of a memory instruction.
  void add_address(Emitter& emitter, const ptx::Operand& operand, Space space);

  // --- decode_control.cpp ---
  bool decode_control(const ptx::Instruction& instruction);
  void decode_branch(const ptx::Instruction& instruction);
  void decode_indexed_branch(const ptx::Instruction& instruction);
  void decode_call(const ptx::Instruction& instruction);
  void decode_barrier(const ptx::Instruction& instruction);
  void decode_shuffle(const ptx::Instruction& instruction);
  void decode_vote(const ptx::Instruction& instruction);
  void decode_match(const ptx::Instruction& instruction);

  void decode_reduce(const ptx::Instruction& instruction);

  // --- decode_runtime.cpp ---
  /// A call of a function that the module does not define.
  void decode_runtime_call(std::string_view name, const DraftCallSite& site);

  // --- decode_async.cpp ---
  void decode_async_copy(const ptx::Instruction& instruction);
  void decode_async_arrival(const ptx::Instruction& instruction);
  void decode_mbarrier(const ptx::Instruction& instruction);
  void decode_mbarrier_test(const ptx::Instruction& instruction, bool by_parity, Space space);
  void decode_mbarrier_arrive(const ptx::Instruction& instruction, std::uint16_t flags, Space space);
  std::uint32_t address_value(const ptx::Operand& operand);

  // --- decode_texture.cpp ---
  void decode_texture_read(const ptx::Instruction& instruction);

  // --- decode_matrix.cpp ---
  void decode_matrix_product(const ptx::Instruction& instruction);
  void decode_fragments(const ptx::Instruction& instruction);
  void decode_fragment_access(const ptx::Instruction& instruction, bool is_load);
  struct FragmentForm;
  FragmentForm read_fragment_form(const ptx::Instruction& instruction);
  void decode_load_matrix(const ptx::Instruction& instruction);
  /// The registers of a fragment: {a, b, …}, or a single one without braces.
  std::vector<std::uint32_t> fragment(const ptx::Operand& operand, std::size_t count, Width width,
                                      bool is_destination);

  // --- Values ---
  std::uint32_t add_value(const Value& value);
  std::uint32_t constant(Width width, std::uint64_t bits);
  std::uint32_t special(Width width, Special special, std::uint64_t addend = 0);
  std::uint32_t temporary(Width width);
  std::uint32_t carry_flag();
  std::uint32_t add_region(const ptx::Variable& variable);
  std::uint32_t region(const ptx::SymbolOperand& symbol);
  Width register_width(std::uint32_t index) const;
  /// The value of a source operand as a row of this width.
  std::uint32_t source(const ptx::Operand& operand, Width width);
  std::uint32_t source(const ptx::ScalarOperand& operand, Width width);
  std::uint32_t destination(const ptx::Operand& operand, Width width);
  std::uint32_t destination(const ptx::ScalarOperand& operand, Width width);
  /// A predicate source; `negated` says whether it was written with `!`.
  std::pair<std::uint32_t, bool> predicate_source(const ptx::Operand& operand);
  std::uint32_t symbol_address(const ptx::SymbolOperand& symbol, Width width);
  std::uint32_t special_register(std::string_view name, Width width);
  bool fits(const ptx::Operand& operand, Width width) const;
  const ptx::Operand& operand(const ptx::Instruction& instruction, std::size_t index) const;
  /// Most often the type. An instruction without modifiers is refused.
  std::string_view last_modifier(const ptx::Instruction& instruction) const;

  [[noreturn]] void fail(Status status, const std::string& message) const;
  [[noreturn]] void fail_unsupported() const;
  [[noreturn]] void fail_operands() const;

  KernelContext& context_;
  const ptx::Function& function_;
  bool is_kernel_;
  const ptx::Instruction* instruction_ = nullptr;  // being decoded
  SourceLine source_line_{};                       // of what is being decoded
  bool guarded_ = false;                           // writes keep other lanes
  Draft draft_;
  std::map<std::pair<Width, std::uint64_t>, std::uint32_t> constants_;
  std::map<std::tuple<Width, Special, std::uint64_t>, std::uint32_t> specials_;
  std::map<const ptx::Variable*, std::uint32_t> regions_;
  std::map<const ptx::Variable*, std::uint64_t> local_addresses_;
  std::vector<ParameterPlace> parameter_places_;
  std::size_t parameter_bytes_ = 0;
  std::optional<std::uint32_t> carry_flag_;
  std::vector<DraftCallSite> call_sites_;
  std::uint32_t local_bytes_ = 0;
  std::uint32_t frame_bytes_ = 0;
};

/// "ld.global.u32"
std::string spelled_form(const ptx::Instruction& instruction);
bool has_modifier(const ptx::Instruction& instruction, std::string_view modifier);
Width width_of_bytes(std::size_t bytes);

}  // namespace vgpu::software
