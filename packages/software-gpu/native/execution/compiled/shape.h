// How the lanes of a row lie to each other. The addresses of most kernels are lines: what lane i has is a
// first value plus i times a stride. One addition then computes such a row, where a vector takes four.
//
// A warp of a block that is 16 threads wide has two such lines, so the halves of a row are told apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "execution/decoded_kernel.h"

namespace vgpu::software {

inline constexpr std::uint32_t kHalfLanes = kLanes / 2;

struct Shape {
  /// What the second half of a line is: the same as the first, its continuation, or another line of the
  /// same stride.
  enum class Halves : std::uint8_t { same, continued, apart };

  bool is_line = false;
  std::int64_t stride = 0;  // 0 or a power of two
  Halves halves = Halves::same;
  std::optional<std::uint64_t> constant{};  // the value of all lanes

  [[nodiscard]] bool is_uniform_by_halves() const { return is_line && stride == 0; }
  bool operator==(const Shape&) const = default;
};

Shape constant_shape(std::uint64_t bits);

/// Of a row of words or doublewords.
Shape observed_shape(const std::byte* row, Width width);

/// Whether a row of the one shape may be taken for one of the other.
bool satisfies(const Shape& observed, const Shape& expected);

/// What is true of a value that has one shape or the other.
Shape common_shape(const Shape& a, const Shape& b);

/// Of what an instruction computes from sources of these shapes. Sums may pass the end of their type;
/// extending such a row is where code has to look.
Shape result_shape(const Instruction& instruction, std::span<const Shape> sources);

}  // namespace vgpu::software
