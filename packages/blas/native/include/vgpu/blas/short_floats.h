// IEEE 754 binary16 and bfloat16, to and from float, rounding to the nearest and ties to even. Branches are
// written so that compilers turn them into selections, and loops over them into vector instructions.
//
// In an anonymous namespace: the objects of the vector paths, which are compiled for other processors, must
// not share functions with the rest.
#pragma once

#include <bit>
#include <cstdint>

namespace vgpu::blas {
namespace {

struct Half {
  std::uint16_t bits;
};

struct BFloat {
  std::uint16_t bits;
};

inline float widen(Half half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half.bits & 0x8000U) << 16;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half.bits & 0x7fffU) << 13;
  // The exponent's bias is 127 instead of 15. The product is exact, subnormal numbers included.
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112F;
  const std::uint32_t special = magnitude >= 0x0f800000U ? 0x7f800000U : 0U;  // infinity and NaN
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | special | sign);
}

inline float widen(BFloat value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

inline Half narrow_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  // Adding half of what is cut off, less one for an even result, rounds; the carry may reach the exponent.
  const std::uint32_t normal = (magnitude + 0xfffU + (magnitude >> 13 & 1U) - 0x38000000U) >> 13;
  // A sum with 0.5 has its last bit where the last bit of a subnormal half is.
  const std::uint32_t subnormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U;
  std::uint32_t result = magnitude < 0x38800000U ? subnormal : normal;
  result = magnitude >= 0x477ff000U ? 0x7c00U : result;
  result = magnitude > 0x7f800000U ? 0x7e00U : result;
  return {static_cast<std::uint16_t>(result | (bits >> 16 & 0x8000U))};
}

inline BFloat narrow_to_bfloat(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  return {static_cast<std::uint16_t>(is_nan ? (bits >> 16 | 0x40U) : rounded)};
}

}  // namespace
}  // namespace vgpu::blas
