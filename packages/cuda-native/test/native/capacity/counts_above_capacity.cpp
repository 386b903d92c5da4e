// Launches kernels with a count above what their buffers hold, beneath all checks of the host: the count that
// crashed a server every 15 seconds. Run by test/capacity.test.ts under the memory checker.
//   counts_above_capacity LIBRARY honest    the kernels are told what their buffers hold: nothing may happen
//   counts_above_capacity LIBRARY lying     they are told that the buffers are as large as the count: 700
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <future>
#include <string>
#include <utility>

#include "compute/force_layout.h"
#include "compute/spatial_grid.h"
#include "gpu/device.h"
#include "gpu/kernel_name.h"
#include "gpu/pool.h"

namespace {

using namespace vgpu::gpu;

// A whole number of the pool's units, so that the first byte behind a buffer is nobody's.
constexpr std::size_t kHeld = 4096;
constexpr std::size_t kAskedFor = 6000;

class Kernels {
 public:
  Kernels(Device& device, bool lying)
      : device_(device), capacity_(lying ? kAskedFor : kHeld), pool_(device, ~std::size_t{0}) {}

  void run() {
    elementwise();
    reductions();
    scan();
    sort();
    matrices();
    distances();
    layout();
    device_.synchronize(device_.lane(0).stream);
    pool_.trim();
  }

  [[nodiscard]] int launched() const { return launched_; }

 private:
  template <typename... Arguments>
  void launch(Family family, const char* kernel, const Grid& grid, Arguments... arguments) {
    device_.launch(family, kernel, grid, device_.lane(0).stream, arguments...);
    device_.synchronize(device_.lane(0).stream);
    ++launched_;
  }

  /** Of as many 4-byte elements as there are. */
  Buffer words(std::size_t count = kHeld) {
    Buffer buffer = pool_.take(count * 4);
    const Driver& driver = device_.driver();
    driver.check(driver.cuMemsetD8Async(buffer.address(), 0, count * 4, device_.lane(0).stream),
                 "cuMemsetD8Async");
    return buffer;
  }

  void elementwise() {
    const Buffer x = words();
    const Buffer y = words();
    const Grid grid = gridFor(kAskedFor);
    launch(Family::elementwise, "fill_u32", grid, std::uint32_t{7}, x.address(), kAskedFor, capacity_);
    launch(Family::elementwise, "add_f32", grid, x.address(), y.address(), y.address(), kAskedFor, capacity_);
    launch(Family::elementwise, "axpy_i32", grid, std::int32_t{2}, x.address(), y.address(), y.address(),
           kAskedFor, capacity_);
    launch(Family::elementwise, "cast_f32_u32", grid, x.address(), y.address(), kAskedFor, capacity_);
  }

  void reductions() {
    const Buffer x = words();
    const Buffer sums = words();
    const Buffer counts = words(64);
    launch(Family::reduce, "sum_f32", Grid{.blocks = 1, .threads = 32}, x.address(), kAskedFor, capacity_,
           sums.address(), std::size_t{1});
    launch(Family::reduce, "extremes_u32", Grid{.blocks = 1, .threads = 32}, x.address(), kAskedFor,
           capacity_, sums.address(), std::size_t{1});
    launch(Family::histogram, "histogram_u32", gridFor(kAskedFor), x.address(), kAskedFor, capacity_, 0.0,
           1.0, counts.address(), std::size_t{64}, std::size_t{64});
  }

  void scan() {
    const Buffer x = words();
    const Buffer sums = words(64);
    const Grid grid = tiles(kAskedFor, 2048);
    launch(Family::scan, "scan_sums_u32", grid, x.address(), kAskedFor, capacity_, sums.address(),
           std::size_t{2});
    launch(Family::scan, "scan_tiles_u32", grid, x.address(), x.address(), kAskedFor, capacity_,
           sums.address(), std::size_t{2}, 1);
  }

  /** The operation that crashed: pairs, more than their buffers held. */
  void sort() {
    const Buffer keys = words();
    const Buffer indices = words();
    const Buffer outKeys = words();
    const Buffer outIndices = words();
    const Grid grid = tiles(kAskedFor, 2048);
    const std::size_t counts = std::size_t{256} * grid.blocks;
    const Buffer starts = words(counts);
    launch(Family::sort, "sort_keys_u32", gridFor(kAskedFor), keys.address(), keys.address(),
           std::uint32_t{0}, indices.address(), kAskedFor, capacity_);
    launch(Family::sort, "sort_count_u32", grid, keys.address(), kAskedFor, capacity_, 0, starts.address(),
           counts);
    launch(Family::sort, "sort_scatter_u32", grid, keys.address(), indices.address(), kAskedFor, capacity_, 0,
           starts.address(), counts, outKeys.address(), outIndices.address());
    launch(Family::sort, "sort_gather_u32", gridFor(kAskedFor), keys.address(), indices.address(),
           outKeys.address(), kAskedFor, capacity_);
    launch(Family::sort, "sort_numbers_f32", gridFor(kAskedFor), keys.address(), std::uint32_t{0},
           outKeys.address(), kAskedFor, capacity_);
  }

