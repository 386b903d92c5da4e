#include "execution/compiled/line_code.h"

#include <cstddef>
#include <limits>

#include "execution/compiled/access_code.h"
#include "execution/warp.h"

namespace vgpu::software {
namespace {

/// From the first lane that code has a value for to the last that follows from it.
std::int64_t extent(const Shape& shape) {
  const bool is_whole = shape.halves == Shape::Halves::continued;
  return shape.stride * (is_whole ? kLanes - 1 : kHalfLanes - 1);
}

bool is_apart(const Shape& shape) {
  return shape.halves == Shape::Halves::apart;
}

/// Where the second half begins, behind the first.
std::ptrdiff_t continuation(const Shape& shape) {
  return shape.halves == Shape::Halves::continued ? shape.stride * kHalfLanes : 0;
}

bool extends_sign(Operation operation) {
  return operation == Operation::cvt_s64_s32 || operation == Operation::mul_wide_s32 ||
         operation == Operation::mad_wide_s32;
}

}  // namespace

// --- Arithmetic
// ---------------------------------------------------------------------------------------------

bool LineCode::can_leave() const {
  switch (instruction_.operation) {
    case Operation::cvt_u64_u32:
    case Operation::cvt_s64_s32:
      return source(0).shape.stride != 0;
    case Operation::mul_wide_u32:
    case Operation::mul_wide_s32:
    case Operation::mad_wide_u32:
    case Operation::mad_wide_s32:
      return source(0).shape.stride != 0 || source(1).shape.stride != 0;
    default:
      return false;
  }
}

void LineCode::compute(RunRow& destination, const Shape& shape) {
  rows_.begin_line(destination);
  const bool wide = destination.width == Width::doubleword;
  // Both halves before either is written: what they come from may be the destination's own row, which is
  // still needed where the code leaves.
  if (is_apart(shape)) {
    compute_half(1, wide);
    code_.mov(code_.r9, code_.rax);
  }
  compute_half(0, wide);
  code_.mov(rows_.first_of_half(destination, 0), code_.rax);
  if (is_apart(shape)) code_.mov(rows_.first_of_half(destination, 1), code_.r9);
  destination.shape = shape;
}

void LineCode::fetch(const Xbyak::Reg64& to, std::size_t number, int half) {
  const RunRow& row = source(number);
  if (row.shape.constant) {
    code_.mov(to, *row.shape.constant);
    return;
  }
  code_.mov(to, rows_.first_of_half(row, is_apart(row.shape) ? half : 0));
  const std::ptrdiff_t behind = half == 1 ? continuation(row.shape) : 0;
  if (behind == 0) return;
  if (row.width == Width::word) {
    code_.add(to.cvt32(), static_cast<std::uint32_t>(behind));
  } else {
    code_.add(to, static_cast<std::uint32_t>(behind));
  }
}

void LineCode::fetch_extended(const Xbyak::Reg64& to, std::size_t number, int half, bool is_signed) {
  const Shape& shape = source(number).shape;
  fetch(to, number, half);
  const auto lanes_behind = static_cast<std::uint32_t>(extent(shape));
  if (lanes_behind != 0) {
    // The lanes must not pass the end of their type.
    if (is_signed) {
      code_.cmp(to.cvt32(),
                static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max()) - lanes_behind);
      code_.jg(leave_, Xbyak::CodeGenerator::T_NEAR);
    } else {
      code_.cmp(to.cvt32(), std::numeric_limits<std::uint32_t>::max() - lanes_behind);
      code_.ja(leave_, Xbyak::CodeGenerator::T_NEAR);
    }
  }
  if (is_signed) code_.movsxd(to, to.cvt32());
}

/// rax becomes the product of the first two sources.
void LineCode::multiply(int half, bool wide) {
  switch (instruction_.operation) {
    case Operation::mul_wide_u32:
    case Operation::mul_wide_s32:
    case Operation::mad_wide_u32:
    case Operation::mad_wide_s32: {
      const bool is_signed = extends_sign(instruction_.operation);
      fetch_extended(code_.rax, 0, half, is_signed);
      fetch_extended(code_.rcx, 1, half, is_signed);
      code_.imul(code_.rax, code_.rcx);
      break;
    }
    default:
      fetch(code_.rax, 0, half);
      fetch(code_.rcx, 1, half);
      if (wide) {
        code_.imul(code_.rax, code_.rcx);
      } else {
        code_.imul(code_.eax, code_.ecx);
      }
  }
}

