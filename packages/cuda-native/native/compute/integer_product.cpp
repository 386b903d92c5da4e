#include "compute/integer_product.h"

#include <algorithm>

#include "compute/product_kernel.h"

namespace vgpu::compute {
namespace {

/** As many columns of the result as a block has, but for small results; as few as the widest tile has. */
constexpr std::size_t kMostColumns = 256;
constexpr std::size_t kFewestColumns = 32;

std::size_t partsOf(std::size_t count, std::size_t part) {
  return (count + part - 1) / part;
}

/** The blocks of the results, each with the whole sums of its elements. */
template <typename Bits>
class Blocks {
 public:
  Blocks(const Context& context, const MatrixBatch& a, const MatrixBatch& b, const MatrixBatch& c)
      : context_(context), a_(a), b_(b), c_(c), down_(partsOf(c.first.rows, kProductRows)) {
    const std::size_t wanted = std::size_t{4} * context.pool().threads();
    while (width_ > kFewestColumns && count() < wanted) width_ /= 2;
  }

  [[nodiscard]] std::size_t count() const { return c_.count * down_ * across(); }

  /** Enough of them for a thread to be worth it. */
  [[nodiscard]] std::size_t perTask() const {
    const std::size_t elements = std::min(kProductRows, c_.first.rows) * std::min(width_, c_.first.columns);
    return std::max<std::size_t>(1, (std::size_t{1} << 16) / (elements * a_.first.columns));
  }

  void multiply(std::size_t index) const {
    const std::size_t matrix = index / (down_ * across());
    const std::size_t row = index / across() % down_ * kProductRows;
    const std::size_t column = index % across() * width_;
    const std::size_t rows = std::min(kProductRows, c_.first.rows - row);
    const std::size_t columns = std::min(width_, c_.first.columns - column);
    const std::size_t inner = a_.first.columns;
    constexpr std::size_t kDepth = kProductRowBytes / sizeof(Bits);
    for (std::size_t first = 0; first < inner; first += kDepth) {
      context_.throwIfStopped();
      const std::size_t depth = std::min(kDepth, inner - first);
      productKernel<Bits>().multiply({at(a_, matrix, row, first), rows, depth, a_.first.stride},
                                     {at(b_, matrix, first, column), depth, columns, b_.first.stride},
                                     {at(c_, matrix, row, column), rows, columns, c_.first.stride},
                                     first != 0);
    }
  }

 private:
  [[nodiscard]] std::size_t across() const { return partsOf(c_.first.columns, width_); }

  static Bits* at(const MatrixBatch& batch, std::size_t matrix, std::size_t row, std::size_t column) {
    return batch.first.array.as<Bits>() + matrix * batch.step + row * batch.first.stride + column;
  }

  const Context& context_;
  const MatrixBatch& a_;
  const MatrixBatch& b_;
  const MatrixBatch& c_;
  std::size_t down_;
  std::size_t width_ = kMostColumns;
};

template <typename Bits>
void clear(const MatrixBatch& c) {
  for (std::size_t i = 0; i < c.count * c.first.rows; ++i) {
    Bits* row = c.first.array.as<Bits>() + i / c.first.rows * c.step + i % c.first.rows * c.first.stride;
    std::fill_n(row, c.first.columns, Bits{0});
  }
}

template <typename Bits>
void multiplyOf(const Context& context, const MatrixBatch& a, const MatrixBatch& b, const MatrixBatch& c) {
  // Without factors there need not be any memory to point to.
  if (a.first.columns == 0) {
    clear<Bits>(c);
    return;
  }
  const Blocks<Bits> blocks(context, a, b, c);
  context.forBlocks(blocks.count(), blocks.perTask(), [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) blocks.multiply(i);
  });
}

}  // namespace

void multiplyIntegers(const Context& context, const MatrixBatch& a, const MatrixBatch& b,
                      const MatrixBatch& c) {
  if (c.count == 0 || c.first.rows == 0 || c.first.columns == 0) return;
  if (elementBytes(c.first.array.type) == 4) {
    multiplyOf<std::uint32_t>(context, a, b, c);
  } else {
    multiplyOf<std::uint64_t>(context, a, b, c);
  }
}

}  // namespace vgpu::compute
