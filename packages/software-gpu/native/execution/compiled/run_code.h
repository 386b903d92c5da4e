// Machine code of the runs of one kernel, one after the other. The code of each is a Handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "execution/compiled/run.h"
#include "execution/compiled/run_lines.h"
#include "execution/decoded_kernel.h"

#define XBYAK_NO_OP_NAMES
#include <xbyak/xbyak.h>

namespace vgpu::software {

/// Numbers that machine code reads. They do not move, so the code can be copied to any place.
struct CodeConstants {
  // Lane numbers times 4, and lane numbers.
  alignas(64) std::uint64_t steps64[kLanes];
  alignas(64) std::uint32_t steps32[kLanes];
  alignas(64) std::uint64_t lanes64[kLanes];
  alignas(64) std::uint32_t lanes32[kLanes];
  std::uint64_t nan64 = 0xfff8'0000'0000'0000;
  std::uint64_t sign64 = 0x8000'0000'0000'0000;
  std::uint64_t magnitude64 = 0x7fff'ffff'ffff'ffff;
  std::uint64_t one64 = 0x3ff0'0000'0000'0000;
  std::uint64_t all_ones64 = 0xffff'ffff'ffff'ffff;
  std::uint32_t nan32 = 0x7fff'ffff;
  std::uint32_t sign32 = 0x8000'0000;
  std::uint32_t magnitude32 = 0x7fff'ffff;
  std::uint32_t exponent32 = 0x7f80'0000;
  std::uint32_t one32 = 0x3f80'0000;
  std::uint32_t two_to_31 = 0x4f00'0000;   // as a float
  std::uint32_t two_to_32 = 0x4f80'0000;   // as a float
  std::uint32_t two_to_126 = 0x7e80'0000;  // as a float
  std::uint32_t infinity32 = 0x7f80'0000;
  std::uint32_t thirty_one = 31;
  std::uint32_t thirty_two = 32;
  std::uint32_t all_ones32 = 0xffff'ffff;
  // Of power_of_two in lane_math.h.
  float greatest_exponent = 160.0F;
  float least_exponent = -160.0F;
  float ln_2 = 0.693147180559945F;
  float one_by_5040 = 1.0F / 5040;
  float one_by_720 = 1.0F / 720;
  float one_by_120 = 1.0F / 120;
  float one_by_24 = 1.0F / 24;
  float one_by_6 = 1.0F / 6;
  float half = 0.5F;
  float one = 1.0F;
};
constexpr CodeConstants make_code_constants() {
  CodeConstants constants{};
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    constants.steps64[lane] = constants.steps32[lane] = 4 * lane;
    constants.lanes64[lane] = constants.lanes32[lane] = lane;
  }
  return constants;
}
inline constexpr CodeConstants kCodeConstants = make_code_constants();

class RunCode : public Xbyak::CodeGenerator {
 public:
  /// For these runs, which may go on at each other.
  explicit RunCode(const std::vector<Run>& runs);

  /// Generates a run and returns how many bytes lie in front of it. With lines unless `lines` is nullptr;
  /// where these are not what was expected the code without them is needed, too.
  std::size_t generate(const DecodedKernel& kernel, Run run, const RunLines* lines);
  /// After the last run.
  void finish();

  /// Whether there is a run that begins at this position.
  [[nodiscard]] bool has_entry(std::uint32_t position) const { return entries_.contains(position); }
  [[nodiscard]] const Xbyak::Label& entry(std::uint32_t position) const {
    return entries_.at(position).label;
  }

  // What general registers hold. A handler may change all of these.
  [[nodiscard]] const Xbyak::Reg64& instruction() const { return rdi; }
  [[nodiscard]] const Xbyak::Reg64& warp() const { return rsi; }
  [[nodiscard]] const Xbyak::Reg64& frame() const { return rdx; }
  [[nodiscard]] const Xbyak::Reg64& constants() const { return r8; }

  // Vector and mask registers from these numbers on hold rows, or are for the needs of one instruction.
  static constexpr int kKeptVectors = 28;
  static constexpr int kFirstKeptMask = 3;
  static constexpr int kMasks = 8;
  static Xbyak::Zmm temporary(int number) { return Xbyak::Zmm(kKeptVectors + number); }

  /// One of CodeConstants in all lanes, as an operand of a vector instruction.
  template <class T>
  Xbyak::Address constant(T CodeConstants::*member) const {
    return ptr_b[place(member)];
  }
  /// The same, once.
  template <class T>
  Xbyak::Address number(T CodeConstants::*member) const {
    return ptr[place(member)];
  }

  /// Makes every NaN of a part the one that PTX programs see.
  void make_canonical(Width width, const Xbyak::Zmm& part);

 private:
  struct Entry {
    Xbyak::Label label;
    bool is_defined = false;
  };

  template <class T>
  [[nodiscard]] Xbyak::RegExp place(T CodeConstants::*member) const {
    const auto offset = reinterpret_cast<const char*>(&(kCodeConstants.*member)) -
                        reinterpret_cast<const char*>(&kCodeConstants);
    return constants() + static_cast<std::size_t>(offset);
  }

  std::map<std::uint32_t, Entry> entries_;  // by position
};

/// How many vector registers a row takes.
constexpr int parts_of(Width width) {
  return width == Width::predicate ? 1 : static_cast<int>(row_bytes(width) / 64);
}

}  // namespace vgpu::software
