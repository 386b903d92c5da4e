#include "gpu/sort.h"

#include <limits>
#include <utility>

#include "compute/checks.h"
#include "compute/error.h"
#include "gpu/kernel_name.h"
#include "gpu/scan.h"
#include "gpu/sort_on_device.h"

namespace vgpu::gpu {
namespace {

using compute::Array;
using compute::Order;

/** As sort.cu has them. */
constexpr std::size_t kTile = 2048;
constexpr std::size_t kDigits = 256;
constexpr int kDigitBits = 8;

void checkIndexable(std::size_t count) {
  if (count <= std::numeric_limits<std::uint32_t>::max()) return;
  throw compute::Error(compute::ErrorKind::argument, "more elements than an index of 32 bits can tell");
}

void checkOutput(const Array& x, const Array& out, std::size_t count) {
  compute::checkCount(count, out);
  compute::checkSameOrApart(x, {out.type, out.data, count});
}

/** Calls `launch` with the bits that turn the order round, in the type of the keys. */
template <typename Launch>
void withFlip(compute::ElementType type, Order order, Launch launch) {
  if (compute::elementBytes(type) == 4) {
    launch(order == Order::ascending ? std::uint32_t{0} : ~std::uint32_t{0});
  } else {
    launch(order == Order::ascending ? std::uint64_t{0} : ~std::uint64_t{0});
  }
}

Sorted sortArray(const Context& context, const Array& keys, Order order) {
  return sortOnDevice(context, context.upload(rowsOf(keys)), keys.type, keys.count, order);
}

/** Keys become numbers again, where they are. */
void toNumbers(const Context& context, const Sorted& sorted, const Array& keys, Order order,
               std::size_t count) {
  withFlip(keys.type, order, [&](auto flip) {
    context.device().launch(Family::sort, kernelName("sort_numbers", nameOf(keys.type)), gridFor(count),
                            context.stream(), sorted.keys.address(), flip, sorted.keys.address(), count,
                            keys.count);
  });
}

}  // namespace

Sorted sortOnDevice(const Context& context, Buffer keys, compute::ElementType type, std::size_t count,
                    Order order) {
  Device& device = context.device();
  const std::size_t size = compute::elementBytes(type);
  const Grid grid = tiles(count, kTile);
  const std::size_t counts = kDigits * grid.blocks;
  Sorted now{std::move(keys), context.allocateOf<std::uint32_t>(count)};
  Sorted next{context.allocate(count * size), context.allocateOf<std::uint32_t>(count)};
  const Buffer starts = context.allocateOf<std::uint32_t>(counts);
  withFlip(type, order, [&](auto flip) {
    device.launch(Family::sort, kernelName("sort_keys", nameOf(type)), gridFor(count), context.stream(),
                  now.keys.address(), now.keys.address(), flip, now.indices.address(), count, count);
  });
  const std::string bits = bitsOf(type);
  for (int shift = 0; shift < static_cast<int>(8 * size); shift += kDigitBits) {
    context.throwIfStopped();
    device.launch(Family::sort, kernelName("sort_count", bits), grid, context.stream(), now.keys.address(),
                  count, count, shift, starts.address(), counts);
    scanCounts(context, starts.address(), counts);
    device.launch(Family::sort, kernelName("sort_scatter", bits), grid, context.stream(), now.keys.address(),
                  now.indices.address(), count, count, shift, starts.address(), counts, next.keys.address(),
                  next.indices.address());
    std::swap(now, next);
  }
  // What is given back at the end of this function may not be in use any more.
  device.synchronize(context.stream());
  return now;
}

void sort(const Context& context, const Array& keys, Order order, const Array& out) {
  compute::checkType(out, keys.type);
  checkOutput(keys, out, keys.count);
  checkIndexable(keys.count);
  if (keys.count == 0) return;
  const Sorted sorted = sortArray(context, keys, order);
  toNumbers(context, sorted, keys, order, keys.count);
  context.download(sorted.keys.address(), rowsOf(Array{out.type, out.data, keys.count}),
                   out.data == keys.data);
}

void sortPairs(const Context& context, const Array& keys, const Array& values, Order order,
               const Array& outKeys, const Array& outValues) {
  compute::checkType(outKeys, keys.type);
  compute::checkType(outValues, values.type);
  compute::checkCount(keys.count, values);
  const Array used{values.type, values.data, keys.count};
  for (const Array& input : {keys, used}) {
    checkOutput(input, outKeys, keys.count);
    checkOutput(input, outValues, keys.count);
  }
  const Array targetKeys{outKeys.type, outKeys.data, keys.count};
  const Array targetValues{outValues.type, outValues.data, keys.count};
  compute::checkApart(targetKeys, targetValues);
  checkIndexable(keys.count);
  if (keys.count == 0) return;
  const Sorted sorted = sortArray(context, keys, order);
  const Buffer from = context.upload(rowsOf(used));
  const Buffer gathered = context.allocate(used.bytes());
  toNumbers(context, sorted, keys, order, keys.count);
  context.device().launch(Family::sort, kernelName("sort_gather", bitsOf(values.type)), gridFor(keys.count),
                          context.stream(), from.address(), sorted.indices.address(), gathered.address(),
                          keys.count, keys.count);
  // Both are here before one is written: inputs stay as they are until nothing can fail any more.
  auto madeKeys = context.downloadOf<std::byte>(sorted.keys.address(), targetKeys.bytes());
  auto madeValues = context.downloadOf<std::byte>(gathered.address(), targetValues.bytes());
  context.gate().copy(targetKeys.data, madeKeys.data(), madeKeys.size());
  context.gate().copy(targetValues.data, madeValues.data(), madeValues.size());
}

void argsort(const Context& context, const Array& keys, Order order, const Array& indices) {
  compute::checkType(indices, compute::ElementType::u32);
  checkOutput(keys, indices, keys.count);
  checkIndexable(keys.count);
  if (keys.count == 0) return;
  const Sorted sorted = sortArray(context, keys, order);
  context.download(sorted.indices.address(), rowsOf(Array{indices.type, indices.data, keys.count}),
                   indices.data == keys.data);
}

void topK(const Context& context, const Array& x, Order order, const Array& values, const Array& indices) {
  compute::checkType(values, x.type);
  compute::checkType(indices, compute::ElementType::u32);
  compute::checkCount(values.count, x);
  compute::checkCount(values.count, indices);
  compute::checkApart(x, values);
  compute::checkApart(x, indices);
  const Array targetIndices{indices.type, indices.data, values.count};
  compute::checkApart(values, targetIndices);
  checkIndexable(x.count);
  if (values.count == 0) return;
  const Sorted sorted = sortArray(context, x, order);
  toNumbers(context, sorted, x, order, values.count);
  context.download(sorted.keys.address(), rowsOf(values));
  context.download(sorted.indices.address(), rowsOf(targetIndices));
}

}  // namespace vgpu::gpu
