#include <array>

#include "arguments.h"
#include "gpu/elementwise.h"
#include "gpu/half.h"
#include "gpu/histogram.h"
#include "gpu/reduce.h"
#include "gpu/scan.h"
#include "gpu/sort.h"
#include "gpu_operations.h"

namespace vgpu::addon {
namespace {

using Info = Napi::CallbackInfo;

/** (x, count) */
template <auto function>
GpuOperation reduce(const Info& info) {
  const auto x = arrayArgument(info, 2, sizeArgument(info, 3));
  return operation([=](const gpu::Context& context) { return function(context, x); });
}

/** (x, y, count) */
GpuOperation dot(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto y = arrayArgument(info, 3, count);
  return operation([=](const gpu::Context& context) { return gpu::dot(context, x, y); });
}

/** (x, y, out, count) */
template <compute::Binary kind>
GpuOperation binary(const Info& info) {
  const std::size_t count = sizeArgument(info, 5);
  const auto x = arrayArgument(info, 2, count);
  const auto y = arrayArgument(info, 3, count);
  const auto out = arrayArgument(info, 4, count);
  return operation([=](const gpu::Context& context) { gpu::binary(context, kind, x, y, out); });
}

/** (x, factor, out, count) */
GpuOperation scale(const Info& info) {
  const std::size_t count = sizeArgument(info, 5);
  const auto x = arrayArgument(info, 2, count);
  const auto factor = scalarArgument(info, 3);
  const auto out = arrayArgument(info, 4, count);
  return operation([=](const gpu::Context& context) { gpu::scale(context, x, factor, out); });
}

/** (alpha, x, y, out, count) */
GpuOperation axpy(const Info& info) {
  const std::size_t count = sizeArgument(info, 6);
  const auto alpha = scalarArgument(info, 2);
  const auto x = arrayArgument(info, 3, count);
  const auto y = arrayArgument(info, 4, count);
  const auto out = arrayArgument(info, 5, count);
  return operation([=](const gpu::Context& context) { gpu::axpy(context, alpha, x, y, out); });
}

/** (value, out, count) */
GpuOperation fill(const Info& info) {
  const auto value = scalarArgument(info, 2);
  const auto out = arrayArgument(info, 3, sizeArgument(info, 4));
  return operation([=](const gpu::Context& context) { gpu::fill(context, value, out); });
}

/** (x, out, count) */
GpuOperation cast(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto out = arrayArgument(info, 3, count);
  return operation([=](const gpu::Context& context) { gpu::cast(context, x, out); });
}

/** (x, out, count) */
GpuOperation toHalf(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto out = halfArgument(info, 3, count);
  return operation([=](const gpu::Context& context) { gpu::toHalf(context, x, out); });
}

/** (x, out, count) */
GpuOperation fromHalf(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = halfArgument(info, 2, count);
  const auto out = arrayArgument(info, 3, count);
  return operation([=](const gpu::Context& context) { gpu::fromHalf(context, x, out); });
}

/** (x, out, count) */
template <compute::Scan kind>
GpuOperation scan(const Info& info) {
  const std::size_t count = sizeArgument(info, 4);
  const auto x = arrayArgument(info, 2, count);
  const auto out = arrayArgument(info, 3, count);
  return operation([=](const gpu::Context& context) { gpu::scan(context, kind, x, out); });
}

/** (x, low, high, counts, count) */
GpuOperation histogram(const Info& info) {
  const auto x = arrayArgument(info, 2, sizeArgument(info, 6));
  const double low = numberArgument(info, 3);
  const double high = numberArgument(info, 4);
  const auto counts = arrayArgument(info, 5);
  return operation([=](const gpu::Context& context) { gpu::histogram(context, x, low, high, counts); });
}

/** (keys, descending, out, count) */
template <auto function>
GpuOperation sort(const Info& info) {
  const std::size_t count = sizeArgument(info, 5);
  const auto keys = arrayArgument(info, 2, count);
  const auto order = orderArgument(info, 3);
  const auto out = arrayArgument(info, 4, count);
  return operation([=](const gpu::Context& context) { function(context, keys, order, out); });
}

/** (keys, values, descending, outKeys, outValues, count) */
GpuOperation sortPairs(const Info& info) {
  const std::size_t count = sizeArgument(info, 7);
  const auto keys = arrayArgument(info, 2, count);
  const auto values = arrayArgument(info, 3, count);
  const auto order = orderArgument(info, 4);
  const auto outKeys = arrayArgument(info, 5, count);
  const auto outValues = arrayArgument(info, 6, count);
  return operation(
      [=](const gpu::Context& context) { gpu::sortPairs(context, keys, values, order, outKeys, outValues); });
}

/** (x, descending, values, indices, k, count) */
GpuOperation topK(const Info& info) {
  const std::size_t most = sizeArgument(info, 6);
  const auto x = arrayArgument(info, 2, sizeArgument(info, 7));
  const auto order = orderArgument(info, 3);
  const auto values = arrayArgument(info, 4, most);
  const auto indices = arrayArgument(info, 5, most);
  return operation([=](const gpu::Context& context) { gpu::topK(context, x, order, values, indices); });
}

constexpr std::array entries{
    GpuOperationEntry{"sum", reduce<gpu::sum>},
    GpuOperationEntry{"mean", reduce<gpu::mean>},
    GpuOperationEntry{"min", reduce<gpu::least>},
    GpuOperationEntry{"max", reduce<gpu::greatest>},
    GpuOperationEntry{"norm", reduce<gpu::norm>},
    GpuOperationEntry{"dot", dot},
    GpuOperationEntry{"add", binary<compute::Binary::add>},
    GpuOperationEntry{"sub", binary<compute::Binary::sub>},
    GpuOperationEntry{"mul", binary<compute::Binary::mul>},
    GpuOperationEntry{"div", binary<compute::Binary::div>},
    GpuOperationEntry{"scale", scale},
    GpuOperationEntry{"axpy", axpy},
    GpuOperationEntry{"fill", fill},
    GpuOperationEntry{"cast", cast},
    GpuOperationEntry{"toHalf", toHalf},
    GpuOperationEntry{"fromHalf", fromHalf},
    GpuOperationEntry{"inclusiveScan", scan<compute::Scan::inclusive>},
    GpuOperationEntry{"exclusiveScan", scan<compute::Scan::exclusive>},
    GpuOperationEntry{"histogram", histogram},
    GpuOperationEntry{"sort", sort<gpu::sort>},
    GpuOperationEntry{"sortPairs", sortPairs},
    GpuOperationEntry{"argsort", sort<gpu::argsort>},
    GpuOperationEntry{"topK", topK},
};

}  // namespace

std::span<const GpuOperationEntry> gpuVectorOperations() {
  return entries;
}

}  // namespace vgpu::addon
