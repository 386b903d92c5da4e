// Copies and fills. A range must be device memory as a whole before its first byte is touched: the driver
// would take an address of this process as well.
#include "backends/real/real_backend.h"
#include "backends/row_copy.h"

namespace vgpu::executor {

Staging& RealBackend::staging(Handle context) {
  return staging_.try_emplace(context, driver()).first->second;
}

CUresult RealBackend::vgpuCopyToDevice(Handle current, std::uint64_t destination,
                                       std::span<const std::byte> source, std::uint64_t total_bytes,
                                       Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  require_piece(source.size(), total_bytes);
  if (source.empty()) return CUDA_SUCCESS;
  require_range(destination, total_bytes);
  staging(current).copy_in({destination, source.size(), source.size(), 1}, source, queue);
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuCopyFromDevice(Handle current, std::span<std::byte> destination,
                                         std::uint64_t source, std::uint64_t total_bytes, Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  require_piece(destination.size(), total_bytes);
  if (destination.empty()) return CUDA_SUCCESS;
  require_range(source, total_bytes);
  staging(current).copy_out({source, destination.size(), destination.size(), 1}, destination, queue);
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuCopyOnDevice(Handle current, std::uint64_t destination, std::uint64_t source,
                                       std::uint64_t bytes, Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  if (bytes == 0) return CUDA_SUCCESS;
  require_range(destination, bytes);
  require_range(source, bytes);
  return driver().cuMemcpyDtoDAsync_v2(destination, source, bytes, queue);
}

CUresult RealBackend::vgpuCopyRowsToDevice(Handle current, std::uint64_t destination, std::uint64_t pitch,
                                           std::span<const std::byte> rows, std::uint64_t width,
                                           std::uint64_t height, Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  require_range(destination, extent_of_rows(pitch, width, height));
  require_packed(rows.size(), width, height);
  staging(current).copy_in({destination, pitch, width, height}, rows, queue);
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuCopyRowsFromDevice(Handle current, std::span<std::byte> rows, std::uint64_t source,
                                             std::uint64_t pitch, std::uint64_t width, std::uint64_t height,
                                             Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  require_range(source, extent_of_rows(pitch, width, height));
  require_packed(rows.size(), width, height);
  staging(current).copy_out({source, pitch, width, height}, rows, queue);
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuCopyRowsOnDevice(Handle current, std::uint64_t destination,
                                           std::uint64_t destination_pitch, std::uint64_t source,
                                           std::uint64_t source_pitch, std::uint64_t width,
                                           std::uint64_t height, Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  require_range(destination, extent_of_rows(destination_pitch, width, height));
  require_range(source, extent_of_rows(source_pitch, width, height));
  CUDA_MEMCPY2D copy{};
  copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.srcDevice = source;
  copy.srcPitch = source_pitch;
  copy.dstDevice = destination;
  copy.dstPitch = destination_pitch;
  copy.WidthInBytes = width;
  copy.Height = height;
  return driver().cuMemcpy2DAsync_v2(&copy, queue);
}

CUresult RealBackend::vgpuFill(Handle current, std::uint64_t destination, std::uint64_t pitch,
                               std::uint32_t value, std::uint32_t element_bytes, std::uint64_t width,
                               std::uint64_t height, Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  if (element_bytes != 1 && element_bytes != 2 && element_bytes != 4) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "elements of " + std::to_string(element_bytes) + " bytes");
  }
  std::uint64_t row_bytes = 0;
  if (__builtin_mul_overflow(width, element_bytes, &row_bytes)) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "a row of " + std::to_string(width) + " elements");
  }
  if (row_bytes == 0 || height == 0) return CUDA_SUCCESS;
  require_range(destination, extent_of_rows(pitch, row_bytes, height));
  const auto byte = static_cast<unsigned char>(value);
  const auto half = static_cast<unsigned short>(value);
  if (height == 1) {
    if (element_bytes == 1) return driver().cuMemsetD8Async(destination, byte, width, queue);
    if (element_bytes == 2) return driver().cuMemsetD16Async(destination, half, width, queue);
    return driver().cuMemsetD32Async(destination, value, width, queue);
  }
  if (element_bytes == 1) return driver().cuMemsetD2D8Async(destination, pitch, byte, width, height, queue);
  if (element_bytes == 2) return driver().cuMemsetD2D16Async(destination, pitch, half, width, height, queue);
  return driver().cuMemsetD2D32Async(destination, pitch, value, width, height, queue);
}

}  // namespace vgpu::executor
