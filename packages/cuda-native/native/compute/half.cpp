#include "compute/half.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>

#include "compute/error.h"
#include "compute/kernels.h"
#include "vgpu/blas/short_floats.h"

namespace vgpu::compute {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;
/** Elements that are converted by way of another type, in the first-level cache. */
constexpr std::size_t kPiece = 1024;

/** Rounding to float first and to half then would round twice. A float that is not exact gets an odd last
 * bit, which no tie of halves has (Boldo and Melquiond, "When double rounding is odd", 2005). */
float roundToOdd(double value) {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || !std::isfinite(nearest)) return nearest;
  const auto bits = std::bit_cast<std::uint32_t>(nearest);
  if ((bits & 1) != 0) return nearest;
  const bool tooGreat = std::fabs(static_cast<double>(nearest)) > std::fabs(value);
  return std::bit_cast<float>(tooGreat ? bits - 1 : bits + 1);
}

void checkRoom(std::size_t count, std::size_t capacity) {
  if (count <= capacity) return;
  throw Error(ErrorKind::capacity, "more elements than the array of f16 or its counterpart has", count,
              capacity);
}

void checkNoOverlap(const Array& other, const HalfArray& halves) {
  const std::less<const std::byte*> before;
  const auto* first = reinterpret_cast<const std::byte*>(halves.data);
  const auto* end = reinterpret_cast<const std::byte*>(halves.data + halves.count);
  if (!before(first, other.data + other.bytes()) || !before(other.data, end)) return;
  throw Error(ErrorKind::overlap, "an array that is written overlaps another");
}

}  // namespace

void checkToHalf(const Array& x, const HalfArray& out) {
  checkRoom(x.count, out.count);
  checkNoOverlap(x, {out.data, x.count});
}

void checkFromHalf(const HalfArray& x, const Array& out) {
  checkRoom(x.count, out.count);
  checkNoOverlap({out.type, out.data, x.count}, x);
}

void toHalf(const Context& context, const Array& x, const HalfArray& out) {
  checkToHalf(x, out);
  withType(x.type, [&]<typename T>(T) {
    context.forBlocks(x.count, kBlock, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        const T value = x.as<T>()[i];
        if constexpr (std::is_same_v<T, float>) {
          out.data[i] = blas::narrow_to_half(value).bits;
        } else {
          out.data[i] = blas::narrow_to_half(roundToOdd(static_cast<double>(value))).bits;
        }
      }
    });
  });
}

void fromHalf(const Context& context, const HalfArray& x, const Array& out) {
  checkFromHalf(x, out);
  const auto convert = kernels<float>().cast[static_cast<std::size_t>(out.type)];
  context.forBlocks(x.count, kBlock, [&](std::size_t first, std::size_t last) {
    std::array<float, kPiece> floats;
    for (; first < last; first += kPiece) {
      const std::size_t count = std::min(kPiece, last - first);
      for (std::size_t i = 0; i < count; ++i) floats[i] = blas::widen(blas::Half{x.data[first + i]});
      convert(floats.data(), out.data + first * elementBytes(out.type), count);
    }
  });
}

}  // namespace vgpu::compute
