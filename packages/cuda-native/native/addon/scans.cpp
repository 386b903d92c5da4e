#include "arguments.h"
#include "compute/histogram.h"
#include "compute/scan.h"
#include "families.h"
#include "function.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

using compute::Context;

/** (x, out, count) */
template <compute::Scan kind>
Napi::Value scan(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto out = arrayArgument(info, 3, count);
  return perform(info, [=](Context& context) { compute::scan(context, kind, x, out); });
}

/** (x, low, high, counts, count) */
Napi::Value histogram(const Info& info) {
  const auto x = arrayArgument(info, 2, sizeArgument(info, 6));
  const double low = numberArgument(info, 3);
  const double high = numberArgument(info, 4);
  const auto counts = arrayArgument(info, 5);
  return perform(info, [=](Context& context) { compute::histogram(context, x, low, high, counts); });
}

}  // namespace

void addScans(Napi::Object exports) {
  addFunction<scan<compute::Scan::inclusive>>(exports, "inclusiveScan");
  addFunction<scan<compute::Scan::exclusive>>(exports, "exclusiveScan");
  addFunction<histogram>(exports, "histogram");
}

}  // namespace vgpu::addon
