#include "gpu/linear_system.h"

#include "compute/checks.h"
#include "gpu/kernel_name.h"

namespace vgpu::gpu {
namespace {

using compute::Matrix;

constexpr std::size_t kSquareRows = 8;
constexpr std::size_t kSquareColumns = 32;
/** Columns between two looks at whether the result is still wanted. */
constexpr std::size_t kColumns = 64;

/** The matrix with its right sides behind it, on the device. */
class Elimination {
 public:
  Elimination(const Context& context, const Matrix& a, std::size_t columns)
      : context_(context),
        type_(nameOf(a.array.type)),
        order_(a.rows),
        width_(a.rows + columns),
        capacity_(order_ * width_),
        work_(context.allocate(capacity_ * compute::elementBytes(a.array.type))),
        singular_(context.allocateOf<std::uint64_t>(1)) {}

  /** Without right sides (no address): the unit matrix. */
  void load(const Buffer& a, const Buffer& b) {
    const Driver& driver = context_.device().driver();
    driver.check(driver.cuMemsetD8Async(singular_.address(), 0xff, sizeof(std::uint64_t), context_.stream()),
                 "cuMemsetD8Async");
    const std::size_t columns = width_ - order_;
    launch("join", gridFor(capacity_), a.address(), order_ * order_, b.address(),
           b.address() == 0 ? 0 : order_ * columns, work_.address(), capacity_, order_, columns);
  }

  /** @throws compute::Error singular */
  void run() {
    for (std::size_t column = 0; column < order_; ++column) {
      if (column % kColumns == 0) context_.throwIfStopped();
      launch("pivot", Grid{}, work_.address(), capacity_, order_, width_, column, singular_.address());
      eliminate(column, column + 1, order_, column + 1);
    }
    const std::uint64_t pivot = context_.downloadOf<std::uint64_t>(singular_.address(), 1).front();
    if (pivot < order_) compute::refuseSingular(pivot);
    for (std::size_t column = order_; column-- > 0;) {
      if (column % kColumns == 0) context_.throwIfStopped();
      eliminate(column, 0, column, order_);
    }
  }

  void store(const Matrix& x) {
    if (x.columns == 0) return;
    const Rows target = rowsOf(x);
    const Buffer solution = context_.allocate(target.bytes());
    launch("solution", gridFor(order_ * x.columns), work_.address(), capacity_, solution.address(),
           order_ * x.columns, order_, x.columns);
    context_.download(solution.address(), target);
  }

 private:
  void eliminate(std::size_t column, std::size_t first, std::size_t last, std::size_t left) {
    if (first == last || left == width_) return;
    launch("eliminate", squares(last - first, width_ - left, kSquareRows, kSquareColumns), work_.address(),
           capacity_, order_, width_, column, first, last, left);
  }

  template <typename... Arguments>
  void launch(const char* kernel, const Grid& grid, Arguments... arguments) {
    context_.device().launch(Family::linearSystem, kernelName(kernel, type_), grid, context_.stream(),
                             arguments...);
  }

  const Context& context_;
  std::string type_;
  std::size_t order_;
  std::size_t width_;
  std::size_t capacity_;
  Buffer work_;
  Buffer singular_;
};

}  // namespace

void solve(const Context& context, const Matrix& a, const Matrix& b, const Matrix& x) {
  compute::checkSystem(a, b, x);
  compute::checkApart(b.array, x.array);
  if (a.rows == 0) return;
  Elimination elimination(context, a, b.columns);
  elimination.load(context.upload(rowsOf(a)), context.upload(rowsOf(b)));
  elimination.run();
  elimination.store(x);
}

void invert(const Context& context, const Matrix& a, const Matrix& inverse) {
  compute::checkSystem(a, a, inverse);
  if (a.rows == 0) return;
  Elimination elimination(context, a, a.rows);
  elimination.load(context.upload(rowsOf(a)), {});
  elimination.run();
  elimination.store(inverse);
}

}  // namespace vgpu::gpu
