// Code for rows that are lines: what an instruction computes for the first lane of each half, and loads and
// stores through such an address.
#pragma once

#include <array>
#include <cstdint>

#include "execution/compiled/access_group.h"
#include "execution/compiled/row_registers.h"

namespace vgpu::software {

/// The instruction's result, for one or both halves, by scalar instructions. The code jumps to `leave` where
/// the result is no line.
class LineCode {
 public:
  LineCode(RunCode& code, RowRegisters& rows, const Instruction& instruction,
           const std::array<RunRow*, 3>& sources, Xbyak::Label& leave)
      : code_(code), rows_(rows), instruction_(instruction), sources_(sources), leave_(leave) {}

  /// Whether the code can jump.
  [[nodiscard]] bool can_leave() const;
  void compute(RunRow& destination, const Shape& shape);

 private:
  void compute_half(int half, bool wide);
  void multiply(int half, bool wide);
  /// A source of one half in a register.
  void fetch(const Xbyak::Reg64& to, std::size_t source, int half);
  /// The same, of words that become doublewords.
  void fetch_extended(const Xbyak::Reg64& to, std::size_t source, int half, bool is_signed);
  [[nodiscard]] const RunRow& source(std::size_t number) const { return *sources_[number]; }

  RunCode& code_;
  RowRegisters& rows_;
  const Instruction& instruction_;
  const std::array<RunRow*, 3>& sources_;
  Xbyak::Label& leave_;
};

class LineAccessCode {
 public:
  LineAccessCode(RunCode& code, RowRegisters& rows, const Instruction& instruction, const RunRow& address,
                 Xbyak::Label& leave)
      : code_(code), rows_(rows), instruction_(instruction), address_(address), leave_(leave) {}

  /// Once in a run, in front of the group's first load.
  void check(AccessGroup& group);
  void load(const AccessGroup& group, const std::array<std::array<int, 4>, 4>& words);
  void store(const RunRow& words);

 private:
  [[nodiscard]] bool is_shared() const { return address_.width == Width::word; }
  void load_part(const Xbyak::Address& first, std::ptrdiff_t offset,
                 const std::array<std::array<int, 4>, 4>& words, int part);
  void find_limits(std::int32_t begin, std::int32_t end);
  void check_half(int half, std::int32_t alignment);
  void prefetch();

  RunCode& code_;
  RowRegisters& rows_;
  const Instruction& instruction_;
  const RunRow& address_;
  Xbyak::Label& leave_;
};

}  // namespace vgpu::software
