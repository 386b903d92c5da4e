// What comes behind a run: where the next instruction begins another run, or is a branch on which the lanes
// agree, machine code goes on there. Everything else is for handlers.
#pragma once

#include <cstdint>

#include "execution/compiled/run_code.h"

namespace vgpu::software {

class RunEnd {
 public:
  RunEnd(RunCode& code, const DecodedKernel& kernel, Run run) : code_(code), kernel_(kernel), run_(run) {}

  /// When everything is in the frame. `loop` may be a place in the run's own code, behind what only entering
  /// it from elsewhere needs.
  void generate(const Xbyak::Label* loop);
  /// The warp goes on with the handler of the instruction at this position in the kernel.
  void leave(std::uint32_t position);

 private:
  void generate_branch();
  void generate_branch_if();
  void count();
  void leave_if_slice_ends(std::uint32_t target, Xbyak::Label& stop);
  void go_on(std::uint32_t target);
  [[nodiscard]] Xbyak::Address instruction(std::uint32_t position) const;
  [[nodiscard]] std::uint32_t end() const { return run_.first + run_.length; }

  RunCode& code_;
  const DecodedKernel& kernel_;
  Run run_;
  const Xbyak::Label* loop_ = nullptr;
};

}  // namespace vgpu::software
