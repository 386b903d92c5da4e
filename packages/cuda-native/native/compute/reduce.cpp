#include "compute/reduce.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/kernels.h"
#include "compute/pairs.h"

namespace vgpu::compute {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 15;

template <typename S, typename Part>
S sumOfBlocks(const Context& context, std::size_t count, Part part) {
  std::vector<S> sums((count + kBlock - 1) / kBlock);
  context.forBlocks(count, kBlock,
                    [&](std::size_t first, std::size_t last) { sums[first / kBlock] = part(first, last); });
  return addInPairs(sums);
}

template <typename T>
Extremes<T> extremes(const Context& context, const Array& array) {
  const T* x = array.as<T>();
  std::vector<Extremes<T>> parts((array.count + kBlock - 1) / kBlock);
  context.forBlocks(array.count, kBlock, [&](std::size_t first, std::size_t last) {
    parts[first / kBlock] = kernels<T>().extremes(x + first, last - first);
  });
  // By the same kernel, which knows about -0: once over all that is least, once over all that is greatest.
  std::vector<T> least;
  std::vector<T> greatest;
  bool unordered = false;
  for (const Extremes<T>& part : parts) {
    least.push_back(part.least);
    greatest.push_back(part.greatest);
    unordered |= part.unordered;
  }
  return {kernels<T>().extremes(least.data(), least.size()).least,
          kernels<T>().extremes(greatest.data(), greatest.size()).greatest, unordered};
}

template <typename T>
Number numberOf(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(value);
  } else {
    return Wide{value};
  }
}

void checkNotEmpty(const Array& x) {
  if (x.count == 0) throw Error(ErrorKind::argument, "no elements");
}

template <typename T>
Number extreme(const Context& context, const Array& x, bool least) {
  const Extremes<T> found = extremes<T>(context, x);
  if constexpr (std::is_floating_point_v<T>) {
    if (found.unordered) return std::numeric_limits<double>::quiet_NaN();
  }
  return numberOf(least ? found.least : found.greatest);
}

template <typename T>
Sum<T> dotOf(const Context& context, const T* x, const T* y, std::size_t count) {
  if (kernels<T>().dot == nullptr) throw Error(ErrorKind::argument, "products of 64-bit integers");
  return sumOfBlocks<Sum<T>>(context, count, [&](std::size_t first, std::size_t last) {
    return kernels<T>().dot(x + first, y + first, last - first);
  });
}

/** Squares of doubles leave the range of double where the norm does not: divide by the greatest first. */
double scaledNorm(const Context& context, const Array& array) {
  const Extremes<double> ends = extremes<double>(context, array);
  const double most = std::max(std::fabs(ends.least), std::fabs(ends.greatest));
  if (ends.unordered || most == 0 || std::isinf(most)) return ends.unordered ? NAN : most;
  // A power of two, by which nothing is rounded.
  const int exponent = std::ilogb(most);
  const double* x = array.as<double>();
  const double squares = sumOfBlocks<double>(context, array.count, [&](std::size_t first, std::size_t last) {
    double sum = 0;
    for (std::size_t i = first; i < last; ++i) {
      const double scaled = std::scalbn(x[i], -exponent);
      sum += scaled * scaled;
    }
    return sum;
  });
  return std::scalbn(std::sqrt(squares), exponent);
}

}  // namespace

Number sum(const Context& context, const Array& x) {
  return withType(x.type, [&]<typename T>(T) -> Number {
    return sumOfBlocks<Sum<T>>(context, x.count, [&](std::size_t first, std::size_t last) {
      return kernels<T>().sum(x.as<T>() + first, last - first);
    });
  });
}

double mean(const Context& context, const Array& x) {
  checkNotEmpty(x);
  const double total = std::visit([](auto value) { return static_cast<double>(value); }, sum(context, x));
  return total / static_cast<double>(x.count);
}

Number least(const Context& context, const Array& x) {
  checkNotEmpty(x);
  return withType(x.type, [&]<typename T>(T) { return extreme<T>(context, x, true); });
}

Number greatest(const Context& context, const Array& x) {
  checkNotEmpty(x);
  return withType(x.type, [&]<typename T>(T) { return extreme<T>(context, x, false); });
}

Number dot(const Context& context, const Array& x, const Array& y) {
  checkType(y, x.type);
  checkCount(x.count, y);
  return withType(x.type,
                  [&]<typename T>(T) -> Number { return dotOf(context, x.as<T>(), y.as<T>(), x.count); });
}

double norm(const Context& context, const Array& x) {
  const double squares =
      std::visit([](auto value) { return static_cast<double>(value); }, dot(context, x, x));
  // Below this, squares that are subnormal may have lost bits.
  constexpr double kSafe =
      std::numeric_limits<double>::min() / std::numeric_limits<double>::epsilon() * 0x1p53;
  if (x.type == ElementType::f64 && (squares < kSafe || !std::isfinite(squares))) {
    return scaledNorm(context, x);
  }
  return std::sqrt(squares);
}

}  // namespace vgpu::compute
