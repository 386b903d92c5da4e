#include "execution/compiled/access_code.h"

#include <cstddef>

#include "execution/compiled/part.h"
#include "execution/warp.h"

namespace vgpu::software {
namespace {

constexpr std::uint32_t kNoRow = 0xffff'ffff;  // `_` in a vector operand

constexpr std::uint8_t kLess = 1;
constexpr std::uint8_t kNotEqual = 4;
constexpr std::uint8_t kGreater = 6;
/// For vpternlog: a, or what differs between b and c.
constexpr std::uint8_t kOrOfDifference = 0xf6;

/// Sums of offsets stay numbers of 32 bits.
constexpr std::int32_t kFarthestOffset = 1 << 30;

Space space_of(const Instruction& instruction) {
  return static_cast<Space>(instruction.flags & memory_flag::space_mask);
}

}  // namespace

int words_of_access(const Instruction& instruction) {
  return (instruction.flags & memory_flag::width_mask) >> memory_flag::width_shift;
}

std::array<std::uint32_t, 4> word_rows(const Instruction& instruction) {
  return {instruction.destination, instruction.b, instruction.c, instruction.d};
}

Width address_width(const Instruction& instruction) {
  return (instruction.flags & memory_flag::wide_address) != 0 ? Width::doubleword : Width::word;
}

bool is_simple_access(const Instruction& instruction) {
  const bool wide = address_width(instruction) == Width::doubleword;
  const Space space = space_of(instruction);
  if (wide ? space != Space::generic && space != Space::global && space != Space::constant
           : space != Space::shared)
    return false;
  if ((instruction.flags & memory_flag::strong) != 0) return false;
  const int words = words_of_access(instruction);
  const auto offset = static_cast<std::int32_t>(instruction.immediate);
  if (offset > kFarthestOffset || offset < -kFarthestOffset) return false;
  // With such an offset no address is aligned.
  if (offset % (4 * words) != 0) return false;
  if (instruction.operation == Operation::st_32_32) return words == 1;
  const auto rows = word_rows(instruction);
  for (int word = 0; word < words; ++word) {
    if (rows[static_cast<std::size_t>(word)] == kNoRow) return false;
  }
  return true;
}

void AccessCode::check(AccessGroup& group) {
  group.checked = true;
  group.stack_offset = rows_.reserve_stack(kCheckedBytes);
  if (!is_shared()) {
    check_device(group);
    return;
  }
  check_shared(group.begin, group.end, group.alignment);
  for (int part = 0; part < 2; ++part) remember_shared(group, part);
}

Xbyak::Address AccessCode::checked_first(const AccessGroup& group, int part) const {
  const auto offset = static_cast<std::size_t>(part) * sizeof(CheckedPart) + offsetof(CheckedPart, first);
  return code_.qword[code_.rsp + (group.stack_offset + offset)];
}

Xbyak::Address AccessCode::checked_pattern(const AccessGroup& group, int part) const {
  const auto offset = static_cast<std::size_t>(part) * sizeof(CheckedPart) + offsetof(CheckedPart, pattern);
  return code_.qword[code_.rsp + (group.stack_offset + offset)];
}

/// r10 becomes the pattern if the flags say so.
void AccessCode::remember_if_zero(LanePattern pattern) {
  code_.mov(code_.eax, static_cast<std::uint32_t>(pattern));
  code_.cmovz(code_.r10, code_.rax);
}

// --- Shared memory: 32-bit addresses, relative to the block's
// ----------------------------------------------------------------------

/// All lanes aligned and inside, with any offset between `begin` and `end`. Afterwards rcx is where address 0
/// lies.
void AccessCode::check_shared(std::int32_t begin, std::int32_t end, std::int32_t alignment) {
  const Xbyak::Reg64& last = code_.rax;
  const Xbyak::Zmm& limit = RunCode::temporary(1);
  code_.mov(code_.rcx, code_.qword[code_.warp() + (offsetof(Warp, shared) + offsetof(AddressRange, begin))]);
  code_.mov(last, code_.qword[code_.warp() + (offsetof(Warp, shared) + offsetof(AddressRange, end))]);
  code_.sub(last, code_.rcx);
  code_.sub(last, end);
  code_.jl(leave_, Xbyak::CodeGenerator::T_NEAR);
  code_.vpbroadcastd(limit, last.cvt32());
  const Xbyak::Zmm& low_bits = RunCode::temporary(2);
  code_.mov(code_.eax, alignment - 1);
  code_.vpbroadcastd(low_bits, code_.eax);
  if (begin < 0) {
    code_.mov(code_.eax, 0U - static_cast<std::uint32_t>(begin));
    code_.vpbroadcastd(Part::spare(), code_.eax);
  }
  for (int part = 0; part < 2; ++part) {
    const Xbyak::Zmm address = addresses(part);
    const Xbyak::Opmask& wrong = part == 0 ? code_.k1 : code_.k2;
    code_.vpcmpud(wrong, address, limit, kGreater);
    code_.kortestw(wrong, wrong);
    code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
    code_.vptestmd(wrong, address, low_bits);
    code_.kortestw(wrong, wrong);
    code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
    if (begin >= 0) continue;
    code_.vpcmpud(wrong, address, Part::spare(), kLess);
    code_.kortestw(wrong, wrong);
    code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
  }
}

void AccessCode::remember_shared(const AccessGroup& group, int part) {
  const Xbyak::Zmm address = addresses(part);
  const Xbyak::Zmm& expected = RunCode::temporary(1);
  code_.vmovd(code_.eax, Xbyak::Xmm(address.getIdx()));
  code_.add(code_.rax, code_.rcx);
  code_.mov(checked_first(group, part), code_.rax);
  code_.mov(code_.r10d, static_cast<std::uint32_t>(LanePattern::any));
  code_.vpbroadcastd(expected, Xbyak::Xmm(address.getIdx()));
  code_.vpcmpd(code_.k1, address, expected, kNotEqual);
  code_.kortestw(code_.k1, code_.k1);
  remember_if_zero(LanePattern::same);
  if (!group.has_vectors) {
    code_.vpaddd(expected, expected, steps32());
    code_.vpcmpd(code_.k1, address, expected, kNotEqual);
    code_.kortestw(code_.k1, code_.k1);
    remember_if_zero(LanePattern::consecutive);
  }
  code_.mov(checked_pattern(group, part), code_.r10);
}

void AccessCode::gather_shared(const Words& words, int part) {
  code_.mov(code_.rcx, code_.qword[code_.warp() + (offsetof(Warp, shared) + offsetof(AddressRange, begin))]);
  const Xbyak::Zmm address = addresses(part);
  for (int word = 0; word < words_of_access(instruction_); ++word) {
    const Xbyak::Zmm to(words[static_cast<std::size_t>(word)][static_cast<std::size_t>(part)]);
    code_.kxnorw(code_.k1, code_.k1, code_.k1);
    code_.vpgatherdd(to | code_.k1, code_.ptr[code_.rcx + address + (offset() + 4 * word)]);
  }
}

void AccessCode::store_shared(const RunRow& words) {
  check_shared(offset(), offset() + 4, 4);
  const std::array<Xbyak::Reg64, 2> first{code_.r9, code_.r10};
  const Xbyak::Zmm& expected = RunCode::temporary(1);
  for (int part = 0; part < 2; ++part) {
    const Xbyak::Zmm address = addresses(part);
    code_.vmovd(first[static_cast<std::size_t>(part)].cvt32(), Xbyak::Xmm(address.getIdx()));
    code_.vpbroadcastd(expected, Xbyak::Xmm(address.getIdx()));
    code_.vpaddd(expected, expected, steps32());
    code_.vpcmpd(code_.k1, address, expected, kNotEqual);
    code_.kortestw(code_.k1, code_.k1);
    code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
  }
  for (int part = 0; part < 2; ++part) {
    code_.vmovdqu32(code_.ptr[code_.rcx + first[static_cast<std::size_t>(part)] + offset()],
                    rows_.vector(words, part, RunCode::temporary(0)));
  }
}

// --- Device memory: 64-bit addresses in the allocation that the instruction touched last
// --------------------------------------------

/// r9 and r10 become the lowest and the highest value that a lane of the address row may have.
void AccessCode::load_range(std::int32_t begin, std::int32_t end) {
  const auto site = static_cast<std::size_t>(static_cast<std::uint64_t>(instruction_.immediate) >> 32);
  const auto range = code_.rcx + site * sizeof(AddressRange);
  code_.mov(code_.rcx, code_.qword[code_.warp() + offsetof(Warp, recent_ranges)]);
  code_.mov(code_.r9, code_.qword[range + offsetof(AddressRange, begin)]);
  code_.mov(code_.r10, code_.qword[range + offsetof(AddressRange, end)]);
  code_.sub(code_.r9, begin);
  code_.sub(code_.r10, end);
}

/// Zero in the flags when lane i accesses what lies i words behind the place of lane 0, whose address becomes
/// rax.
void AccessCode::compare_with_consecutive() {
  const Xbyak::Zmm& first = RunCode::temporary(1);
  const Xbyak::Zmm& expected = RunCode::temporary(2);
  const Xbyak::Zmm& differences = Part::spare();
  code_.vpxorq(differences, differences, differences);
  for (int part = 0; part < 4; ++part) {
    const Xbyak::Zmm address = addresses(part);
    if (part == 0) {
      code_.vmovq(code_.rax, Xbyak::Xmm(address.getIdx()));
      code_.vpbroadcastq(first, Xbyak::Xmm(address.getIdx()));
    }
    code_.vpaddq(expected, first, steps64(part));
    code_.vpternlogq(differences, address, expected, kOrOfDifference);
  }
  code_.vptestmq(code_.k1, differences, differences);
  code_.kortestw(code_.k1, code_.k1);
}

/// For lanes one behind the other, the first at rax.
void AccessCode::leave_unless_consecutive_are_inside() {
  code_.cmp(code_.rax, code_.r9);
  code_.jl(leave_, Xbyak::CodeGenerator::T_NEAR);
  // Not the address of the last lane, which may be a small number again.
  code_.sub(code_.r10, static_cast<std::uint32_t>((kLanes - 1) * sizeof(std::uint32_t)));
  code_.cmp(code_.rax, code_.r10);
  code_.jg(leave_, Xbyak::CodeGenerator::T_NEAR);
  code_.test(code_.al, sizeof(std::uint32_t) - 1);
  code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
}

void AccessCode::leave_unless_all_are_inside(std::int32_t alignment) {
  const Xbyak::Zmm& lowest = RunCode::temporary(1);
  const Xbyak::Zmm& size = RunCode::temporary(2);
  code_.sub(code_.r10, code_.r9);
  code_.jl(leave_, Xbyak::CodeGenerator::T_NEAR);
  code_.vpbroadcastq(lowest, code_.r9);
  code_.vpbroadcastq(size, code_.r10);
  for (int part = 0; part < 4; ++part) {
    code_.vpsubq(Part::spare(), addresses(part), lowest);
    code_.vpcmpuq(code_.k1, Part::spare(), size, kGreater);
    code_.kortestw(code_.k1, code_.k1);
    code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
  }
  code_.mov(code_.eax, alignment - 1);
  code_.vpbroadcastq(size, code_.rax);
  for (int part = 0; part < 4; ++part) {
    code_.vptestmq(code_.k1, addresses(part), size);
    code_.kortestw(code_.k1, code_.k1);
    code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
  }
}

void AccessCode::check_device(const AccessGroup& group) {
  load_range(group.begin, group.end);
  Xbyak::Label anywhere;
  Xbyak::Label done;
  if (!group.has_vectors) {
    compare_with_consecutive();
    code_.jnz(anywhere, Xbyak::CodeGenerator::T_NEAR);
    leave_unless_consecutive_are_inside();
    for (int part = 0; part < 2; ++part) {
      code_.mov(checked_first(group, part), code_.rax);
      code_.mov(checked_pattern(group, part), static_cast<std::uint32_t>(LanePattern::consecutive));
      code_.add(code_.rax, 64);
    }
    code_.jmp(done, Xbyak::CodeGenerator::T_NEAR);
  }
  code_.L(anywhere);
  leave_unless_all_are_inside(group.alignment);
  for (int part = 0; part < 2; ++part) remember_device(group, part);
  code_.L(done);
}

void AccessCode::remember_device(const AccessGroup& group, int part) {
  const Xbyak::Zmm& first = RunCode::temporary(1);
  const Xbyak::Zmm& expected = RunCode::temporary(2);
  const Xbyak::Zmm& differences = Part::spare();
  const auto compare = [&](bool with_steps) {
    code_.vpxorq(differences, differences, differences);
    for (int half = 0; half < 2; ++half) {
      const Xbyak::Zmm address = addresses(2 * part + half);
      if (with_steps) code_.vpaddq(expected, first, steps64(half));
      code_.vpternlogq(differences, address, with_steps ? expected : first, kOrOfDifference);
    }
    code_.vptestmq(code_.k1, differences, differences);
    code_.kortestw(code_.k1, code_.k1);
  };
  const Xbyak::Xmm lowest(addresses(2 * part).getIdx());
  code_.vmovq(code_.rax, lowest);
  code_.vpbroadcastq(first, lowest);
  code_.mov(checked_first(group, part), code_.rax);
  code_.mov(code_.r10d, static_cast<std::uint32_t>(LanePattern::any));
  compare(false);
  remember_if_zero(LanePattern::same);
  if (!group.has_vectors) {
    compare(true);
    remember_if_zero(LanePattern::consecutive);
  }
  code_.mov(checked_pattern(group, part), code_.r10);
}

void AccessCode::gather_device(const Words& words, int part) {
  const Xbyak::Ymm upper(Part::spare().getIdx());
  code_.mov(code_.rcx, offset());
  for (int word = 0; word < words_of_access(instruction_); ++word) {
    const Xbyak::Zmm to(words[static_cast<std::size_t>(word)][static_cast<std::size_t>(part)]);
    const auto gather_half = [&](int half, const Xbyak::Ymm& result) {
      const Xbyak::Zmm address = addresses(2 * part + half);
      code_.kxnorw(code_.k1, code_.k1, code_.k1);
      code_.vpgatherqd(result | code_.k1,
                       code_.ptr[code_.rcx + address + static_cast<std::size_t>(4 * word)]);
    };
    gather_half(0, Xbyak::Ymm(to.getIdx()));
    gather_half(1, upper);
    code_.vinserti64x4(to, to, upper, 1);
  }
}

void AccessCode::store_device(const RunRow& words) {
  load_range(offset(), offset() + 4);
  compare_with_consecutive();
  code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
  leave_unless_consecutive_are_inside();
  for (int part = 0; part < 2; ++part) {
    code_.vmovdqu32(code_.ptr[code_.rax + (std::ptrdiff_t{offset()} + std::ptrdiff_t{part} * 64)],
                    rows_.vector(words, part, RunCode::temporary(0)));
  }
}

// ---------------------------------------------------------------------------------------------------------------------

void AccessCode::load_part(const AccessGroup& group, const Words& words, int part) {
  const auto to = [&](int word) {
    return Xbyak::Zmm(words[static_cast<std::size_t>(word)][static_cast<std::size_t>(part)]);
  };
  const auto place = [&](int word) {
    return code_.rax + (std::ptrdiff_t{offset()} + std::ptrdiff_t{word} * 4);
  };
  Xbyak::Label consecutive;
  Xbyak::Label any;
  Xbyak::Label done;
  code_.mov(code_.rax, checked_first(group, part));
  code_.cmp(checked_pattern(group, part), static_cast<std::uint32_t>(LanePattern::consecutive));
  code_.ja(any, Xbyak::CodeGenerator::T_NEAR);
  if (!group.has_vectors) code_.je(consecutive, Xbyak::CodeGenerator::T_NEAR);
  for (int word = 0; word < words_of_access(instruction_); ++word) {
    code_.vpbroadcastd(to(word), code_.dword[place(word)]);
  }
  code_.jmp(done, Xbyak::CodeGenerator::T_NEAR);
  if (!group.has_vectors) {
    code_.L(consecutive);
    code_.vmovdqu32(to(0), code_.ptr[place(0)]);
    code_.jmp(done, Xbyak::CodeGenerator::T_NEAR);
  }
  code_.L(any);
  if (is_shared()) {
    gather_shared(words, part);
  } else {
    gather_device(words, part);
  }
  code_.L(done);
}

void AccessCode::load(const AccessGroup& group, const Words& words) {
  for (int part = 0; part < 2; ++part) load_part(group, words, part);
}

void AccessCode::store(const RunRow& words) {
  if (is_shared()) {
    store_shared(words);
  } else {
    store_device(words);
  }
}

Xbyak::Address AccessCode::steps32() const {
  return code_.ptr[code_.constants() + offsetof(CodeConstants, steps32)];
}

Xbyak::Address AccessCode::steps64(int part) const {
  return code_
      .ptr[code_.constants() + (offsetof(CodeConstants, steps64) + static_cast<std::size_t>(part) * 64)];
}

}  // namespace vgpu::software
