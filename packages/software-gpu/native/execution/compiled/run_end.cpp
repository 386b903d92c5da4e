#include "execution/compiled/run_end.h"

#include <bit>
#include <cstddef>

#include "execution/warp.h"

namespace vgpu::software {

Xbyak::Address RunEnd::instruction(std::uint32_t position) const {
  const std::int64_t distance = std::int64_t{position} - run_.first;
  return code_.ptr[code_.instruction() + distance * static_cast<std::int64_t>(sizeof(Instruction))];
}

void RunEnd::leave(std::uint32_t position) {
  code_.lea(code_.rax, instruction(position));
  code_.mov(code_.rsp, code_.r11);
  code_.vzeroupper();
  code_.ret();
}

void RunEnd::generate(const Xbyak::Label* loop) {
  loop_ = loop;
  const bool is_last = end() == kernel_.code.size();
  const Operation next = is_last ? Operation::nothing : kernel_.code[end()].operation;
  if (next == Operation::branch) {
    generate_branch();
  } else if (next == Operation::branch_if) {
    generate_branch_if();
  } else if (code_.has_entry(end())) {
    go_on(end());
  } else {
    leave(end());
  }
}

/// As count_instructions does for the branch behind the run: rax becomes the number.
void RunEnd::count() {
  code_.lea(code_.rax, instruction(end() + 1));
  code_.sub(code_.rax, code_.qword[code_.warp() + offsetof(Warp, counted_from)]);
  code_.sar(code_.rax, std::countr_zero(sizeof(Instruction)));
  code_.add(code_.qword[code_.warp() + offsetof(Warp, warp_instructions)], code_.rax);
  code_.sub(code_.qword[code_.warp() + offsetof(Warp, budget)], code_.rax);
  code_.mov(code_.ecx, code_.dword[code_.warp() + offsetof(Warp, active_count)]);
  code_.imul(code_.rcx, code_.rax);
  code_.add(code_.qword[code_.warp() + offsetof(Warp, thread_instructions)], code_.rcx);
}

/// Only backward branches can make a loop.
void RunEnd::leave_if_slice_ends(std::uint32_t target, Xbyak::Label& stop) {
  if (target > end()) return;
  code_.lea(code_.rax, instruction(end() + 1));
  code_.sub(code_.rax, code_.qword[code_.warp() + offsetof(Warp, counted_from)]);
  code_.sar(code_.rax, std::countr_zero(sizeof(Instruction)));
  code_.cmp(code_.qword[code_.warp() + offsetof(Warp, budget)], code_.rax);
  code_.jle(stop, Xbyak::CodeGenerator::T_NEAR);
  if ((kernel_.code[end()].flags & kStreamingLoop) == 0) return;
  code_.cmp(code_.dword[code_.warp() + offsetof(Warp, rounds)], 1);
  code_.jle(stop, Xbyak::CodeGenerator::T_NEAR);
  code_.dec(code_.dword[code_.warp() + offsetof(Warp, rounds)]);
}

void RunEnd::generate_branch() {
  Xbyak::Label stop;
  const std::uint32_t target = kernel_.code[end()].b;
  leave_if_slice_ends(target, stop);
  count();
  code_.lea(code_.rax, instruction(target));
  code_.mov(code_.qword[code_.warp() + offsetof(Warp, counted_from)], code_.rax);
  go_on(target);
  code_.L(stop);
  leave(end());
}

void RunEnd::generate_branch_if() {
  const Instruction& branch = kernel_.code[end()];
  Xbyak::Label stop;
  Xbyak::Label not_taken;
  code_.mov(code_.ecx, code_.dword[code_.warp() + offsetof(Warp, active)]);
  code_.mov(code_.eax, code_.dword[code_.frame() + branch.a]);
  if ((branch.flags & kNegated) != 0) code_.not_(code_.eax);
  code_.and_(code_.eax, code_.ecx);
  code_.jz(not_taken, Xbyak::CodeGenerator::T_NEAR);
  code_.cmp(code_.eax, code_.ecx);
  code_.jne(stop, Xbyak::CodeGenerator::T_NEAR);
  const auto take = [&](std::uint32_t target) {
    leave_if_slice_ends(target, stop);
    count();
    code_.lea(code_.rax, instruction(target));
    code_.mov(code_.qword[code_.warp() + offsetof(Warp, counted_from)], code_.rax);
    go_on(target);
  };
  take(branch.b);
  code_.L(not_taken);
  take(end() + 1);
  code_.L(stop);
  leave(end());
}

/// Where a join does not end the current split it does nothing, and is not counted.
void RunEnd::go_on(std::uint32_t target) {
  if (target == run_.first && loop_ != nullptr) {
    code_.jmp(*loop_, Xbyak::CodeGenerator::T_NEAR);
    return;
  }
  if (target < kernel_.code.size() && kernel_.code[target].operation == Operation::join &&
      code_.has_entry(target + 1)) {
    Xbyak::Label meets;
    code_.lea(code_.rax, instruction(target));
    code_.cmp(code_.rax, code_.qword[code_.warp() + offsetof(Warp, join)]);
    code_.je(meets, Xbyak::CodeGenerator::T_NEAR);
    code_.add(code_.rax, static_cast<std::uint32_t>(sizeof(Instruction)));
    code_.mov(code_.qword[code_.warp() + offsetof(Warp, counted_from)], code_.rax);
    go_on(target + 1);
    code_.L(meets);
    leave(target);
    return;
  }
  if (!code_.has_entry(target)) {
    leave(target);
    return;
  }
  code_.lea(code_.instruction(), instruction(target));
  code_.mov(code_.rsp, code_.r11);
  code_.jmp(code_.entry(target), Xbyak::CodeGenerator::T_NEAR);
}

}  // namespace vgpu::software
