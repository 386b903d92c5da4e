#include "vgpu/blas/multiplier.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>

namespace vgpu::blas {
namespace {

BlockKernels kernels_of(Path path) {
  switch (path) {
#ifdef VGPU_X86_PATHS
    case Path::avx2:
      return avx2::block_kernels();
    case Path::avx512:
      return avx512::block_kernels();
#endif
    default:
      return portable::block_kernels();
  }
}

const char* name_of(Path path) {
  switch (path) {
    case Path::avx2:
      return "avx2";
    case Path::avx512:
      return "avx512";
    default:
      return "portable";
  }
}

std::int64_t divide_up(std::int64_t value, std::int64_t by) {
  return (value + by - 1) / by;
}

/// How each c of a batch is cut into blocks.
struct Grid {
  std::int64_t block_rows;
  std::int64_t block_columns;
  std::int64_t down;
  std::int64_t across;
};

Grid cut(const BlockKernel& kernel, const Product& shape, std::size_t batch, unsigned threads) {
  Grid grid{kernel.rows, kernel.columns, 0, 0};
  const auto count = [&] {
    grid.down = divide_up(shape.m, grid.block_rows);
    grid.across = divide_up(shape.n, grid.block_columns);
    return static_cast<std::uint64_t>(grid.down * grid.across) * batch;
  };
  // Narrower blocks where there would be fewer than threads; four times as many blocks as threads spread
  // well.
  while (count() < 4 * std::uint64_t{threads} && threads > 1 &&
         grid.block_columns > 4 * kernel.unit_columns) {
    grid.block_columns = divide_up(grid.block_columns / 2, kernel.unit_columns) * kernel.unit_columns;
  }
  return grid;
}

Product block_of(const Product& product, const Grid& grid, std::int64_t index) {
  const std::int64_t row = index % grid.down * grid.block_rows;
  const std::int64_t column = index / grid.down * grid.block_columns;
  Product block = product;
  block.a = product.a.at(row, 0);
  block.b = product.b.at(0, column);
  block.c = product.c.at(row, column);
  block.m = std::min(grid.block_rows, product.m - row);
  block.n = std::min(grid.block_columns, product.n - column);
  return block;
}

/// Below this many multiplications, waking threads costs more than they save.
constexpr double kWorthThreads = 1 << 21;

/// Null where our own kernel has vectors twice as long, too.
std::unique_ptr<OpenBlas> faster_open_blas(Path path, unsigned threads) {
  auto open_blas = OpenBlas::load(threads);
  if (open_blas && path == Path::avx512 && !open_blas->uses_avx512()) return nullptr;
  return open_blas;
}

}  // namespace

void Multiplier::Release::operator()(std::byte* memory) const {
  ::operator delete (memory, std::align_val_t{BlockKernel::kAlignment});
}

Multiplier::Multiplier(Path path, unsigned threads, Parallel parallel, bool use_open_blas)
    : kernels_(kernels_of(path)),
      threads_(threads),
      parallel_(std::move(parallel)),
      open_blas_(use_open_blas ? faster_open_blas(path, threads) : nullptr),
      description_(open_blas_ ? open_blas_->description() : std::string("its own kernel, ") + name_of(path)),
      scratch_(threads) {}

void Multiplier::multiply(std::span<const Product> batch) {
  if (batch.empty() || batch.front().m == 0 || batch.front().n == 0) return;
  if (open_blas_ && open_blas_->multiply(batch.front())) {
    // OpenBLAS decides by the shape alone, which all have.
    for (const Product& product : batch.subspan(1)) static_cast<void>(open_blas_->multiply(product));
    return;
  }
  const Element c = batch.front().c.element;
  run(c == Element::f64 || c == Element::i32 ? kernels_.wide : kernels_.single, batch);
}

void Multiplier::run(const BlockKernel& kernel, std::span<const Product> batch) {
  const Product& shape = batch.front();
  const double work = static_cast<double>(shape.m) * static_cast<double>(shape.n) *
                      static_cast<double>(shape.k) * static_cast<double>(batch.size());
  const unsigned wanted = work < kWorthThreads ? 1 : threads_;
  const Grid grid = cut(kernel, shape, batch.size(), wanted);
  const auto blocks = grid.down * grid.across;
  const auto count = blocks * static_cast<std::int64_t>(batch.size());
  const auto threads = static_cast<unsigned>(std::min<std::int64_t>(wanted, count));
  const std::size_t bytes = std::max(kernels_.single.scratch_bytes, kernels_.wide.scratch_bytes);
  for (unsigned thread = 0; thread < threads; ++thread) {
    if (scratch_[thread]) continue;
    scratch_[thread].reset(
        static_cast<std::byte*>(::operator new (bytes, std::align_val_t{BlockKernel::kAlignment})));
  }
  std::atomic<std::int64_t> next{0};
  const auto task = [&](unsigned thread) {
    for (std::int64_t i = next++; i < count; i = next++) {
      kernel.multiply(block_of(batch[static_cast<std::size_t>(i / blocks)], grid, i % blocks),
                      scratch_[thread].get());
    }
  };
  if (threads == 1) {
    task(0);
  } else {
    parallel_(threads, task);
  }
}

}  // namespace vgpu::blas
