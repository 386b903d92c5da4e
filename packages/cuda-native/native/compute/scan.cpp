// Two passes over blocks ("Prefix Sums and Their Applications", Blelloch, 1990): sums of the blocks, then the
// running sums inside each, which begin at the sum of all blocks before it.
#include "compute/scan.h"

#include <vector>

#include "compute/checks.h"

namespace vgpu::compute {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;

/** What is summed in: unsigned for integers, so that they wrap around. */
template <typename T>
struct RunningOf {
  using type = std::make_unsigned_t<T>;
};
template <>
struct RunningOf<float> {
  using type = double;
};
template <>
struct RunningOf<double> {
  using type = double;
};

template <typename T>
void scanOf(const Context& context, Scan kind, const T* x, T* out, std::size_t count) {
  using Running = typename RunningOf<T>::type;
  std::vector<Running> starts((count + kBlock - 1) / kBlock + 1);
  context.forBlocks(count, kBlock, [&](std::size_t first, std::size_t last) {
    Running sum = 0;
    for (std::size_t i = first; i < last; ++i) sum += static_cast<Running>(x[i]);
    starts[first / kBlock + 1] = sum;
  });
  for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  context.forBlocks(count, kBlock, [&](std::size_t first, std::size_t last) {
    Running sum = starts[first / kBlock];
    for (std::size_t i = first; i < last; ++i) {
      const Running before = sum;
      sum += static_cast<Running>(x[i]);
      out[i] = static_cast<T>(kind == Scan::inclusive ? sum : before);
    }
  });
}

}  // namespace

void scan(const Context& context, Scan kind, const Array& x, const Array& out) {
  checkType(out, x.type);
  checkCount(x.count, out);
  checkSameOrApart(x, {out.type, out.data, x.count});
  withType(x.type, [&]<typename T>(T) { scanOf(context, kind, x.as<const T>(), out.as<T>(), x.count); });
}

}  // namespace vgpu::compute
