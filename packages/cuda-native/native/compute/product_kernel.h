// Products of unsigned integers, which wrap around: the part that is compiled for several instruction sets.
// Signed integers have the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vgpu::compute {

/** Part of a matrix. */
template <typename Bits>
struct ProductBlock {
  Bits* first;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;
};

/** The most rows of a, and bytes of each of them, that ProductKernel::multiply() takes: with some columns of
 * b they fit into the second-level cache. */
constexpr std::size_t kProductRows = 96;
constexpr std::size_t kProductRowBytes = 512;

template <typename Bits>
struct ProductKernel {
  /** c = a b, or c += a b. There is at least one of all rows and columns. */
  void (*multiply)(const ProductBlock<const Bits>& a, const ProductBlock<const Bits>& b,
                   const ProductBlock<Bits>& c, bool isAdded);
  Bits (*dot)(const Bits* x, const Bits* y, std::size_t count);
};

struct ProductKernels {
  ProductKernel<std::uint32_t> u32;
  ProductKernel<std::uint64_t> u64;
};

namespace portable {
ProductKernels productKernels();
}
namespace avx2 {
ProductKernels productKernels();
}
namespace avx512 {
ProductKernels productKernels();
}

/** For this processor and VGPU_COMPUTE_PATH, as for all kernels. */
const ProductKernels& productKernels();

template <typename Bits>
const ProductKernel<Bits>& productKernel() {
  if constexpr (sizeof(Bits) == 4) {
    return productKernels().u32;
  } else {
    return productKernels().u64;
  }
}

}  // namespace vgpu::compute