  /** Shapes that the buffers do not hold are not computed at all. */
  void matrices() {
    constexpr std::size_t kSide = 96;
    static_assert(kSide * kSide > kHeld);
    const Buffer a = words();
    const Buffer b = words();
    const Buffer c = words();
    const Buffer singular = words(64);
    const std::size_t held = lie(kSide * kSide);
    const Grid grid = squares(kSide, kSide, 32);
    for (const char* kernel : {"matmul_f32", "matmul_u32"}) {
      launch(Family::matrix, kernel, grid, a.address(), held, b.address(), held, c.address(), held,
             std::size_t{1}, kSide, kSide, kSide);
    }
    launch(Family::matrix, "transpose_u32", grid, a.address(), held, c.address(), held, kSide, kSide);
    for (const char* kernel : {"matvec_f32", "matvec_u32"}) {
      launch(Family::reduce, kernel, tiles(kSide, 8), a.address(), held, b.address(), held, c.address(), held,
             kSide, kSide, kSide);
    }
    launch(Family::linearSystem, "join_f32", gridFor(kAskedFor), a.address(), held, b.address(), held,
           c.address(), held, kSide / 2, kSide);
    launch(Family::linearSystem, "pivot_f32", Grid{}, a.address(), held, kSide, kSide, std::size_t{0},
           singular.address());
    launch(Family::linearSystem, "eliminate_f32", grid, a.address(), held, kSide, kSide, std::size_t{0},
           std::size_t{1}, kSide, std::size_t{1});
    launch(Family::linearSystem, "solution_f32", gridFor(kAskedFor), a.address(), held, c.address(), held,
           kSide / 2, kSide);
    // Words of 8 bytes: half as many.
    const std::size_t wide = lie(kSide * kSide) / 2;
    launch(Family::bitMatrix, "bits_transpose", gridFor(kAskedFor), a.address(), wide, kAskedFor,
           std::size_t{64}, c.address(), wide);
    launch(Family::bitMatrix, "bits_multiply", grid, a.address(), wide, b.address(), wide, c.address(), held,
           kSide, kSide, kSide);
  }

  void distances() {
    const Buffer x = words();
    const Buffer out = words();
    const std::size_t held = lie(kAskedFor);
    // Of 8 bytes.
    const std::size_t wide = held / 2;
    const Grid grid = gridFor(kAskedFor);
    launch(Family::distance, "compared_f32", grid, 0, x.address(), held, x.address(), held, kAskedFor / 2,
           std::size_t{1}, std::size_t{2}, out.address(), wide);
    launch(Family::distance, "distance_f32", grid, 0, x.address(), out.address(), kAskedFor, wide);
    launch(Family::distance, "nearest", Grid{.blocks = 4}, x.address(), wide, std::size_t{4}, kAskedFor / 4,
           std::size_t{3}, out.address(), out.address(), out.address(), wide);
    launch(Family::elementwise, "to_half_f32", grid, x.address(), out.address(), kAskedFor, capacity_);
    launch(Family::elementwise, "from_half_f32", grid, x.address(), out.address(), kAskedFor, capacity_);
  }

  void layout() {
    const Buffer points = words();
    const Buffer cells = words();
    const Buffer out = words();
    const vgpu::compute::Grid grid{.axes = 2, .cells = {4, 4, 1}};
    const vgpu::compute::Forces forces;
    const std::size_t held = lie(kAskedFor);
    const Grid blocks = gridFor(kAskedFor);
    launch(Family::layout, "grid_cells_f32", blocks, points.address(), held, kAskedFor / 2, grid,
           cells.address(), held);
    launch(Family::layout, "group_starts", blocks, cells.address(), kAskedFor, held, out.address(), kAskedFor,
           held);
    // Its lists are full of indices that are none.
    const Driver& driver = device_.driver();
    driver.check(driver.cuMemsetD8Async(cells.address(), 0xff, kHeld * 4, device_.lane(0).stream),
                 "cuMemsetD8Async");
    launch(Family::layout, "layout_f32", blocks, points.address(), kHeld, kHeld / 2, grid, forces,
           cells.address(), kHeld, cells.address(), kHeld, cells.address(), kHeld, cells.address(),
           cells.address(), kHeld, out.address(), kHeld);
  }

  /** What a buffer is said to hold, of `wanted`. */
  [[nodiscard]] std::size_t lie(std::size_t wanted) const { return capacity_ == kHeld ? kHeld : wanted; }

  Device& device_;
  std::size_t capacity_;
  Pool pool_;
  int launched_ = 0;
};

int runKernels(const std::string& library, bool lying) {
  Device& device = Device::of(library);
  std::promise<int> launched;
  device.post([&] {
    try {
      device.open();
      Kernels kernels(device, lying);
      kernels.run();
      launched.set_value(kernels.launched());
    } catch (...) {
      launched.set_exception(std::current_exception());
    }
  });
  return launched.get_future().get();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    std::printf("ok %d kernels\n", runKernels(argv[1], std::strcmp(argv[2], "lying") == 0));
    return 0;
  } catch (const DriverError& error) {
    std::printf("%d: %s\n", error.code(), error.what());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
