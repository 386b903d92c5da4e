#include "gpu/half.h"

#include <algorithm>

#include "gpu/kernel_name.h"

namespace vgpu::gpu {
namespace {

using compute::Array;
using compute::HalfArray;

constexpr std::size_t kHalfBytes = 2;

/** Piece by piece, so that what it needs on the device does not grow with the vectors. Inputs and outputs are
 * apart. */
void convert(const Context& context, const std::string& kernel, std::size_t count, std::byte* from,
             std::size_t fromBytes, std::byte* to, std::size_t toBytes) {
  constexpr std::size_t kPiece = kPieceBytes / 4;
  for (std::size_t first = 0; first < count; first += kPiece) {
    const std::size_t elements = std::min(kPiece, count - first);
    const std::size_t inBytes = elements * fromBytes;
    const std::size_t outBytes = elements * toBytes;
    const Buffer input = context.upload({from + first * fromBytes, inBytes, 1, inBytes});
    const Buffer output = context.allocate(outBytes);
    context.device().launch(Family::elementwise, kernel, gridFor(elements), context.stream(), input.address(),
                            output.address(), elements, elements);
    context.download(output.address(), {to + first * toBytes, outBytes, 1, outBytes});
  }
}

}  // namespace

void toHalf(const Context& context, const Array& x, const HalfArray& out) {
  compute::checkToHalf(x, out);
  convert(context, kernelName("to_half", nameOf(x.type)), x.count, x.data, compute::elementBytes(x.type),
          reinterpret_cast<std::byte*>(out.data), kHalfBytes);
}

void fromHalf(const Context& context, const HalfArray& x, const Array& out) {
  compute::checkFromHalf(x, out);
  convert(context, kernelName("from_half", nameOf(out.type)), x.count, reinterpret_cast<std::byte*>(x.data),
          kHalfBytes, out.data, compute::elementBytes(out.type));
}

}  // namespace vgpu::gpu
