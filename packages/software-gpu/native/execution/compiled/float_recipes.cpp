// f32 and f64. Results are those of the same instructions that the interpreter's compiler chooses.
#include "execution/compiled/recipe_table.h"

namespace vgpu::software {
namespace {

constexpr std::uint8_t kUnordered = 3;

/// Subnormals become a zero of their sign; `value` may be `to`.
void flush(RunCode& c, const Xbyak::Zmm& to, const Xbyak::Operand& value) {
  if (!value.isZMM() || value.getIdx() != to.getIdx()) c.vmovaps(to, value);
  c.vptestnmd(c.k1, to, c.constant(&CodeConstants::exponent32));
  c.vpandd(to | c.k1, to, c.constant(&CodeConstants::sign32));
}

/// The flushed source in a temporary of its own.
Xbyak::Zmm flushed(Part& p, int source) {
  const Xbyak::Zmm to = RunCode::temporary(source);
  flush(p.code(), to, p.any(source));
  return to;
}

void fuse_flushed(Part& p) {
  RunCode& c = p.code();
  const Xbyak::Zmm a = flushed(p, 0);
  const Xbyak::Zmm b = flushed(p, 1);
  c.vmovaps(p.result(), flushed(p, 2));
  c.vfmadd231ps(p.result(), a, b);
  flush(c, p.result(), p.result());
}

/// Both orders agree except for zeros of different sign, where `signs` decides, and NaN, where each
/// instruction answers with its second operand.
struct Extreme {
  void (*first)(RunCode& c, const Xbyak::Zmm& to, const Xbyak::Zmm& a, const Xbyak::Operand& b);
  void (*signs)(RunCode& c, const Xbyak::Zmm& to, const Xbyak::Zmm& other);
};

void extreme_f32(Part& p, const Xbyak::Zmm& a, const Xbyak::Zmm& b, const Extreme& extreme) {
  RunCode& c = p.code();
  const Xbyak::Zmm& d = p.result();
  extreme.first(c, d, a, b);
  extreme.first(c, Part::spare(), b, a);
  extreme.signs(c, d, Part::spare());
  c.vcmpps(c.k1, a, a, kUnordered);
  c.vmovaps(d | c.k1, b);
  c.vcmpps(c.k1, b, b, kUnordered);
  c.vmovaps(d | c.k1, a);
}

void extreme_f64(Part& p, const Extreme& extreme) {
  RunCode& c = p.code();
  const Xbyak::Zmm& d = p.result();
  const Xbyak::Zmm a = p.reg(0);
  const Xbyak::Zmm b = p.reg(1);
  extreme.first(c, d, a, b);
  extreme.first(c, Part::spare(), b, a);
  extreme.signs(c, d, Part::spare());
  c.vcmppd(c.k1, a, a, kUnordered);
  c.vmovapd(d | c.k1, b);
  c.vcmppd(c.k1, b, b, kUnordered);
  c.vmovapd(d | c.k1, a);
}

void or_signs(RunCode& c, const Xbyak::Zmm& to, const Xbyak::Zmm& other) {
  c.vporq(to, to, other);
}
void and_signs(RunCode& c, const Xbyak::Zmm& to, const Xbyak::Zmm& other) {
  c.vpandq(to, to, other);
}

constexpr Extreme kMinimumF32{[](RunCode& c, const Xbyak::Zmm& to, const Xbyak::Zmm& a,
                                 const Xbyak::Operand& b) { c.vminps(to, a, b); },
                              or_signs};
constexpr Extreme kMaximumF32{[](RunCode& c, const Xbyak::Zmm& to, const Xbyak::Zmm& a,
                                 const Xbyak::Operand& b) { c.vmaxps(to, a, b); },
                              and_signs};
constexpr Extreme kMinimumF64{[](RunCode& c, const Xbyak::Zmm& to, const Xbyak::Zmm& a,
                                 const Xbyak::Operand& b) { c.vminpd(to, a, b); },
                              or_signs};
constexpr Extreme kMaximumF64{[](RunCode& c, const Xbyak::Zmm& to, const Xbyak::Zmm& a,
                                 const Xbyak::Operand& b) { c.vmaxpd(to, a, b); },
                              and_signs};

Xbyak::Zmm one_f32(Part& p) {
  p.code().vbroadcastss(Part::spare(), p.code().number(&CodeConstants::one32));
  return Part::spare();
}
Xbyak::Zmm one_f64(Part& p) {
  p.code().vbroadcastsd(Part::spare(), p.code().number(&CodeConstants::one64));
  return Part::spare();
}

void add_f32(Recipe* table) {
  VGPU_FLOATS(add_f32, c.vaddps(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(sub_f32, c.vsubps(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(mul_f32, c.vmulps(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(fma_f32, c.vmovaps(d, p.any(0)); c.vfmadd213ps(d, p.reg(1), p.any(2)))
  VGPU_FLOATS(div_f32, c.vdivps(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(div_full_f32, c.vdivps(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(rcp_f32, c.vdivps(d, one_f32(p), p.any(0)))
  VGPU_FLOATS(sqrt_f32, c.vsqrtps(d, p.any(0)))
  VGPU_FLOATS(rsqrt_f32, c.vsqrtps(d, p.any(0)); c.vdivps(d, one_f32(p), d))
  VGPU_FLOATS(min_f32, extreme_f32(p, p.reg(0), p.reg(1), kMinimumF32))
  VGPU_FLOATS(max_f32, extreme_f32(p, p.reg(0), p.reg(1), kMaximumF32))
  VGPU_BITS(abs_f32, c.vpandd(d, p.reg(0), c.constant(&CodeConstants::magnitude32)))
  VGPU_BITS(neg_f32, c.vpxord(d, p.reg(0), c.constant(&CodeConstants::sign32)))
}

void add_flushed_f32(Recipe* table) {
  VGPU_FLOATS(add_ftz_f32, c.vaddps(d, flushed(p, 0), flushed(p, 1)); flush(c, d, d))
  VGPU_FLOATS(sub_ftz_f32, c.vsubps(d, flushed(p, 0), flushed(p, 1)); flush(c, d, d))
  VGPU_FLOATS(mul_ftz_f32, c.vmulps(d, flushed(p, 0), flushed(p, 1)); flush(c, d, d))
  VGPU_FLOATS(fma_ftz_f32, fuse_flushed(p))
  VGPU_FLOATS(min_ftz_f32, extreme_f32(p, flushed(p, 0), flushed(p, 1), kMinimumF32))
  VGPU_FLOATS(max_ftz_f32, extreme_f32(p, flushed(p, 0), flushed(p, 1), kMaximumF32))
  VGPU_FLOATS(div_full_ftz_f32, c.vdivps(d, flushed(p, 0), flushed(p, 1)); flush(c, d, d))
  VGPU_FLOATS(rcp_ftz_f32, c.vdivps(d, one_f32(p), flushed(p, 0)); flush(c, d, d))
  VGPU_FLOATS(sqrt_ftz_f32, c.vsqrtps(d, flushed(p, 0)))
  VGPU_FLOATS(rsqrt_ftz_f32, c.vsqrtps(d, flushed(p, 0)); c.vdivps(d, one_f32(p), d))
}

void add_f64(Recipe* table) {
  VGPU_FLOATS(add_f64, c.vaddpd(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(sub_f64, c.vsubpd(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(mul_f64, c.vmulpd(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(fma_f64, c.vmovapd(d, p.any(0)); c.vfmadd213pd(d, p.reg(1), p.any(2)))
  VGPU_FLOATS(div_f64, c.vdivpd(d, p.reg(0), p.any(1)))
  VGPU_FLOATS(rcp_f64, c.vdivpd(d, one_f64(p), p.any(0)))
  VGPU_FLOATS(sqrt_f64, c.vsqrtpd(d, p.any(0)))
  VGPU_FLOATS(rsqrt_f64, c.vsqrtpd(d, p.any(0)); c.vdivpd(d, one_f64(p), d))
  VGPU_FLOATS(min_f64, extreme_f64(p, kMinimumF64))
  VGPU_FLOATS(max_f64, extreme_f64(p, kMaximumF64))
  VGPU_BITS(abs_f64, c.vpandq(d, p.reg(0), c.constant(&CodeConstants::magnitude64)))
  VGPU_BITS(neg_f64, c.vpxorq(d, p.reg(0), c.constant(&CodeConstants::sign64)))
}

// --- With a rounding mode, .ftz and .sat in the instruction's flags
// ----------------------------------------------------------------------------------------------

bool has_flag(const Part& p, std::uint16_t flag) {
  return (p.instruction().flags & flag) != 0;
}

/// AVX-512 instructions carry the rounding mode themselves.
const Xbyak::EvexModifierRounding& rounding(const Part& p) {
  const RunCode& c = p.code();
  switch (p.instruction().flags & rounding_flag::mode_mask) {
    case rounding_flag::zero:
      return c.T_rz_sae;
    case rounding_flag::down:
      return c.T_rd_sae;
    case rounding_flag::up:
      return c.T_ru_sae;
    default:
      return c.T_rn_sae;
  }
}

Xbyak::Zmm source_f32(Part& p, int source) {
  return has_flag(p, rounding_flag::flush) ? flushed(p, source) : p.reg(source);
}
Xbyak::Zmm last_f32(Part& p, int source) {
  return source_f32(p, source) | rounding(p);
}
Xbyak::Zmm last_f64(Part& p, int source) {
  return p.reg(source) | rounding(p);
}

/// For a fused multiply-add of registers just generated, to which Xbyak 6 cannot give a rounding mode: bits 6
/// and 5 of its last prefix byte, valid by bit 4 (Intel, "Software Developer's Manual", volume 2,
/// section 2.7).
void round_last_instruction(Part& p) {
  RunCode& c = p.code();
  const std::size_t prefix = c.getSize() - 3;
  const std::uint32_t mode =
      static_cast<std::uint32_t>(rounding(p).rounding) - Xbyak::EvexModifierRounding::T_RN_SAE;
  c.rewrite(prefix, (c.getCode()[prefix] & 0x8fU) | mode << 5 | 0x10U, 1);
}

/// To 0 … 1, NaN to 0: vmaxps answers with its second operand where numbers are equal or not ordered.
void finish_f32(Part& p) {
  RunCode& c = p.code();
  const Xbyak::Zmm& d = p.result();
  if (has_flag(p, rounding_flag::flush)) flush(c, d, d);
  if (!has_flag(p, rounding_flag::saturate)) return;
  c.vpxord(Part::spare(), Part::spare(), Part::spare());
  c.vmaxps(d, d, Part::spare());
  c.vminps(d, d, one_f32(p));
}

void add_rounded_f32(Recipe* table) {
  VGPU_FLOATS(add_rounded_f32, c.vaddps(d, source_f32(p, 0), last_f32(p, 1)); finish_f32(p))
  VGPU_FLOATS(sub_rounded_f32, c.vsubps(d, source_f32(p, 0), last_f32(p, 1)); finish_f32(p))
  VGPU_FLOATS(mul_rounded_f32, c.vmulps(d, source_f32(p, 0), last_f32(p, 1)); finish_f32(p))
  VGPU_FLOATS(fma_rounded_f32, c.vmovaps(d, source_f32(p, 0));
              c.vfmadd213ps(d, source_f32(p, 1), source_f32(p, 2)); round_last_instruction(p); finish_f32(p))
  VGPU_FLOATS(div_rounded_f32, c.vdivps(d, source_f32(p, 0), last_f32(p, 1)); finish_f32(p))
  VGPU_FLOATS(rcp_rounded_f32, c.vdivps(d, one_f32(p), last_f32(p, 0)); finish_f32(p))
  VGPU_FLOATS(sqrt_rounded_f32, c.vsqrtps(d, last_f32(p, 0)); finish_f32(p))
}

/// PTX has neither .ftz nor .sat for f64.
void add_rounded_f64(Recipe* table) {
  VGPU_FLOATS(add_rounded_f64, c.vaddpd(d, p.reg(0), last_f64(p, 1)))
  VGPU_FLOATS(sub_rounded_f64, c.vsubpd(d, p.reg(0), last_f64(p, 1)))
  VGPU_FLOATS(mul_rounded_f64, c.vmulpd(d, p.reg(0), last_f64(p, 1)))
  VGPU_FLOATS(fma_rounded_f64, c.vmovapd(d, p.reg(0)); c.vfmadd213pd(d, p.reg(1), p.reg(2));
              round_last_instruction(p))
  VGPU_FLOATS(div_rounded_f64, c.vdivpd(d, p.reg(0), last_f64(p, 1)))
  VGPU_FLOATS(rcp_rounded_f64, c.vdivpd(d, one_f64(p), last_f64(p, 0)))
  VGPU_FLOATS(sqrt_rounded_f64, c.vsqrtpd(d, last_f64(p, 0)))
}

/// lane_math.h's power_of_two, step by step; vscalefps rounds once, as its two factors do.
void power_of_two(Part& p, const Xbyak::Zmm& a) {
  RunCode& c = p.code();
  const Xbyak::Zmm& sum = p.result();
  const Xbyak::Zmm x = RunCode::temporary(1);
  const Xbyak::Zmm& whole = Part::spare();
  // The second operand is the answer where one is NaN.
  c.vmovaps(sum, a);
  c.vbroadcastss(x, c.number(&CodeConstants::greatest_exponent));
  c.vminps(sum, x, sum);
  c.vbroadcastss(x, c.number(&CodeConstants::least_exponent));
  c.vmaxps(x, x, sum);
  c.vrndscaleps(whole, x, 0);
  c.vsubps(x, x, whole);
  c.vmulps(x, x, c.constant(&CodeConstants::ln_2));
  c.vbroadcastss(sum, c.number(&CodeConstants::one_by_5040));
  for (const auto coefficient :
       {&CodeConstants::one_by_720, &CodeConstants::one_by_120, &CodeConstants::one_by_24,
        &CodeConstants::one_by_6, &CodeConstants::half, &CodeConstants::one, &CodeConstants::one}) {
    c.vfmadd213ps(sum, x, c.constant(coefficient));
  }
  c.vscalefps(sum, sum, whole);
}

void add_power_of_two(Recipe* table) {
  VGPU_FLOATS(ex2_f32, power_of_two(p, p.reg(0)))
  VGPU_FLOATS(ex2_ftz_f32, power_of_two(p, flushed(p, 0)); flush(c, d, d))
}

/// cvt.sat.f32.f32: a number between 0 and 1, exactly.
void add_saturation(Recipe* table) {
  VGPU_FLOATS(cvt_sat_f32, c.vpxord(Part::spare(), Part::spare(), Part::spare());
              c.vmaxps(d, p.reg(0), Part::spare()); c.vminps(d, d, one_f32(p)))
}

}  // namespace

void add_float_recipes(Recipe* table) {
  add_f32(table);
  add_flushed_f32(table);
  add_f64(table);
  add_rounded_f32(table);
  add_rounded_f64(table);
  add_power_of_two(table);
  add_saturation(table);
}

}  // namespace vgpu::software
