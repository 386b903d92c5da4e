#include "gpu/scan.h"

#include "compute/checks.h"
#include "gpu/kernel_name.h"

namespace vgpu::gpu {
namespace {

using compute::Array;

/** As scan.cu has it. */
constexpr std::size_t kTile = 2048;

/** Signed integers wrap around like unsigned ones. */
std::string summedType(compute::ElementType type) {
  return type == compute::ElementType::f32 ? "f32" : type == compute::ElementType::f64 ? "f64" : bitsOf(type);
}

/** From `x` to `out`, which may be the same. */
void scanOnDevice(const Context& context, const std::string& type, compute::Scan kind, DevicePointer x,
                  DevicePointer out, std::size_t count) {
  Device& device = context.device();
  const Grid grid = tiles(count, kTile);
  const std::size_t sums = grid.blocks;
  // Sums of f32 are f64.
  const bool wide = type != "u32";
  const Buffer starts = context.allocate(sums * (wide ? 8 : 4));
  context.throwIfStopped();
  device.launch(Family::scan, kernelName("scan_sums", type), grid, context.stream(), x, count, count,
                starts.address(), sums);
  if (sums > 1) {
    scanOnDevice(context, type == "f32" ? "f64" : type, compute::Scan::exclusive, starts.address(),
                 starts.address(), sums);
  } else {
    device.driver().check(
        device.driver().cuMemsetD8Async(starts.address(), 0, wide ? 8 : 4, context.stream()),
        "cuMemsetD8Async");
  }
  device.launch(Family::scan, kernelName("scan_tiles", type), grid, context.stream(), x, out, count, count,
                starts.address(), sums, kind == compute::Scan::inclusive ? 1 : 0);
  // Until here the sums are needed.
  device.synchronize(context.stream());
}

}  // namespace

void scan(const Context& context, compute::Scan kind, const Array& x, const Array& out) {
  compute::checkType(out, x.type);
  compute::checkCount(x.count, out);
  const Array target{out.type, out.data, x.count};
  compute::checkSameOrApart(x, target);
  if (x.count == 0) return;
  const Buffer elements = context.upload(rowsOf(x));
  scanOnDevice(context, summedType(x.type), kind, elements.address(), elements.address(), x.count);
  context.download(elements.address(), rowsOf(target), x.data == out.data);
}

void scanCounts(const Context& context, DevicePointer counts, std::size_t count) {
  scanOnDevice(context, "u32", compute::Scan::exclusive, counts, counts, count);
}

}  // namespace vgpu::gpu
