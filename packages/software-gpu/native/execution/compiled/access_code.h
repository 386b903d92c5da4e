// Loads and stores inside runs. Code is there for what a warp with all lanes active mostly does: lanes next
// to each other, all at one address, or, when loading, anywhere within one allocation. Everything else leaves
// the run in front of the instruction, so that its handler does it.
#pragma once

#include <array>

#include "execution/compiled/access_group.h"
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

  /// Once in a run, in front of the group's first load.
  void check(AccessGroup& group);
  /// To registers of each word, after the group has been checked.
  void load(const AccessGroup& group, const std::array<std::array<int, 4>, 4>& words);
  /// From a row that can be read.
  void store(const RunRow& words);

 private:
  using Words = std::array<std::array<int, 4>, 4>;

  [[nodiscard]] bool is_shared() const { return address_.width == Width::word; }
  [[nodiscard]] std::int32_t offset() const { return static_cast<std::int32_t>(instruction_.immediate); }
  [[nodiscard]] Xbyak::Zmm addresses(int part) const {
    return rows_.vector(address_, part, RunCode::temporary(0));
  }

  // Loads: what the check of a group leaves behind.
  [[nodiscard]] Xbyak::Address checked_first(const AccessGroup& group, int part) const;
  [[nodiscard]] Xbyak::Address checked_pattern(const AccessGroup& group, int part) const;
  void remember_shared(const AccessGroup& group, int part);
  void remember_device(const AccessGroup& group, int part);
  void remember_if_zero(LanePattern pattern);
  void load_part(const AccessGroup& group, const Words& words, int part);
  void gather_shared(const Words& words, int part);
  void gather_device(const Words& words, int part);

  void check_shared(std::int32_t begin, std::int32_t end, std::int32_t alignment);
  void check_device(const AccessGroup& group);
  void store_shared(const RunRow& words);
  void store_device(const RunRow& words);
  void load_range(std::int32_t begin, std::int32_t end);
  void compare_with_consecutive();
  void leave_unless_consecutive_are_inside();
  void leave_unless_all_are_inside(std::int32_t alignment);
  [[nodiscard]] Xbyak::Address steps32() const;
  [[nodiscard]] Xbyak::Address steps64(int part) const;

  RunCode& code_;
  RowRegisters& rows_;
  const Instruction& instruction_;
  const RunRow& address_;
  Xbyak::Label& leave_;
};

}  // namespace vgpu::software
