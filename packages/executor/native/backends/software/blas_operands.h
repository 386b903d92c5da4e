// Matrices, vectors and scalars of an operation of cuBLAS in the device's memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/software/device_space.h"
#include "vgpu/blas/block_kernel.h"

namespace vgpu::executor {

/// Throws CallError with CUDA_ERROR_INVALID_VALUE for a cudaDataType that products are not made of.
blas::Element blas_element(std::int32_t type);

/// The bytes at an address. Throws CallError as a kernel would fail there: CUDA_ERROR_ILLEGAL_ADDRESS,
/// CUDA_ERROR_MISALIGNED_ADDRESS; the message begins with `name`.
std::span<std::byte> blas_range(DeviceSpace& space, const char* name, std::uint64_t address,
                                std::uint64_t bytes, std::uint64_t alignment, bool written);

class BlasOperands {
 public:
  struct Shape {
    std::uint32_t rows;
    std::uint32_t columns;
  };
  struct Given {
    const char* name;
    std::uint64_t address;  // of the first, or of the array of pointers
    std::int64_t leading_dimension;
    std::int64_t stride;
    blas::Element element;
  };

  /// Throws CallError with CUDA_ERROR_INVALID_VALUE for a batch that is too large.
  BlasOperands(DeviceSpace& space, std::uint32_t flags, std::uint32_t batch_count);

  /// As a number, whatever its type.
  double scalar(const char* name, std::uint64_t bits_or_address, blas::Element element,
                std::uint32_t on_device);

  /// The matrices of the batch, all of them checked. `shape` is that of the matrix as it lies in memory; it
  /// is not empty.
  std::vector<blas::Matrix> matrices(const Given& given, Shape shape, bool written);

 private:
  blas::Matrix matrix(const Given& given, Shape shape, std::uint64_t address, bool written);

  DeviceSpace& space_;
  std::uint32_t flags_;
  std::uint32_t batch_count_;
};

}  // namespace vgpu::executor
