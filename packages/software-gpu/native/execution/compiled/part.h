// The operands of an instruction, for the code of one part of its result.
#pragma once

#include <array>
#include <cstdint>

#include "execution/compiled/row_registers.h"

namespace vgpu::software {

class Part {
 public:
  /// `index` counts the parts of the result, or those of the sources where they are compared.
  Part(RunCode& code, RowRegisters& rows, const Instruction& instruction,
       const std::array<RunRow*, 3>& sources, int index, const Xbyak::Zmm& result)
      : code_(code),
        rows_(rows),
        instruction_(instruction),
        sources_(sources),
        index_(index),
        result_(result) {}

  [[nodiscard]] RunCode& code() const { return code_; }
  [[nodiscard]] const Instruction& instruction() const { return instruction_; }
  [[nodiscard]] const Xbyak::Zmm& result() const { return result_; }
  [[nodiscard]] int index() const { return index_; }

  /// The same part of a source in a register, which the recipe must not change.
  [[nodiscard]] Xbyak::Zmm reg(int source) const { return reg(source, index_); }
  [[nodiscard]] Xbyak::Zmm reg(int source, int part) const {
    return rows_.vector(row(source), part, RunCode::temporary(source));
  }
  /// The same, in a register or in memory.
  [[nodiscard]] const Xbyak::Operand& any(int source) { return any(source, index_); }
  const Xbyak::Operand& any(int source, int part);
  /// The words that become this part of a row of doublewords.
  const Xbyak::Operand& words(int source);
  /// A predicate source as the mask of this part; the recipe may not change k1 before it has used it.
  [[nodiscard]] Xbyak::Opmask mask(int source, int lanes_of_part) const;
  /// For intermediate values; the temporaries below 3 may hold sources.
  [[nodiscard]] static Xbyak::Zmm spare() { return RunCode::temporary(3); }

 private:
  [[nodiscard]] const RunRow& row(int source) const { return *sources_[static_cast<std::size_t>(source)]; }

  RunCode& code_;
  RowRegisters& rows_;
  const Instruction& instruction_;
  const std::array<RunRow*, 3>& sources_;
  int index_;
  Xbyak::Zmm result_;
  std::array<Xbyak::Zmm, 3> registers_;
  std::array<Xbyak::Ymm, 3> halves_;
  std::array<Xbyak::Address, 3> addresses_{Xbyak::Address(0), Xbyak::Address(0), Xbyak::Address(0)};
};

}  // namespace vgpu::software
