#include "compute/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compute/checks.h"
#include "compute/error.h"

namespace vgpu::compute {
namespace {

struct Bins {
  double low;
  double high;
  std::size_t count;
};

template <typename T>
void countPart(const T* x, std::size_t count, const Bins& bins, std::uint32_t* counts) {
  const double width = bins.high - bins.low;
  const auto number = static_cast<double>(bins.count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(x[i]);
    // False for NaN, too.
    if (!(value >= bins.low && value <= bins.high)) continue;
    const auto bin = static_cast<std::size_t>((value - bins.low) / width * number);
    ++counts[std::min(bin, bins.count - 1)];
  }
}

void check(const Array& x, const Bins& bins, const Array& counts) {
  checkType(counts, ElementType::u32);
  checkApart(x, counts);
  if (bins.count == 0 || !(bins.low < bins.high) || !std::isfinite(bins.high - bins.low)) {
    throw Error(ErrorKind::argument, "intervals that do not exist");
  }
  if (x.count > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::argument, "more elements than a count of 32 bits can tell");
  }
}

}  // namespace

void histogram(Context& context, const Array& x, double low, double high, const Array& counts) {
  const Bins bins{low, high, counts.count};
  check(x, bins, counts);
  auto* totals = counts.as<std::uint32_t>();
  // One part for each thread, with counts of its own.
  constexpr std::size_t kWorthThread = std::size_t{1} << 16;
  const std::size_t parts = std::clamp<std::size_t>(x.count / kWorthThread, 1, context.pool().threads());
  const auto own = context.allocate<std::uint32_t>(parts * bins.count);
  context.forEach(parts, [&](std::size_t part) {
    std::uint32_t* mine = own.get() + part * bins.count;
    std::fill(mine, mine + bins.count, 0U);
    const std::size_t last = x.count * (part + 1) / parts;
    constexpr std::size_t kBlock = std::size_t{1} << 20;
    withType(x.type, [&]<typename T>(T) {
      for (std::size_t first = x.count * part / parts; first < last; first += kBlock) {
        context.throwIfStopped();
        countPart(x.as<const T>() + first, std::min(kBlock, last - first), bins, mine);
      }
    });
  });
  for (std::size_t bin = 0; bin < bins.count; ++bin) {
    totals[bin] = 0;
    for (std::size_t part = 0; part < parts; ++part) totals[bin] += own[part * bins.count + bin];
  }
}

}  // namespace vgpu::compute
