// Loads and stores inside runs. Code is there for what a warp with all lanes active mostly does: lanes next
// to each other, all at one address, or, when loading, anywhere within one allocation. Everything else leaves
// the run in front of the instruction, so that its handler does it.
#pragma once

#include <array>

#include "execution/compiled/row_registers.h"

namespace vgpu::software {

/// Whether the instruction, a load or store of words, can be in a run at all.
bool is_simple_access(const Instruction& instruction);

/// How many words of a lane it moves: their rows are in destination, b, c, d.
int words_of_access(const Instruction& instruction);
std::array<std::uint32_t, 4> word_rows(const Instruction& instruction);
Width address_width(const Instruction& instruction);

class AccessCode {
 public:
  /// `address` can be read. The code jumps to `leave` before it has changed anything.
  AccessCode(RunCode& code, RowRegisters& rows, const Instruction& instruction, const RunRow& address,
             Xbyak::Label& leave)
      : code_(code), rows_(rows), instruction_(instruction), address_(address), leave_(leave) {}

  /// To registers of each word.
  void load(const std::array<std::array<int, 4>, 4>& words);
  /// From a row that can be read.
  void store(const RunRow& words);

 private:
  [[nodiscard]] std::int32_t offset() const { return static_cast<std::int32_t>(instruction_.immediate); }
  [[nodiscard]] int bytes() const { return 4 * words_of_access(instruction_); }

  void leave_unless_whole_warp();
  void check_shared();
  void load_shared(const std::array<std::array<int, 4>, 4>& words, int part);
  void store_shared(const RunRow& words);
  void load_range();
  void compare_with_consecutive();
  void leave_unless_consecutive_are_inside();
  void leave_unless_all_are_inside();
  void gather(const std::array<std::array<int, 4>, 4>& words);
  void load_device(const std::array<std::array<int, 4>, 4>& words);
  void store_device(const RunRow& words);
  [[nodiscard]] Xbyak::Address steps32() const;
  /// Of a part of lanes one behind the other, the first at rax.
  [[nodiscard]] Xbyak::Address consecutive_place(int part) const;

  RunCode& code_;
  RowRegisters& rows_;
  const Instruction& instruction_;
  const RunRow& address_;
  Xbyak::Label& leave_;
};

}  // namespace vgpu::software
