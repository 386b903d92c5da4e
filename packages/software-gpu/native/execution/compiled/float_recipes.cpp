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
  p.code().vbroadcastss(Part::spare(), p.code().dword[p.code().constants() + offsetof(CodeConstants, one32)]);
  return Part::spare();
}
Xbyak::Zmm one_f64(Part& p) {
  p.code().vbroadcastsd(Part::spare(), p.code().qword[p.code().constants() + offsetof(CodeConstants, one64)]);
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

}  // namespace

void add_float_recipes(Recipe* table) {
  add_f32(table);
  add_flushed_f32(table);
  add_f64(table);
}

}  // namespace vgpu::software
