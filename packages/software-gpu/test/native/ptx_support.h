// What the tests of the PTX front end share.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "ptx/syntax.h"
#include "vgpu/software_gpu/error.h"

namespace vgpu::ptx::test {

/// Three lines, so that what follows begins on line 4.
inline constexpr std::string_view kHeader = ".version 9.0\n.target sm_75\n.address_size 64\n";

inline std::string with_header(std::string_view text) {
  return std::string(kHeader).append(text);
}

/// A function with its body parsed. The text lives here, as every view of the tree points into it; with its
/// header it is too long to lie inside the string object, so the views survive a move.
struct ParsedFunction {
  std::string text;
  Module module;
  [[nodiscard]] const Function& function() const { return module.functions.back(); }
  [[nodiscard]] const Instruction& instruction(std::size_t index) const {
    for (const Statement& statement : function().statements) {
      const auto* const found = std::get_if<Instruction>(&statement);
      if (found != nullptr && index-- == 0) return *found;
    }
    throw std::out_of_range("the function has fewer instructions");
  }
  template <typename T>
  [[nodiscard]] const T& operand(std::size_t instruction_index, std::size_t operand_index) const {
    return std::get<T>(instruction(instruction_index).operands.at(operand_index));
  }
};

/// `statements` becomes the body of a kernel, its first line on line 5.
inline ParsedFunction parse_statements(std::string_view statements) {
  ParsedFunction result;
  result.text = with_header(".entry k(.param .u64 pointer)\n{").append(statements).append("}\n");
  result.module = parse_module(result.text);
  parse_body(result.module.functions.back());
  return result;
}

/// The message that the text is refused with, bodies included; empty when it is accepted.
inline std::string error_of(std::string_view text) {
  try {
    Module module = parse_module(text);
    for (Function& function : module.functions) parse_body(function);
  } catch (const software::Error& error) {
    if (error.status() != software::Status::invalid_ptx) return "not reported as invalid_ptx";
    return error.what();
  }
  return {};
}

inline std::string error_of_module(std::string_view text) {
  return error_of(with_header(text));
}

inline std::string error_of_statements(std::string_view statements) {
  return error_of(with_header(".entry k(.param .u64 pointer)\n{").append(statements).append("}\n"));
}

inline std::string read_sample(std::string_view folder, std::string_view name) {
  const std::filesystem::path path = std::filesystem::path(VGPU_TEST_DIRECTORY) / "native" / folder / name;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace vgpu::ptx::test
