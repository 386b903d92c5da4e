#include "execution/compiled/recipe_table.h"

namespace vgpu::software {
namespace {

// Immediate operands of vrndscaleps: the rounding, and no exception for inexact results.
constexpr std::uint8_t kNearest = 8;
constexpr std::uint8_t kDown = 9;
constexpr std::uint8_t kUp = 10;
constexpr std::uint8_t kToZero = 11;

constexpr std::uint8_t kUnordered = 3;
constexpr std::uint8_t kGreaterOrEqual = 13;

Xbyak::Ymm half_of(const Xbyak::Zmm& vector) {
  return Xbyak::Ymm(vector.getIdx());
}

/// Two parts of doublewords make one of words.
template <class Narrow>
void narrow(Part& p, Narrow narrow_part) {
  RunCode& c = p.code();
  narrow_part(half_of(p.result()), p.reg(0, 2 * p.index()));
  narrow_part(half_of(Part::spare()), p.reg(0, 2 * p.index() + 1));
  c.vinserti64x4(p.result(), p.result(), half_of(Part::spare()), 1);
}

/// The lower or the upper words.
void unpack(Part& p) {
  RunCode& c = p.code();
  narrow(p, [&](const Xbyak::Ymm& to, const Xbyak::Zmm& from) {
    Xbyak::Zmm shifted = from;
    if (p.instruction().immediate != 0) {
      shifted = Xbyak::Zmm(to.getIdx());
      c.vpsrlq(shifted, from, static_cast<std::uint8_t>(p.instruction().immediate));
    }
    c.vpmovqd(to, shifted);
  });
}

/// The processor answers with the least integer for everything that does not fit; PTX has the nearest, and 0
/// for NaN.
void to_s32(Part& p, std::uint8_t rounding) {
  RunCode& c = p.code();
  const Xbyak::Zmm& d = p.result();
  const Xbyak::Zmm& value = Part::spare();
  c.vrndscaleps(value, p.any(0), rounding);
  c.vcvttps2dq(d, value);
  c.vcmpps(c.k1, value, c.constant(&CodeConstants::two_to_31), kGreaterOrEqual);
  c.vpblendmd(d | c.k1, d, c.constant(&CodeConstants::magnitude32));
  c.vcmpps(c.k1, value, value, kUnordered);
  c.vpxord(d | c.k1, d, d);
}

/// The same with all ones for everything that does not fit.
void to_u32(Part& p, std::uint8_t rounding) {
  RunCode& c = p.code();
  const Xbyak::Zmm& d = p.result();
  const Xbyak::Zmm& value = Part::spare();
  c.vrndscaleps(value, p.any(0), rounding);
  // Negative numbers and NaN become 0: the second operand is the answer for NaN.
  c.vpxord(d, d, d);
  c.vmaxps(value, value, d);
  c.vcvttps2udq(d, value);
}

void add_between_integers(Recipe* table) {
  VGPU_BITS(cvt_u32_u32, c.vmovdqa32(d, p.any(0)))
  VGPU_BITS(cvt_u64_u64, c.vmovdqa64(d, p.any(0)))
  VGPU_BITS(cvt_u64_u32, c.vpmovzxdq(d, p.words(0)))
  VGPU_BITS(cvt_s64_s32, c.vpmovsxdq(d, p.words(0)))
  VGPU_BITS(cvt_u32_u64, narrow(p, [&](const auto& to, const auto& from) { c.vpmovqd(to, from); }))
  VGPU_BITS(unpack_32_of_64, unpack(p))
}

void add_with_floats(Recipe* table) {
  VGPU_BITS(cvt_f32_s32, c.vcvtdq2ps(d, p.any(0)))
  VGPU_BITS(cvt_f32_u32, c.vcvtudq2ps(d, p.any(0)))
  VGPU_BITS(cvt_f64_s32, c.vcvtdq2pd(d, p.words(0)))
  VGPU_BITS(cvt_f64_u32, c.vcvtudq2pd(d, p.words(0)))
  VGPU_FLOATS(cvt_f64_f32, c.vcvtps2pd(d, p.words(0)))
  VGPU_FLOATS(cvt_f32_f64, narrow(p, [&](const auto& to, const auto& from) { c.vcvtpd2ps(to, from); }))
  VGPU_FLOATS(cvt_rni_f32, c.vrndscaleps(d, p.any(0), kNearest))
  VGPU_FLOATS(cvt_rzi_f32, c.vrndscaleps(d, p.any(0), kToZero))
  VGPU_FLOATS(cvt_rmi_f32, c.vrndscaleps(d, p.any(0), kDown))
  VGPU_FLOATS(cvt_rpi_f32, c.vrndscaleps(d, p.any(0), kUp))
  VGPU_RECIPE(cvt_rni_s32_f32, floats, bits, to_s32(p, kNearest))
  VGPU_RECIPE(cvt_rzi_s32_f32, floats, bits, to_s32(p, kToZero))
  VGPU_RECIPE(cvt_rmi_s32_f32, floats, bits, to_s32(p, kDown))
  VGPU_RECIPE(cvt_rpi_s32_f32, floats, bits, to_s32(p, kUp))
  VGPU_RECIPE(cvt_rzi_u32_f32, floats, bits, to_u32(p, kToZero))
}

}  // namespace

void add_conversion_recipes(Recipe* table) {
  add_between_integers(table);
  add_with_floats(table);
}

}  // namespace vgpu::software
