// What nvcc 13.0 makes of the .cu files in ptx_samples, written by
//   nvcc -std=c++17 -arch=compute_75 --ptx NAME.cu -o NAME.ptx
// and for scale_debug and scale_lineinfo with -G and -lineinfo.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "ptx_support.h"

namespace vgpu::ptx::test {
namespace {

struct Sample {
  explicit Sample(std::string_view name)
      : text(read_sample("ptx_samples", name)), module(parse_module(text)) {
    for (Function& function : module.functions) parse_body(function);
  }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;

  [[nodiscard]] const Function& function(std::string_view part_of_name) const {
    for (const Function& candidate : module.functions) {
      if (candidate.name.find(part_of_name) != std::string_view::npos) return candidate;
    }
    throw std::out_of_range(std::string(part_of_name));
  }
  [[nodiscard]] const Variable& variable(std::string_view name) const {
    for (const Variable& candidate : module.variables) {
      if (candidate.name == name) return candidate;
    }
    throw std::out_of_range(std::string(name));
  }

  std::string text;
  Module module;
};

/// The symbols and special registers that a function's instructions name, at any depth of an operand.
struct Names {
  explicit Names(const Function& function) {
    for (const Statement& statement : function.statements) {
      const auto* const instruction = std::get_if<Instruction>(&statement);
      if (instruction == nullptr) continue;
      for (const Operand& operand : instruction->operands)
        std::visit([this](const auto& o) { add(o); }, operand);
    }
  }

  void add(const SymbolOperand& symbol) {
    if (symbol.kind == SymbolKind::global) globals.insert(symbol.name);
    if (symbol.kind == SymbolKind::label) ++label_uses;
  }
  void add(const SpecialOperand& special) { specials.insert(special.name); }
  void add(const AddressOperand& address) { add_scalar(address.base); }
  void add(const VectorOperand& vector) { add_all(vector.elements); }
  void add(const ListOperand& list) { add_all(list.elements); }
  template <typename Other>
  void add(const Other&) {}

  void add_scalar(const ScalarOperand& scalar) {
    std::visit([this](const auto& o) { add(o); }, scalar);
  }
  void add_all(const std::vector<ScalarOperand>& elements) {
    for (const ScalarOperand& element : elements) add_scalar(element);
  }

  std::set<std::string_view> globals;
  std::set<std::string_view> specials;
  int label_uses = 0;
};

TEST_CASE("every name in every sample is declared somewhere") {
  for (const std::string_view name :
       {"memory.ptx", "calls.ptx", "branches.ptx", "scale.ptx", "scale_debug.ptx", "scale_lineinfo.ptx"}) {
    CAPTURE(name);
    const Sample sample(name);
    std::set<std::string_view> declared;
    for (const Function& function : sample.module.functions) declared.insert(function.name);
    for (const Variable& variable : sample.module.variables) declared.insert(variable.name);
    const std::set<std::string_view> machine_registers{"%tid.x",   "%tid.y",   "%tid.z", "%ntid.x",
                                                       "%ctaid.x", "%clock64", "%SP",    "%SPL"};
    for (const Function& function : sample.module.functions) {
      CAPTURE(function.name);
      const Names names(function);
      CHECK(std::includes(declared.begin(), declared.end(), names.globals.begin(), names.globals.end()));
      CHECK(std::includes(machine_registers.begin(), machine_registers.end(), names.specials.begin(),
                          names.specials.end()));
    }
  }
}

TEST_CASE("memory.ptx: variables and their initial values") {
  const Sample sample("memory.ptx");
  CHECK(sample.variable("counter").initial_bytes == std::vector<std::uint8_t>{5, 0, 0, 0});
  CHECK(sample.variable("wide").bytes() == 32);
  CHECK(sample.variable("words").initial_addresses.size() == 2);
  CHECK(sample.variable("words").initial_addresses[0].generic);
  CHECK(sample.variable("limits").initial_addresses.at(0).symbol == "numbers");
  CHECK(sample.variable("limits").initial_addresses.at(0).addend == 8);
  CHECK(sample.variable("limits").initial_addresses.at(0).position == 8);
  CHECK(sample.variable("limits").initial_bytes.at(0) == 'x');
  CHECK(sample.variable("weights").space == StateSpace::constant);
  CHECK(sample.variable("shared_with_host").managed);
  CHECK(sample.variable("dynamic").linkage == Linkage::external);
  const Function& kernel = sample.function("memory");
  CHECK(kernel.is_entry);
  CHECK(kernel.parameters.size() == 4);
  CHECK(kernel.variables.size() == 2);
  CHECK(kernel.variables[1].bytes() == 1024);
}

TEST_CASE("calls.ptx: direct, virtual and recursive calls, structures by value") {
  const Sample sample("calls.ptx");
  CHECK(sample.function("vprintf").is_declaration);
  CHECK(sample.function("__assertfail").is_declaration);
  const Function& kernel = sample.function("_Z5calls");
  CHECK(kernel.max_threads[0] == 128);
  CHECK(kernel.minimum_blocks == 2);
  CHECK(kernel.parameters.at(2).bytes() == 48);
  CHECK(kernel.target_lists.size() == 2);
  CHECK(kernel.target_lists[0].kind == TargetList::Kind::call_prototype);
  CHECK(Names(kernel).globals.contains("vprintf"));
  CHECK(Names(sample.function("fibonacci")).globals.contains(sample.function("fibonacci").name));
  CHECK(sample.variable("operations").initial_addresses.size() == 2);
}

TEST_CASE("branches.ptx: inline assembly that repeats labels and registers") {
  const Sample sample("branches.ptx");
  const Function& kernel = sample.function("branches");
  std::map<std::string_view, int> labels;
  for (const Statement& statement : kernel.statements) {
    if (const auto* const label = std::get_if<Label>(&statement)) ++labels[label->name];
  }
  CHECK(labels["AGAIN"] == 2);
  CHECK(labels["INNER"] == 1);
  CHECK(Names(kernel).globals.empty());
  CHECK(Names(kernel).label_uses > 10);
  CHECK(std::count_if(kernel.registers.begin(), kernel.registers.end(),
                      [](const Register& r) { return r.name == "p"; }) == 2);
}

TEST_CASE("scale_debug.ptx and scale_lineinfo.ptx: source positions") {
  for (const std::string_view name : {"scale_debug.ptx", "scale_lineinfo.ptx"}) {
    CAPTURE(name);
    const Sample sample(name);
    REQUIRE(sample.module.files.size() == 2);
    CHECK(sample.module.files[1].ends_with("scale.cu"));
    const std::vector<Statement>& statements = sample.function("scale").statements;
    CHECK(std::any_of(statements.begin(), statements.end(), [](const Statement& statement) {
      const auto* const location = std::get_if<SourceLocation>(&statement);
      return location != nullptr && location->file == 1 && location->line == 9;
    }));
  }
}

}  // namespace
}  // namespace vgpu::ptx::test
