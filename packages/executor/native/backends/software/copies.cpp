// Copies and fills. A range must lie in one allocation as a whole before its first byte is touched.
#include <algorithm>
#include <cstring>

#include "backends/row_copy.h"
#include "backends/software/software_backend.h"

namespace vgpu::executor {
namespace {

struct Shape {
  std::uint64_t pitch;
  std::uint64_t width;  // bytes
  std::uint64_t height;

  [[nodiscard]] bool empty() const { return width == 0 || height == 0; }
  /// Without gaps all rows are one.
  [[nodiscard]] Shape joined() const {
    return pitch == width ? Shape{pitch * height, width * height, 1} : *this;
  }
};

std::uint64_t extent(const Shape& shape) {
  return extent_of_rows(shape.pitch, shape.width, shape.height);
}

template <typename Element>
void fill_row(std::byte* row, std::uint64_t width, std::uint32_t value) {
  auto* elements = reinterpret_cast<Element*>(row);
  std::fill(elements, elements + width / sizeof(Element), static_cast<Element>(value));
}

void fill_row(std::byte* row, std::uint64_t width, std::uint32_t value, std::uint32_t element_bytes) {
  switch (element_bytes) {
    case 1:
      return fill_row<std::uint8_t>(row, width, value);
    case 2:
      return fill_row<std::uint16_t>(row, width, value);
    default:
      return fill_row<std::uint32_t>(row, width, value);
  }
}

}  // namespace

void SoftwareBackend::note_written(std::uint64_t address, std::uint64_t pitch, std::uint64_t width,
                                   std::uint64_t height) {
  if (!check_) return;
  for (std::uint64_t row = 0; row < height; ++row) space_.note_written(address + row * pitch, width);
}

CUresult SoftwareBackend::vgpuCopyToDevice(Handle current, std::uint64_t destination,
                                           std::span<const std::byte> source, std::uint64_t total_bytes,
                                           Handle stream) {
  require_stream(current, stream);
  require_piece(source.size(), total_bytes);
  if (source.empty()) return CUDA_SUCCESS;
  const auto target = space_.writable(destination, total_bytes);
  std::memcpy(target.data(), source.data(), source.size());
  note_written(destination, 0, source.size(), 1);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuCopyFromDevice(Handle current, std::span<std::byte> destination,
                                             std::uint64_t source, std::uint64_t total_bytes, Handle stream) {
  require_stream(current, stream);
  require_piece(destination.size(), total_bytes);
  if (destination.empty()) return CUDA_SUCCESS;
  const auto origin = space_.readable(source, total_bytes);
  std::memcpy(destination.data(), origin.data(), destination.size());
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuCopyOnDevice(Handle current, std::uint64_t destination, std::uint64_t source,
                                           std::uint64_t bytes, Handle stream) {
  require_stream(current, stream);
  if (bytes == 0) return CUDA_SUCCESS;
  const auto target = space_.writable(destination, bytes);
  const auto origin = space_.readable(source, bytes);
  std::memmove(target.data(), origin.data(), bytes);
  if (check_) check_->checker().copied(destination, source, bytes);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuCopyRowsToDevice(Handle current, std::uint64_t destination, std::uint64_t pitch,
                                               std::span<const std::byte> rows, std::uint64_t width,
                                               std::uint64_t height, Handle stream) {
  require_stream(current, stream);
  const Shape shape{pitch, width, height};
  if (shape.empty()) return CUDA_SUCCESS;
  const auto target = space_.writable(destination, extent(shape));
  require_packed(rows.size(), width, height);
  for (std::uint64_t row = 0; row < height; ++row) {
    std::memcpy(target.data() + row * pitch, rows.data() + row * width, width);
  }
  note_written(destination, pitch, width, height);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuCopyRowsFromDevice(Handle current, std::span<std::byte> rows,
                                                 std::uint64_t source, std::uint64_t pitch,
                                                 std::uint64_t width, std::uint64_t height, Handle stream) {
  require_stream(current, stream);
  const Shape shape{pitch, width, height};
  if (shape.empty()) return CUDA_SUCCESS;
  const auto origin = space_.readable(source, extent(shape));
  require_packed(rows.size(), width, height);
  for (std::uint64_t row = 0; row < height; ++row) {
    std::memcpy(rows.data() + row * width, origin.data() + row * pitch, width);
  }
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuCopyRowsOnDevice(Handle current, std::uint64_t destination,
                                               std::uint64_t destination_pitch, std::uint64_t source,
                                               std::uint64_t source_pitch, std::uint64_t width,
                                               std::uint64_t height, Handle stream) {
  require_stream(current, stream);
  const Shape target_shape{destination_pitch, width, height};
  const Shape origin_shape{source_pitch, width, height};
  if (target_shape.empty()) return CUDA_SUCCESS;
  const auto target = space_.writable(destination, extent(target_shape));
  const auto origin = space_.readable(source, extent(origin_shape));
  for (std::uint64_t row = 0; row < height; ++row) {
    std::memmove(target.data() + row * destination_pitch, origin.data() + row * source_pitch, width);
    if (check_) {
      check_->checker().copied(destination + row * destination_pitch, source + row * source_pitch, width);
    }
  }
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuFill(Handle current, std::uint64_t destination, std::uint64_t pitch,
                                   std::uint32_t value, std::uint32_t element_bytes, std::uint64_t width,
                                   std::uint64_t height, Handle stream) {
  require_stream(current, stream);
  if (element_bytes != 1 && element_bytes != 2 && element_bytes != 4) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "elements of " + std::to_string(element_bytes) + " bytes");
  }
  Shape shape{pitch, 0, height};
  if (__builtin_mul_overflow(width, element_bytes, &shape.width)) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "a row of " + std::to_string(width) + " elements");
  }
  if (shape.empty()) return CUDA_SUCCESS;
  // The pitch of a single row means nothing and may be anything.
  if (destination % element_bytes != 0 || (height > 1 && pitch % element_bytes != 0)) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "address or pitch is not aligned to the element");
  }
  const auto target = space_.writable(destination, extent(shape));
  const Shape rows = height > 1 ? shape.joined() : shape;
  for (std::uint64_t row = 0; row < rows.height; ++row) {
    fill_row(target.data() + row * rows.pitch, rows.width, value, element_bytes);
  }
  note_written(destination, rows.pitch, rows.width, rows.height);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
