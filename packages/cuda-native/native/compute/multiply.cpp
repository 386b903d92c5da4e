// Products of two matrices, by the library that the software GPU uses, too.
#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "compute/kernels.h"
#include "compute/matrix.h"
#include "compute/product.h"
#include "vgpu/blas/multiplier.h"

namespace vgpu::compute {
namespace {

blas::Path pathOf(std::string_view name) {
  if (name == "avx512") return blas::Path::avx512;
  return name == "avx2" ? blas::Path::avx2 : blas::Path::portable;
}

bool mayUseOpenBlas() {
  // Read once, before any product.
  const char* wanted = std::getenv("VGPU_COMPUTE_BLAS");  // NOLINT(concurrency-mt-unsafe)
  return wanted == nullptr || std::string_view(wanted) != "own";
}

void onSharedThreads(unsigned count, const std::function<void(unsigned)>& task) {
  ThreadPool::shared().forEach(count, [&](std::size_t i) { task(static_cast<unsigned>(i)); });
}

/** One for the process, which is what OpenBLAS is, too. */
struct SharedMultiplier {
  std::mutex mutex;
  blas::Multiplier multiplier{pathOf(kernelPath()), ThreadPool::shared().threads(), onSharedThreads,
                              mayUseOpenBlas()};
};

SharedMultiplier& shared() {
  static SharedMultiplier only;
  return only;
}

/** As BLAS sees it, by columns: transposed. */
blas::Matrix transposed(const Matrix& matrix) {
  return {.first = matrix.array.data,
          .element = matrix.array.type == ElementType::f32 ? blas::Element::f32 : blas::Element::f64,
          .row_stride = 1,
          .column_stride = static_cast<std::int64_t>(std::max<std::size_t>(1, matrix.stride))};
}

blas::Product productOf(const ProductStep& step) {
  // cᵀ = bᵀ aᵀ
  blas::Product product{.a = transposed(step.b), .b = transposed(step.a), .c = transposed(step.c)};
  product.m = static_cast<std::int64_t>(step.c.columns);
  product.n = static_cast<std::int64_t>(step.c.rows);
  product.k = static_cast<std::int64_t>(step.a.columns);
  product.alpha = step.alpha;
  product.beta = step.beta;
  return product;
}

}  // namespace

void multiplySteps(const Context& context, const std::vector<ProductStep>& steps) {
  std::vector<blas::Product> products;
  products.reserve(steps.size());
  for (const ProductStep& step : steps) products.push_back(productOf(step));
  SharedMultiplier& only = shared();
  const std::scoped_lock lock(only.mutex);
  context.throwIfStopped();
  only.multiplier.multiply(products);
}

const char* multiplierDescription() {
  return shared().multiplier.description().c_str();
}

}  // namespace vgpu::compute