/// Into rax; of words the upper half is 0.
void LineCode::compute_half(int half, bool wide) {
  const auto binary = [&](auto operate) {
    fetch(code_.rax, 0, half);
    fetch(code_.rcx, 1, half);
    if (wide) {
      operate(code_.rax, code_.rcx);
    } else {
      operate(code_.eax, code_.ecx);
    }
  };
  const auto parameter = [&] {
    code_.mov(code_.rcx, code_.qword[code_.warp() + offsetof(Warp, parameters)]);
    return code_.rcx + static_cast<std::size_t>(instruction_.immediate);
  };
  switch (instruction_.operation) {
    case Operation::ldp_u32_32:
      code_.mov(code_.eax, code_.dword[parameter()]);
      break;
    case Operation::ldp_u64_64:
      code_.mov(code_.rax, code_.qword[parameter()]);
      break;
    case Operation::mov_32:
    case Operation::mov_64:
      fetch(code_.rax, 0, half);
      break;
    case Operation::cvt_u32_u64:
      fetch(code_.rax, 0, half);
      code_.mov(code_.eax, code_.eax);
      break;
    case Operation::cvt_u64_u32:
    case Operation::cvt_s64_s32:
      fetch_extended(code_.rax, 0, half, extends_sign(instruction_.operation));
      break;
    case Operation::add_32:
    case Operation::add_64:
      binary([&](const auto& a, const auto& b) { code_.add(a, b); });
      break;
    case Operation::sub_32:
    case Operation::sub_64:
      binary([&](const auto& a, const auto& b) { code_.sub(a, b); });
      break;
    case Operation::and_32:
      binary([&](const auto& a, const auto& b) { code_.and_(a, b); });
      break;
    case Operation::or_32:
      binary([&](const auto& a, const auto& b) { code_.or_(a, b); });
      break;
    case Operation::xor_32:
      binary([&](const auto& a, const auto& b) { code_.xor_(a, b); });
      break;
    case Operation::shl_32:
      fetch(code_.rax, 0, half);
      code_.shl(code_.eax, static_cast<int>(*source(1).shape.constant));
      break;
    case Operation::shl_64:
      fetch(code_.rax, 0, half);
      code_.shl(code_.rax, static_cast<int>(*source(1).shape.constant));
      break;
    case Operation::mad_lo_32:
      multiply(half, wide);
      fetch(code_.rcx, 2, half);
      code_.add(code_.eax, code_.ecx);
      break;
    case Operation::mad_lo_64:
    case Operation::mad_wide_u32:
    case Operation::mad_wide_s32:
      multiply(half, wide);
      fetch(code_.rcx, 2, half);
      code_.add(code_.rax, code_.rcx);
      break;
    default:  // the products; result_shape has no other operations
      multiply(half, wide);
  }
}

// --- Loads and stores
// ---------------------------------------------------------------------------------------

/// r9 and r10 become the lowest and the highest value that the first lane of each half may have, rcx what has
/// to be added to make an address of this process.
void LineAccessCode::find_limits(std::int32_t begin, std::int32_t end) {
  if (is_shared()) {
    code_.mov(code_.rcx,
              code_.qword[code_.warp() + (offsetof(Warp, shared) + offsetof(AddressRange, begin))]);
    code_.mov(code_.r10, code_.qword[code_.warp() + (offsetof(Warp, shared) + offsetof(AddressRange, end))]);
    code_.sub(code_.r10, code_.rcx);
    code_.xor_(code_.r9d, code_.r9d);
  } else {
    const auto site = static_cast<std::size_t>(static_cast<std::uint64_t>(instruction_.immediate) >> 32);
    const auto range = code_.rcx + site * sizeof(AddressRange);
    code_.mov(code_.rcx, code_.qword[code_.warp() + offsetof(Warp, recent_ranges)]);
    code_.mov(code_.r9, code_.qword[range + offsetof(AddressRange, begin)]);
    code_.mov(code_.r10, code_.qword[range + offsetof(AddressRange, end)]);
    code_.xor_(code_.ecx, code_.ecx);
  }
  code_.sub(code_.r9, begin);
  code_.sub(code_.r10, end + static_cast<std::int32_t>(extent(address_.shape)));
}

