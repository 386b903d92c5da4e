#include "execution/compiled/part.h"

namespace vgpu::software {

const Xbyak::Operand& Part::any(int source, int part) {
  const auto slot = static_cast<std::size_t>(source);
  if (row(source).in_registers) {
    registers_[slot] = reg(source, part);
    return registers_[slot];
  }
  addresses_[slot] = rows_.address(row(source), part);
  return addresses_[slot];
}

const Xbyak::Operand& Part::words(int source) {
  const auto slot = static_cast<std::size_t>(source);
  const bool upper = index_ % 2 != 0;
  if (!row(source).in_registers) {
    addresses_[slot] = rows_.address(row(source), index_ / 2);
    if (upper) addresses_[slot] = code_.ptr[addresses_[slot].getRegExp() + 32];
    return addresses_[slot];
  }
  const Xbyak::Zmm whole = reg(source, index_ / 2);
  halves_[slot] = Xbyak::Ymm(whole.getIdx());
  if (upper) {
    halves_[slot] = Xbyak::Ymm(RunCode::temporary(source).getIdx());
    code_.vextracti64x4(halves_[slot], whole, 1);
  }
  return halves_[slot];
}

Xbyak::Opmask Part::mask(int source, int lanes_of_part) const {
  const Xbyak::Opmask whole = rows_.mask(row(source), code_.k1);
  if (index_ == 0) return whole;
  code_.kshiftrd(code_.k1, whole, static_cast<std::uint8_t>(index_ * lanes_of_part));
  return code_.k1;
}

}  // namespace vgpu::software
