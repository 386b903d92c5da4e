#include "gpu/histogram.h"

#include <cmath>
#include <limits>

#include "compute/checks.h"
#include "compute/error.h"
#include "gpu/kernel_name.h"

namespace vgpu::gpu {

void histogram(const Context& context, const compute::Array& x, double low, double high,
               const compute::Array& counts) {
  compute::checkType(counts, compute::ElementType::u32);
  compute::checkApart(x, counts);
  if (counts.count == 0 || !(low < high) || !std::isfinite(high - low)) {
    throw compute::Error(compute::ErrorKind::argument, "intervals that do not exist");
  }
  if (x.count > std::numeric_limits<std::uint32_t>::max()) {
    throw compute::Error(compute::ErrorKind::argument, "more elements than a count of 32 bits can tell");
  }
  const Buffer elements = context.upload(rowsOf(x));
  const Buffer totals = context.allocate(counts.bytes());
  Device& device = context.device();
  device.driver().check(
      device.driver().cuMemsetD8Async(totals.address(), 0, counts.bytes(), context.stream()),
      "cuMemsetD8Async");
  if (x.count > 0) {
    // Each block adds its own counts to those of all: few blocks, long parts.
    constexpr std::size_t kPart = 8192;
    device.launch(Family::histogram, kernelName("histogram", nameOf(x.type)), gridFor(x.count, kPart),
                  context.stream(), elements.address(), x.count, x.count, low, high, totals.address(),
                  counts.count, counts.count);
  }
  context.download(totals.address(), rowsOf(counts));
}

}  // namespace vgpu::gpu