/// rax becomes the value of the half's first lane.
void LineAccessCode::check_half(int half, std::int32_t alignment) {
  if (address_.shape.constant) {
    code_.mov(code_.rax, *address_.shape.constant);
  } else {
    code_.mov(code_.rax, rows_.first_of_half(address_, half));
  }
  code_.cmp(code_.rax, code_.r9);
  code_.jl(leave_, Xbyak::CodeGenerator::T_NEAR);
  code_.cmp(code_.rax, code_.r10);
  code_.jg(leave_, Xbyak::CodeGenerator::T_NEAR);
  code_.test(code_.al, alignment - 1);
  code_.jnz(leave_, Xbyak::CodeGenerator::T_NEAR);
}

/// What a loop will load some rounds later, if it goes on as from its last round to this one: each warp of a
/// loop over all of the grid's data moves so far that the processor does not see the pattern. rax is the
/// address now. In the first round the last one is any number, and a prefetch of any address does nothing.
void LineAccessCode::prefetch() {
  const auto last = code_.qword[code_.rsp + rows_.reserve_stack(sizeof(std::uint64_t))];
  code_.mov(code_.rcx, code_.rax);
  code_.sub(code_.rcx, last);
  code_.mov(last, code_.rax);
  code_.lea(code_.rcx, code_.ptr[code_.rax + code_.rcx * 8]);
  code_.prefetcht0(code_.byte[code_.rcx]);
  if (address_.shape.stride != 0) code_.prefetcht0(code_.byte[code_.rcx + 64]);
}

void LineAccessCode::check(AccessGroup& group) {
  group.checked = true;
  group.stack_offset = rows_.reserve_stack(2 * sizeof(std::uint64_t));
  find_limits(group.begin, group.end);
  for (int half = 0; half < (is_apart(address_.shape) ? 2 : 1); ++half) {
    check_half(half, group.alignment);
    code_.add(code_.rax, code_.rcx);
    code_.mov(code_.qword[code_.rsp + (group.stack_offset + static_cast<std::size_t>(half) * 8)], code_.rax);
  }
  if (group.is_in_loop && !is_shared()) prefetch();
}

void LineAccessCode::load(const AccessGroup& group, const std::array<std::array<int, 4>, 4>& words) {
  const auto own_offset = static_cast<std::int32_t>(instruction_.immediate);
  for (int part = 0; part < 2; ++part) {
    if (part == 1 && address_.shape.halves == Shape::Halves::same) {
      for (int word = 0; word < words_of_access(instruction_); ++word) {
        const auto& registers = words[static_cast<std::size_t>(word)];
        code_.vmovdqa64(Xbyak::Zmm(registers[1]), Xbyak::Zmm(registers[0]));
      }
      return;
    }
    const bool from_second = part == 1 && is_apart(address_.shape);
    if (part == 0 || from_second) {
      code_.mov(code_.rax, code_.qword[code_.rsp + (group.stack_offset + (from_second ? 8U : 0U))]);
    }
    const std::ptrdiff_t offset = own_offset + (part == 1 ? continuation(address_.shape) : 0);
    for (int word = 0; word < words_of_access(instruction_); ++word) {
      const Xbyak::Zmm to(words[static_cast<std::size_t>(word)][static_cast<std::size_t>(part)]);
      const auto place = code_.rax + (offset + std::ptrdiff_t{word} * 4);
      if (address_.shape.stride == 0) {
        code_.vpbroadcastd(to, code_.dword[place]);
      } else {
        code_.vmovdqu32(to, code_.ptr[place]);
      }
    }
  }
}

/// Lanes that store to the same place do so in the order of their numbers.
void LineAccessCode::store(const RunRow& words) {
  const auto offset = static_cast<std::int32_t>(instruction_.immediate);
  find_limits(offset, offset + 4);
  const bool apart = is_apart(address_.shape);
  if (apart) check_half(1, 4);
  check_half(0, 4);
  code_.add(code_.rax, code_.rcx);
  code_.vmovdqu32(code_.ptr[code_.rax + std::ptrdiff_t{offset}],
                  rows_.vector(words, 0, RunCode::temporary(0)));
  if (apart) {
    code_.mov(code_.rax, rows_.first_of_half(address_, 1));
    code_.add(code_.rax, code_.rcx);
  }
  code_.vmovdqu32(code_.ptr[code_.rax + (offset + continuation(address_.shape))],
                  rows_.vector(words, 1, RunCode::temporary(0)));
}

}  // namespace vgpu::software
