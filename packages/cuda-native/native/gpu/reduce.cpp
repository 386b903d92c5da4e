#include "gpu/reduce.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/pairs.h"
#include "gpu/kernel_name.h"
#include "gpu/pieces.h"

namespace vgpu::gpu {
namespace {

using compute::addInPairs;
using compute::Array;
using compute::Number;
using compute::Wide;

constexpr std::size_t kBlock = std::size_t{1} << 15;

template <typename T>
constexpr bool isFloat = std::is_floating_point_v<T>;

/** One value of each block. `extra`: what the kernel takes behind the inputs. */
template <typename V, typename... Extra>
std::vector<V> ofBlocks(const Context& context, const std::string& kernel, std::span<const Array> inputs,
                        Extra... extra) {
  const std::size_t count = inputs[0].count;
  std::vector<V> values((count + kBlock - 1) / kBlock);
  const auto launch = [&](const Piece& piece) {
    // A warp for each block of elements.
    constexpr unsigned kThreads = 128;
    Grid grid = tiles(piece.count, kBlock * kThreads / 32);
    grid.threads = kThreads;
    Device& device = context.device();
    if (inputs.size() == 2) {
      device.launch(Family::reduce, kernel, grid, piece.stream, piece.inputs[0], piece.inputs[1], extra...,
                    piece.count, piece.capacity, piece.output, piece.outputCapacity);
    } else {
      device.launch(Family::reduce, kernel, grid, piece.stream, piece.inputs[0], extra..., piece.count,
                    piece.capacity, piece.output, piece.outputCapacity);
    }
  };
  forPieces(context, inputs, count, {.per = kBlock, .bytes = sizeof(V)}, launch,
            [&](std::size_t offset, const std::byte* data, std::size_t bytes) {
              std::memcpy(reinterpret_cast<std::byte*>(values.data()) + offset, data, bytes);
            });
  return values;
}

template <typename T>
using SumOf = std::conditional_t<isFloat<T>, double, Wide>;

template <typename T>
Number sumOf(const Context& context, const char* operation, std::span<const Array> inputs) {
  auto sums = ofBlocks<SumOf<T>>(context, kernelName(operation, nameOf(inputs[0].type)), inputs);
  return addInPairs(sums);
}

void checkNotEmpty(const Array& x) {
  if (x.count == 0) throw compute::Error(compute::ErrorKind::argument, "no elements");
}

/** Integers that order floats, and back: see reduce.cu. */
template <typename T>
using Key = std::conditional_t<std::is_same_v<T, float>, std::int32_t,
                               std::conditional_t<std::is_same_v<T, double>, std::int64_t, T>>;

template <typename T>
T fromKey(Key<T> key) {
  if constexpr (isFloat<T>) {
    constexpr Key<T> magnitude = std::numeric_limits<Key<T>>::max();
    return std::bit_cast<T>(key ^ ((key >> (8 * sizeof(T) - 1)) & magnitude));
  } else {
    return key;
  }
}

/** As the kernel writes them. */
template <typename T>
struct BlockExtremes {
  Key<T> least;
  Key<T> greatest;
  std::uint64_t unordered;
};

template <typename T>
struct Extremes {
  T least;
  T greatest;
  bool unordered;
};

template <typename T>
Extremes<T> extremes(const Context& context, const Array& x) {
  const auto blocks =
      ofBlocks<BlockExtremes<T>>(context, kernelName("extremes", nameOf(x.type)), std::array{x});
  BlockExtremes<T> all = blocks.front();
  for (const BlockExtremes<T>& block : blocks) {
    all.least = std::min(all.least, block.least);
    all.greatest = std::max(all.greatest, block.greatest);
    all.unordered |= block.unordered;
  }
  return {fromKey<T>(all.least), fromKey<T>(all.greatest), all.unordered != 0};
}

template <typename T>
Number numberOf(T value) {
  if constexpr (isFloat<T>) {
    return static_cast<double>(value);
  } else {
    return Wide{value};
  }
}

Number extreme(const Context& context, const Array& x, bool least) {
  checkNotEmpty(x);
  return compute::withType(x.type, [&]<typename T>(T) -> Number {
    const Extremes<T> found = extremes<T>(context, x);
    if (found.unordered) return std::numeric_limits<double>::quiet_NaN();
    return numberOf(least ? found.least : found.greatest);
  });
}

double toDouble(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

/** Squares leave the range of double where the norm does not: divide by the greatest first. */
double scaledNorm(const Context& context, const Array& x) {
  const Extremes<double> ends = extremes<double>(context, x);
  const double most = std::max(std::fabs(ends.least), std::fabs(ends.greatest));
  if (ends.unordered || most == 0 || std::isinf(most)) return ends.unordered ? NAN : most;
  const int exponent = std::ilogb(most);
  auto sums = ofBlocks<double>(context, "norm_scaled_f64", std::array{x}, exponent);
  return std::scalbn(std::sqrt(addInPairs(sums)), exponent);
}

}  // namespace

Number sum(const Context& context, const Array& x) {
  return compute::withType(x.type, [&]<typename T>(T) { return sumOf<T>(context, "sum", std::array{x}); });
}

double mean(const Context& context, const Array& x) {
  checkNotEmpty(x);
  return toDouble(sum(context, x)) / static_cast<double>(x.count);
}

Number least(const Context& context, const Array& x) {
  return extreme(context, x, true);
}

Number greatest(const Context& context, const Array& x) {
  return extreme(context, x, false);
}

Number dot(const Context& context, const Array& x, const Array& y) {
  compute::checkType(y, x.type);
  compute::checkCount(x.count, y);
  if (x.type == compute::ElementType::i64 || x.type == compute::ElementType::u64) {
    throw compute::Error(compute::ErrorKind::argument, "products of 64-bit integers");
  }
  return compute::withType(x.type, [&]<typename T>(T) { return sumOf<T>(context, "dot", std::array{x, y}); });
}

double norm(const Context& context, const Array& x) {
  if (x.count == 0) return 0;
  const double squares = toDouble(dot(context, x, x));
  // Below this, squares that are subnormal may have lost bits.
  constexpr double kSafe =
      std::numeric_limits<double>::min() / std::numeric_limits<double>::epsilon() * 0x1p53;
  if (x.type == compute::ElementType::f64 && (squares < kSafe || !std::isfinite(squares))) {
    return scaledNorm(context, x);
  }
  return std::sqrt(squares);
}

}  // namespace vgpu::gpu
