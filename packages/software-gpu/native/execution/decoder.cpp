#include "execution/decoder.h"

#include <algorithm>
#include <set>

#include "execution/function_decoder.h"

namespace vgpu::software {
namespace {

void parse_body_once(LoadedModule& module, std::uint32_t number) {
  if (module.body_is_parsed[number]) return;
  ptx::parse_body(module.syntax.functions[number]);
  module.body_is_parsed[number] = true;
}

/// Calls `action` with every symbol that the function's instructions name.
template <class F>
void for_each_symbol(const ptx::Function& function, F action) {
  const auto visit_scalar = [&](const ptx::ScalarOperand& operand) {
    if (const auto* symbol = std::get_if<ptx::SymbolOperand>(&operand)) action(*symbol);
  };
  for (const ptx::Statement& statement : function.statements) {
    const auto* instruction = std::get_if<ptx::Instruction>(&statement);
    if (instruction == nullptr) continue;
    for (const ptx::Operand& operand : instruction->operands) {
      if (const auto* symbol = std::get_if<ptx::SymbolOperand>(&operand)) action(*symbol);
      if (const auto* address = std::get_if<ptx::AddressOperand>(&operand)) visit_scalar(address->base);
      if (const auto* vector = std::get_if<ptx::VectorOperand>(&operand)) {
        std::ranges::for_each(vector->elements, visit_scalar);
      }
    }
  }
}

bool calls_indirectly(const ptx::Function& function) {
  return std::ranges::any_of(function.statements, [](const ptx::Statement& statement) {
    const auto* instruction = std::get_if<ptx::Instruction>(&statement);
    if (instruction == nullptr || instruction->opcode != "call") return false;
    return std::ranges::any_of(instruction->operands, [](const ptx::Operand& operand) {
      return std::holds_alternative<ptx::RegisterOperand>(operand);
    });
  });
}

/// The kernel and every function that it may call, the kernel first.
std::vector<std::uint32_t> reachable_functions(LoadedModule& module, std::uint32_t kernel) {
  std::vector<std::uint32_t> found{kernel};
  std::set<std::uint32_t> known{kernel};
  const auto add = [&](std::uint32_t number) {
    if (!module.syntax.functions[number].is_declaration && known.insert(number).second)
      found.push_back(number);
  };
  for (std::size_t i = 0; i < found.size(); ++i) {
    parse_body_once(module, found[i]);
    const ptx::Function& function = module.syntax.functions[found[i]];
    for_each_symbol(function, [&](const ptx::SymbolOperand& symbol) {
      if (symbol.kind != ptx::SymbolKind::global) return;
      const auto named = module.functions.find(symbol.name);
      if (named != module.functions.end()) add(named->second);
    });
    if (calls_indirectly(function)) {
      // The address may come from a table in memory, so any function of the module is possible.
      for (std::uint32_t number = 0; number < module.syntax.functions.size(); ++number) {
        if (!module.syntax.functions[number].is_entry) add(number);
      }
    }
  }
  return found;
}

/// Static shared variables of the kernel and its functions one after the other; behind them, all at the same
/// address, those whose size the launch decides.
void place_shared_variables(KernelContext& context, const std::vector<std::uint32_t>& functions,
                            DecodedKernel& kernel) {
  std::vector<const ptx::Variable*> variables;
  std::set<std::string_view> named;
  for (const std::uint32_t number : functions) {
    const ptx::Function& function = context.module->syntax.functions[number];
    for_each_symbol(function, [&](const ptx::SymbolOperand& symbol) {
      if (symbol.kind == ptx::SymbolKind::global) named.insert(symbol.name);
    });
    for (const ptx::Variable& variable : function.variables) {
      if (variable.space == ptx::StateSpace::shared) variables.push_back(&variable);
    }
  }
  for (const ptx::Variable& variable : context.module->syntax.variables) {
    if (variable.space == ptx::StateSpace::shared && named.contains(variable.name))
      variables.push_back(&variable);
  }
  std::uint64_t end = 0;
  std::uint64_t dynamic_alignment = 16;
  const auto align = [](std::uint64_t value, std::uint64_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
  };
  for (const ptx::Variable* variable : variables) {
    const std::uint64_t alignment =
        std::max<std::uint64_t>({variable->alignment, ptx::size_of(variable->type), 1});
    if (variable->bytes() == 0) {
      dynamic_alignment = std::max(dynamic_alignment, alignment);
      continue;
    }
    end = align(end, alignment);
    context.shared_addresses[variable] = end;
    end += variable->bytes();
  }
  const bool has_dynamic =
      std::ranges::any_of(variables, [](const auto* variable) { return variable->bytes() == 0; });
  if (has_dynamic) end = align(end, dynamic_alignment);
  for (const ptx::Variable* variable : variables) {
    if (variable->bytes() == 0) context.shared_addresses[variable] = end;
  }
  // Too much is refused at the launch, where the limit is known; it must only not wrap around.
  kernel.static_shared_bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(end, 0x7fff'ffff));
}

std::uint32_t parameter_bytes_of(const ptx::Function& kernel) {
  constexpr std::size_t kMaximumParameterBytes = 32764;  // PTX ISA 8.1 and later
  std::size_t total = 0;
  const std::vector<ParameterPlace> places = place_parameters(kernel.parameters, total);
  const bool one_too_large = std::ranges::any_of(
      places, [](const ParameterPlace& place) { return place.bytes > kMaximumParameterBytes; });
  if (one_too_large || total > kMaximumParameterBytes) {
    throw Error(Status::invalid_ptx, "kernel '" + std::string(kernel.name) + "', PTX line " +
                                         std::to_string(kernel.line) + ": more than " +
                                         std::to_string(kMaximumParameterBytes) + " bytes of parameters");
  }
  return static_cast<std::uint32_t>(total);
}

/// Appends a function's code to the kernel's and moves its targets and tables.
void append(DecodedKernel& kernel, FunctionDecoder& decoder) {
  Draft& draft = decoder.draft();
  const auto base = static_cast<std::uint32_t>(kernel.code.size());
  const auto first_table = static_cast<std::uint32_t>(kernel.branch_tables.size());
  const auto first_site = static_cast<std::uint32_t>(kernel.call_sites.size());
  const auto first_operand = static_cast<std::uint32_t>(kernel.operand_rows.size());
  for (Instruction instruction : draft.code) {
    switch (instruction.operation) {
      case Operation::branch:
        instruction.b += base;
        break;
      case Operation::branch_if:
        instruction.b += base;
        if (instruction.c != kNoJoin) instruction.c += base;
        break;
      case Operation::branch_indexed:
        instruction.b += first_table;
        if (instruction.c != kNoJoin) instruction.c += base;
        break;
      case Operation::call:
      case Operation::call_indirect:
        instruction.b += first_site;
        break;
      case Operation::load_fragment:
      case Operation::store_fragment:
        instruction.d += first_operand;
        break;
      default:
        if (is_matrix_product(instruction.operation)) instruction.d += first_operand;
        break;
    }
    kernel.code.push_back(instruction);
  }
  kernel.lines.insert(kernel.lines.end(), draft.lines.begin(), draft.lines.end());
  kernel.preamble.insert(kernel.preamble.end(), draft.preamble.begin(), draft.preamble.end());
  for (const std::uint32_t last : draft.last_reads) {
    kernel.last_reads.push_back(last == 0 || last == kReadBeyondBlock ? last : last + base);
  }
  for (std::vector<std::uint32_t> table : draft.branch_tables) {
    for (std::uint32_t& target : table) target += base;
    kernel.branch_tables.push_back(std::move(table));
  }
  kernel.source_lines.insert(kernel.source_lines.end(), draft.source_lines.begin(), draft.source_lines.end());
  kernel.operand_rows.insert(kernel.operand_rows.end(), draft.operand_rows.begin(), draft.operand_rows.end());
  for (CallSite& site : decoder.call_sites()) kernel.call_sites.push_back(std::move(site));
  DecodedFunction description = decoder.description();
  description.entry = base;
  kernel.functions.push_back(std::move(description));
}

}  // namespace

DecodedKernel decode_kernel(LoadedModule& module, std::uint32_t function, Invariants invariants) {
  DecodedKernel kernel;
  kernel.name = module.syntax.functions[function].name;
  kernel.parameter_bytes = parameter_bytes_of(module.syntax.functions[function]);
  const std::vector<std::uint32_t> functions = reachable_functions(module, function);
  kernel.function_numbers = functions;
  kernel.constant_ranges = module.constant_ranges;

  KernelContext context;
  context.module = &module;
  context.kernel_name = kernel.name;
  context.invariants = invariants;
  for (std::uint32_t i = 0; i < functions.size(); ++i) context.function_indices[functions[i]] = i;
  place_shared_variables(context, functions, kernel);

  for (const std::uint32_t number : functions) {
    FunctionDecoder decoder(context, module.syntax.functions[number], number == function);
    decoder.decode();
    append(kernel, decoder);
  }
  if (std::ranges::all_of(kernel.source_lines, [](const SourceLine& source) { return source.line == 0; })) {
    kernel.source_lines.clear();
  } else {
    kernel.source_files.assign(module.syntax.files.begin(), module.syntax.files.end());
  }
  kernel.access_sites = context.access_sites;
  kernel.prints = context.prints;
  kernel.allocates = context.allocates;
  kernel.register_count = static_cast<std::uint32_t>(module.syntax.functions[function].registers.size());
  return kernel;
}

}  // namespace vgpu::software
