// Counting common bits: the part that is compiled for several instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vgpu::compute {

/** Rows of words, all of the same length. */
struct BitRows {
  const std::uint64_t* first;
  std::size_t count;
  std::size_t stride;
};

/** Adds to counts[i * countStride + j] the bits that row i of `a` and row j of `b` have in common in their
 * first `words`. */
using CommonBits = void (*)(const BitRows& a, const BitRows& b, std::size_t words, std::int32_t* counts,
                            std::size_t countStride);

namespace bits_portable {
void commonBits(const BitRows& a, const BitRows& b, std::size_t words, std::int32_t* counts,
                std::size_t countStride);
}
namespace bits_popcnt {
void commonBits(const BitRows& a, const BitRows& b, std::size_t words, std::int32_t* counts,
                std::size_t countStride);
}
namespace bits_avx512 {
void commonBits(const BitRows& a, const BitRows& b, std::size_t words, std::int32_t* counts,
                std::size_t countStride);
}

/** The best that the processor has; VGPU_COMPUTE_PATH, as for all kernels, allows less. */
CommonBits commonBitsKernel();

}  // namespace vgpu::compute
