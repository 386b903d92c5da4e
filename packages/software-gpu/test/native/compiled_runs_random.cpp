// Random programs of what can be compiled, and of a few instructions that cannot.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "compiled_runs_program.h"

namespace vgpu::software::test::compiled_runs {
namespace {

/// In place of letters: w a word, d a doubleword, p a predicate, i a small number.
constexpr std::array kForms{
    "add.u32 w, w, w",
    "add.u64 d, d, d",
    "sub.u32 w, w, w",
    "sub.u64 d, d, d",
    "mul.lo.u32 w, w, w",
    "mul.lo.u64 d, d, d",
    "mad.lo.u32 w, w, w, w",
    "mad.lo.u64 d, d, d, d",
    "mul.hi.u32 w, w, w",
    "mul.hi.s32 w, w, w",
    "mul.wide.u32 d, w, w",
    "mul.wide.s32 d, w, w",
    "mad.wide.u32 d, w, w, d",
    "mad.wide.s32 d, w, w, d",
    "abs.s32 w, w",
    "abs.s64 d, d",
    "neg.s32 w, w",
    "neg.s64 d, d",
    "min.u32 w, w, w",
    "min.s32 w, w, w",
    "min.u64 d, d, d",
    "min.s64 d, d, d",
    "max.u32 w, w, w",
    "max.s32 w, w, w",
    "max.u64 d, d, d",
    "max.s64 d, d, d",
    "and.b32 w, w, w",
    "and.b64 d, d, d",
    "or.b32 w, w, w",
    "or.b64 d, d, d",
    "xor.b32 w, w, w",
    "xor.b64 d, d, d",
    "not.b32 w, w",
    "not.b64 d, d",
    "shl.b32 w, w, w",
    "shl.b32 w, w, i",
    "shl.b64 d, d, w",
    "shl.b64 d, d, i",
    "shr.u32 w, w, i",
    "shr.s32 w, w, w",
    "shr.u64 d, d, i",
    "shr.s64 d, d, w",
    "shf.l.wrap.b32 w, w, w, w",
    "shf.l.clamp.b32 w, w, w, i",
    "shf.r.wrap.b32 w, w, w, i",
    "shf.r.clamp.b32 w, w, w, w",
    "lop3.b32 w, w, w, w, i",
    "clz.b32 w, w",
    "mov.b32 w, w",
    "mov.b64 d, d",
    "selp.b32 w, w, w, p",
    "selp.b64 d, d, d, p",
    "mov.b64 d, {w, w}",
    "mov.b64 {w, _}, d",
    "mov.b64 {_, w}, d",
    "mov.u32 w, i",
    "add.f32 w, w, w",
    "sub.f32 w, w, w",
    "mul.f32 w, w, w",
    "fma.rn.f32 w, w, w, w",
    "fma.rn.f32 w, w, w, w",
    "div.rn.f32 w, w, w",
    "rcp.rn.f32 w, w",
    "sqrt.rn.f32 w, w",
    "rsqrt.approx.f32 w, w",
    "min.f32 w, w, w",
    "max.f32 w, w, w",
    "abs.f32 w, w",
    "neg.f32 w, w",
    "add.ftz.f32 w, w, w",
    "mul.ftz.f32 w, w, w",
    "fma.rn.ftz.f32 w, w, w, w",
    "min.ftz.f32 w, w, w",
    "add.rz.f32 w, w, w",
    "mul.rp.f32 w, w, w",
    "fma.rm.f32 w, w, w, w",
    "fma.rp.ftz.f32 w, w, w, w",
    "fma.rn.sat.f32 w, w, w, w",
    "sub.rm.ftz.sat.f32 w, w, w",
    "sqrt.rz.f32 w, w",
    "fma.rz.f64 d, d, d, d",
    "div.rp.f64 d, d, d",
    "ex2.approx.f32 w, w",
    "ex2.approx.ftz.f32 w, w",
    "cvt.sat.f32.f32 w, w",
    "add.f64 d, d, d",
    "sub.f64 d, d, d",
    "mul.f64 d, d, d",
    "fma.rn.f64 d, d, d, d",
    "div.rn.f64 d, d, d",
    "rcp.rn.f64 d, d",
    "sqrt.rn.f64 d, d",
    "min.f64 d, d, d",
    "max.f64 d, d, d",
    "abs.f64 d, d",
    "neg.f64 d, d",
    "cvt.u64.u32 d, w",
    "cvt.s64.s32 d, w",
    "cvt.u32.u64 w, d",
    "cvt.rn.f32.s32 w, w",
    "cvt.rn.f32.u32 w, w",
    "cvt.rn.f64.s32 d, w",
    "cvt.rn.f64.u32 d, w",
    "cvt.f64.f32 d, w",
    "cvt.rn.f32.f64 w, d",
    "cvt.rni.f32.f32 w, w",
    "cvt.rzi.s32.f32 w, w",
    "cvt.rmi.s32.f32 w, w",
    "cvt.rzi.u32.f32 w, w",
    "setp.lt.u32 p, w, w",
    "setp.ge.s32 p, w, w",
    "setp.eq.u64 p, d, d",
    "setp.gt.s64 p, d, d",
    "setp.lt.f32 p, w, w",
    "setp.neu.f32 p, w, w",
    "setp.nan.f64 p, d, d",
    "setp.leu.f64 p, d, d",
    "not.pred p, p",
    "and.pred p, p, p",
    "or.pred p, p, p",
    "xor.pred p, p, p",
    "mov.pred p, p",
    // These are not compiled: they part runs.
    "popc.b32 w, w",
    "setp.lt.and.f32 p, w, w, p",
    "@p add.u32 w, w, w",
    "brev.b32 w, w",
};

std::string random_instruction(Random& random) {
  const std::string form = kForms[random.below(kForms.size())];
  const std::size_t operands = form.find(' ', form[0] == '@' ? 3 : 0);
  std::string text;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool is_operand = i > operands || (form[0] == '@' && i == 1);
    if (is_operand && form[i] == 'w') {
      text += "%r" + std::to_string(random.below(kWords));
    } else if (is_operand && form[i] == 'd') {
      text += "%d" + std::to_string(random.below(kDoublewords));
    } else if (is_operand && form[i] == 'p') {
      text += "%p" + std::to_string(random.below(kPredicates));
    } else if (is_operand && form[i] == 'i') {
      text += std::to_string(random.below(70));
    } else {
      text += form[i];
    }
  }
  return "  " + text + ";\n";
}

/// A load or store: lanes next to each other, all at one place, or anywhere.
std::string random_access(Random& random) {
  const auto word = [&] { return "%r" + std::to_string(random.below(kWords)); };
  const auto offset = [&](std::uint64_t alignment) {
    return std::to_string(static_cast<std::int64_t>(random.below(512 / alignment) * alignment) - 256);
  };
  const std::string first = std::to_string(random.below(kWords / 4) * 4);
  const std::string four = "{%r" + first + ", %r" + std::to_string(std::stoi(first) + 1) + ", %r" +
                           std::to_string(std::stoi(first) + 2) + ", %r" +
                           std::to_string(std::stoi(first) + 3) + "}";
  const auto anywhere = [&](std::uint64_t alignment, bool shared) {
    const std::string mask = std::to_string(512 - alignment);
    return "  and.b32 %narrow, " + word() + ", " + mask + ";\n" +
           (shared ? "  add.u32 %narrow, %narrow, %tile;\n"
                   : "  cvt.u64.u32 %wide, %narrow;\n  add.u64 %wide, %wide, %input;\n");
  };
  switch (random.below(12)) {
    case 0:
      return "  ld.global.b32 " + word() + ", [%input+" + offset(4) + "];\n";
    case 1:
      return anywhere(4, false) + "  ld.global.f32 " + word() + ", [%wide+" + offset(4) + "];\n";
    case 2:
      return anywhere(16, false) + "  ld.global.v4.b32 " + four + ", [%wide+" + offset(16) + "];\n";
    case 3:
    case 4:
      return "  ld.global.b32 " + word() + ", [%column+" +
             std::to_string(random.below(kColumns) * kColumnBytes) + "];\n";
    case 5:
      return "  st.global.b32 [%column+" + std::to_string(random.below(kColumns) * kColumnBytes) + "], " +
             word() + ";\n";
    case 6:
      return "  ld.shared.b32 " + word() + ", [%tile+" + offset(4) + "];\n";
    case 7:
      return anywhere(4, true) + "  ld.shared.f32 " + word() + ", [%narrow+" + offset(4) + "];\n";
    case 8:
      return anywhere(16, true) + "  ld.shared.v4.f32 " + four + ", [%narrow+" + offset(16) + "];\n";
    case 9:
      return "  ld.shared.v4.f32 " + four + ", [%tile+" + offset(16) + "];\n";
    case 10:
      return "  ld.shared.b32 " + word() + ", [%slot+" + std::to_string(256 * random.below(4)) + "];\n";
    default:
      return "  st.shared.b32 [%slot+" + std::to_string(256 * random.below(4)) + "], " + word() + ";\n";
  }
}

std::string random_instructions(Random& random, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += random.below(8) == 0 ? random_access(random) : random_instruction(random);
  }
  return text;
}

/// Straight code, the same for some of the lanes, and a loop that lanes leave one after the other.
std::string random_body(Random& random) {
  const auto straight = [&] { return random_instructions(random, 5 + random.below(60)); };
  return straight() + "  setp.lt.u32 %q, %r3, %r4;\n  @%q bra OTHERWISE;\n" + straight() +
         "  bra TOGETHER;\nOTHERWISE:\n" + straight() + "TOGETHER:\n" + straight() +
         "  and.b32 %steps, %i, 5;\nAGAIN:\n" + straight() +
         "  sub.u32 %steps, %steps, 1;\n  setp.ge.s32 %q, %steps, 0;\n  @%q bra AGAIN;\n" + straight();
}

}  // namespace

TEST_CASE("compiled runs: random programs give the same bits as the interpreter") {
  if (!can_compile()) return;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    Random random(seed);
    compare(random_body(random), seed, 20);
  }
}

}  // namespace vgpu::software::test::compiled_runs
