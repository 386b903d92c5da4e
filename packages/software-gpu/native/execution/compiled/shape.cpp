#include "execution/compiled/shape.h"

#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

namespace vgpu::software {
namespace {

/// Vectors of such a stride are shifted lane numbers.
constexpr std::int64_t kWidestStride = 4096;

/// The distance between the halves' first lanes where it is known.
std::optional<std::int64_t> distance(const Shape& shape) {
  if (shape.halves == Shape::Halves::apart) return {};
  return shape.halves == Shape::Halves::same ? 0 : shape.stride * kHalfLanes;
}

Shape line(std::int64_t stride, std::optional<std::int64_t> halves) {
  if (stride < 0 || stride > kWidestStride || std::popcount(static_cast<std::uint64_t>(stride)) > 1)
    return {};
  Shape shape{.is_line = true, .stride = stride};
  if (stride != 0 && halves == stride * kHalfLanes) {
    shape.halves = Shape::Halves::continued;
  } else if (halves != 0) {
    shape.halves = Shape::Halves::apart;
  }
  return shape;
}

/// `sign` is 1 or -1.
Shape sum(const Shape& a, const Shape& b, int sign) {
  if (!a.is_line || !b.is_line) return {};
  std::optional<std::int64_t> halves;
  const std::optional<std::int64_t> first = distance(a);
  const std::optional<std::int64_t> second = distance(b);
  if (first && second) halves = *first + sign * *second;
  return line(a.stride + sign * b.stride, halves);
}

Shape scaled(const Shape& a, std::int64_t factor) {
  if (!a.is_line || factor < -kWidestStride || factor > kWidestStride) return {};
  std::optional<std::int64_t> halves = distance(a);
  if (halves) halves = *halves * factor;
  return line(a.stride * factor, halves);
}

/// Of anything that each lane computes from its own values.
Shape uniform(const Shape& a, const Shape& b) {
  if (!a.is_uniform_by_halves() || !b.is_uniform_by_halves()) return {};
  const bool apart = a.halves == Shape::Halves::apart || b.halves == Shape::Halves::apart;
  return line(0, apart ? std::nullopt : std::optional<std::int64_t>(0));
}

Shape product(const Shape& a, const Shape& b) {
  if (a.is_uniform_by_halves() && b.is_uniform_by_halves()) return uniform(a, b);
  if (b.constant) return scaled(a, static_cast<std::int64_t>(*b.constant));
  if (a.constant) return scaled(b, static_cast<std::int64_t>(*a.constant));
  return {};
}

Shape shifted(const Shape& a, const Shape& count) {
  if (count.constant && *count.constant < 12) return scaled(a, std::int64_t{1} << *count.constant);
  return {};
}

template <class T>
Shape observe(const std::byte* row) {
  std::array<T, kLanes> lanes{};
  std::memcpy(lanes.data(), row, sizeof lanes);
  const T stride = lanes[1] - lanes[0];
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const std::size_t first = lane / kHalfLanes * kHalfLanes;
    if (lanes[lane] != static_cast<T>(lanes[first] + static_cast<T>(lane - first) * stride)) return {};
  }
  const auto halves = static_cast<std::make_signed_t<T>>(lanes[kHalfLanes] - lanes[0]);
  return line(static_cast<std::make_signed_t<T>>(stride), halves);
}

}  // namespace

Shape constant_shape(std::uint64_t bits) {
  return {.is_line = true, .constant = bits};
}

Shape observed_shape(const std::byte* row, Width width) {
  if (width == Width::word) return observe<std::uint32_t>(row);
  if (width == Width::doubleword) return observe<std::uint64_t>(row);
  return {};
}

bool satisfies(const Shape& observed, const Shape& expected) {
  return observed.is_line && observed.stride == expected.stride &&
         (expected.halves == Shape::Halves::apart || observed.halves == expected.halves);
}

Shape common_shape(const Shape& a, const Shape& b) {
  if (a == b) return a;
  if (!a.is_line || !b.is_line || a.stride != b.stride) return {};
  Shape common{.is_line = true, .stride = a.stride, .halves = a.halves};
  if (a.halves != b.halves) common.halves = Shape::Halves::apart;
  return common;
}

Shape result_shape(const Instruction& instruction, std::span<const Shape> sources) {
  switch (instruction.operation) {
    case Operation::ldp_u32_32:
    case Operation::ldp_u64_64:
      return line(0, 0);
    case Operation::mov_32:
    case Operation::mov_64:
      return sources[0];
    case Operation::cvt_u64_u32:
    case Operation::cvt_s64_s32:
    case Operation::cvt_u32_u64:
      return sources[0].is_line ? line(sources[0].stride, distance(sources[0])) : Shape{};
    case Operation::add_32:
    case Operation::add_64:
      return sum(sources[0], sources[1], 1);
    case Operation::sub_32:
    case Operation::sub_64:
      return sum(sources[0], sources[1], -1);
    case Operation::mul_lo_32:
    case Operation::mul_lo_64:
    case Operation::mul_wide_u32:
    case Operation::mul_wide_s32:
      return product(sources[0], sources[1]);
    case Operation::mad_lo_32:
    case Operation::mad_lo_64:
    case Operation::mad_wide_u32:
    case Operation::mad_wide_s32:
      return sum(product(sources[0], sources[1]), sources[2], 1);
    case Operation::shl_32:
    case Operation::shl_64:
      return shifted(sources[0], sources[1]);
    case Operation::and_32:
    case Operation::or_32:
    case Operation::xor_32:
      return uniform(sources[0], sources[1]);
    default:
      return {};
  }
}

}  // namespace vgpu::software
