#include "gpu/bit_matrix.h"

#include "gpu/kernel_name.h"

namespace vgpu::gpu {
namespace {

using compute::BitMatrix;

/** As bit_matrix.cu has it. */
constexpr std::size_t kSide = 16;

Rows rowsOf(const BitMatrix& matrix) {
  constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
  return {matrix.words.data, compute::wordsOf(matrix.columns) * kWordBytes, matrix.rows,
          matrix.stride * kWordBytes};
}

}  // namespace

void multiplyBits(const Context& context, const BitMatrix& a, const BitMatrix& b, const compute::Matrix& c) {
  compute::checkBitProduct(a, b, c);
  if (c.rows == 0 || c.columns == 0) return;
  const std::size_t words = compute::wordsOf(a.columns);
  const Buffer left = context.upload(rowsOf(a));
  const Buffer right = context.upload(rowsOf(b));
  const Buffer turned = context.allocateOf<std::uint64_t>(b.columns * words);
  const Buffer counts = context.allocateOf<std::int32_t>(c.rows * c.columns);
  Device& device = context.device();
  if (words > 0) {
    device.launch(Family::bitMatrix, "bits_transpose", gridFor(b.columns * words), context.stream(),
                  right.address(), b.rows * compute::wordsOf(b.columns), b.rows, b.columns, turned.address(),
                  b.columns * words);
  }
  // What lies behind the last column of a meets zeros.
  device.launch(Family::bitMatrix, "bits_multiply", squares(c.rows, c.columns, kSide), context.stream(),
                left.address(), a.rows * words, turned.address(), b.columns * words, counts.address(),
                c.rows * c.columns, c.rows, words, c.columns);
  context.download(counts.address(), gpu::rowsOf(c));
}

}  // namespace vgpu::gpu
