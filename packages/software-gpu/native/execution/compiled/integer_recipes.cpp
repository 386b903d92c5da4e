// Integers, bits, moves.
#include "execution/compiled/recipe_table.h"
#include "execution/warp.h"

namespace vgpu::software {
namespace {

/// The upper halves of 32-bit products, from those of the even and of the odd lanes.
template <class Multiply>
void multiply_high(Part& p, Multiply multiply) {
  RunCode& c = p.code();
  const Xbyak::Zmm a = p.reg(0);
  const Xbyak::Zmm b = p.reg(1);
  const Xbyak::Zmm& d = p.result();
  multiply(d, a, b);
  c.vpsrlq(d, d, 32);
  c.vpsrlq(RunCode::temporary(2), a, 32);
  c.vpsrlq(Part::spare(), b, 32);
  multiply(Part::spare(), RunCode::temporary(2), Part::spare());
  c.mov(c.eax, 0xaaaa);
  c.kmovw(c.k1, c.eax);
  c.vmovdqa32(d | c.k1, Part::spare());
}

/// Bits of the pair of b and a (shf); counts of 32 shift everything out, as PTX has it.
void funnel(Part& p, bool left, bool wrap) {
  RunCode& c = p.code();
  const Xbyak::Zmm& d = p.result();
  const Xbyak::Zmm& count = Part::spare();
  if (wrap) {
    c.vpandd(count, p.reg(2), c.constant(&CodeConstants::thirty_one));
  } else {
    c.vpminud(count, p.reg(2), c.constant(&CodeConstants::thirty_two));
  }
  const Xbyak::Zmm a = p.reg(0);
  const Xbyak::Zmm b = p.reg(1);
  left ? c.vpsllvd(d, b, count) : c.vpsrlvd(d, a, count);
  const Xbyak::Zmm rest = RunCode::temporary(2);
  c.vpbroadcastd(rest, c.dword[c.constants() + offsetof(CodeConstants, thirty_two)]);
  c.vpsubd(count, rest, count);
  left ? c.vpsrlvd(count, a, count) : c.vpsllvd(count, b, count);
  c.vpord(d, d, count);
}

void shift_counts(Part& p) {
  p.code().vpmovzxdq(Part::spare(), p.words(1));
}

void load_parameters(Part& p) {
  p.code().mov(p.code().rcx, p.code().qword[p.code().warp() + offsetof(Warp, parameters)]);
}

void add_arithmetic(Recipe* table) {
  VGPU_BITS(add_32, c.vpaddd(d, p.reg(0), p.any(1)))
  VGPU_BITS(add_64, c.vpaddq(d, p.reg(0), p.any(1)))
  VGPU_BITS(sub_32, c.vpsubd(d, p.reg(0), p.any(1)))
  VGPU_BITS(sub_64, c.vpsubq(d, p.reg(0), p.any(1)))
  VGPU_BITS(mul_lo_32, c.vpmulld(d, p.reg(0), p.any(1)))
  VGPU_BITS(mul_lo_64, c.vpmullq(d, p.reg(0), p.any(1)))
  VGPU_BITS(mad_lo_32, c.vpmulld(d, p.reg(0), p.any(1)); c.vpaddd(d, d, p.any(2)))
  VGPU_BITS(mad_lo_64, c.vpmullq(d, p.reg(0), p.any(1)); c.vpaddq(d, d, p.any(2)))
  VGPU_BITS(mul_hi_u32,
            multiply_high(p, [&](const auto& to, const auto& a, const auto& b) { c.vpmuludq(to, a, b); }))
  VGPU_BITS(mul_hi_s32,
            multiply_high(p, [&](const auto& to, const auto& a, const auto& b) { c.vpmuldq(to, a, b); }))
  VGPU_BITS(mul_wide_u32, c.vpmovzxdq(d, p.words(0)); c.vpmovzxdq(Part::spare(), p.words(1));
            c.vpmuludq(d, d, Part::spare()))
  VGPU_BITS(mul_wide_s32, c.vpmovsxdq(d, p.words(0)); c.vpmovsxdq(Part::spare(), p.words(1));
            c.vpmuldq(d, d, Part::spare()))
  VGPU_BITS(mad_wide_u32, c.vpmovzxdq(d, p.words(0)); c.vpmovzxdq(Part::spare(), p.words(1));
            c.vpmuludq(d, d, Part::spare()); c.vpaddq(d, d, p.any(2)))
  VGPU_BITS(mad_wide_s32, c.vpmovsxdq(d, p.words(0)); c.vpmovsxdq(Part::spare(), p.words(1));
            c.vpmuldq(d, d, Part::spare()); c.vpaddq(d, d, p.any(2)))
  VGPU_BITS(abs_s32, c.vpabsd(d, p.any(0)))
  VGPU_BITS(abs_s64, c.vpabsq(d, p.any(0)))
  VGPU_BITS(neg_s32, c.vpxord(d, d, d); c.vpsubd(d, d, p.any(0)))
  VGPU_BITS(neg_s64, c.vpxorq(d, d, d); c.vpsubq(d, d, p.any(0)))
  VGPU_BITS(min_u32, c.vpminud(d, p.reg(0), p.any(1)))
  VGPU_BITS(min_s32, c.vpminsd(d, p.reg(0), p.any(1)))
  VGPU_BITS(min_u64, c.vpminuq(d, p.reg(0), p.any(1)))
  VGPU_BITS(min_s64, c.vpminsq(d, p.reg(0), p.any(1)))
  VGPU_BITS(max_u32, c.vpmaxud(d, p.reg(0), p.any(1)))
  VGPU_BITS(max_s32, c.vpmaxsd(d, p.reg(0), p.any(1)))
  VGPU_BITS(max_u64, c.vpmaxuq(d, p.reg(0), p.any(1)))
  VGPU_BITS(max_s64, c.vpmaxsq(d, p.reg(0), p.any(1)))
}

void add_bits(Recipe* table) {
  VGPU_BITS(and_32, c.vpandd(d, p.reg(0), p.any(1)))
  VGPU_BITS(and_64, c.vpandq(d, p.reg(0), p.any(1)))
  VGPU_BITS(or_32, c.vpord(d, p.reg(0), p.any(1)))
  VGPU_BITS(or_64, c.vporq(d, p.reg(0), p.any(1)))
  VGPU_BITS(xor_32, c.vpxord(d, p.reg(0), p.any(1)))
  VGPU_BITS(xor_64, c.vpxorq(d, p.reg(0), p.any(1)))
  VGPU_BITS(not_32, c.vpternlogd(d, d, p.any(0), 0x55))
  VGPU_BITS(not_64, c.vpternlogq(d, d, p.any(0), 0x55))
  // Counts of the width or more give what PTX wants, unlike those of scalar instructions.
  VGPU_BITS(shl_32, c.vpsllvd(d, p.reg(0), p.any(1)))
  VGPU_BITS(shr_u32, c.vpsrlvd(d, p.reg(0), p.any(1)))
  VGPU_BITS(shr_s32, c.vpsravd(d, p.reg(0), p.any(1)))
  VGPU_BITS(shl_64, shift_counts(p); c.vpsllvq(d, p.reg(0), Part::spare()))
  VGPU_BITS(shr_u64, shift_counts(p); c.vpsrlvq(d, p.reg(0), Part::spare()))
  VGPU_BITS(shr_s64, shift_counts(p); c.vpsravq(d, p.reg(0), Part::spare()))
  VGPU_BITS(shf_l_wrap, funnel(p, true, true))
  VGPU_BITS(shf_l_clamp, funnel(p, true, false))
  VGPU_BITS(shf_r_wrap, funnel(p, false, true))
  VGPU_BITS(shf_r_clamp, funnel(p, false, false))
  // Both number the rows of the table alike.
  VGPU_BITS(lop3, c.vmovdqa32(d, p.any(0));
            c.vpternlogd(d, p.reg(1), p.any(2), static_cast<std::uint8_t>(p.instruction().immediate)))
  VGPU_BITS(clz_32, c.vplzcntd(d, p.any(0)))
}

void add_moves(Recipe* table) {
  VGPU_BITS(mov_32, c.vmovdqa32(d, p.any(0)))
  VGPU_BITS(mov_64, c.vmovdqa64(d, p.any(0)))
  VGPU_BITS(selp_32, const auto chosen = p.mask(2, 16); c.vpblendmd(d | chosen, p.reg(1), p.any(0)))
  VGPU_BITS(selp_64, const auto chosen = p.mask(2, 8); c.vpblendmq(d | chosen, p.reg(1), p.any(0)))
  VGPU_BITS(pack_32x2, c.vpmovzxdq(d, p.words(0)); c.vpmovzxdq(Part::spare(), p.words(1));
            c.vpsllq(Part::spare(), Part::spare(), 32); c.vporq(d, d, Part::spare()))
  VGPU_BITS(ldp_u32_32, load_parameters(p);
            c.vpbroadcastd(d, c.dword[c.rcx + static_cast<std::size_t>(p.instruction().immediate)]))
  VGPU_BITS(ldp_u64_64, load_parameters(p);
            c.vpbroadcastq(d, c.qword[c.rcx + static_cast<std::size_t>(p.instruction().immediate)]))
}

}  // namespace

void add_integer_recipes(Recipe* table) {
  add_arithmetic(table);
  add_bits(table);
  add_moves(table);
}

}  // namespace vgpu::software
