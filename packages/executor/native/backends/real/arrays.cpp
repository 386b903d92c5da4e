// Arrays of the driver. Which part of one a copy means is checked before the driver is asked. A copy between
// an array and the client is done when its call returns, since the client's bytes are only there for so long.
#include "backends/array_description.h"
#include "backends/description.h"
#include "backends/real/real_backend.h"
#include "backends/row_copy.h"

namespace vgpu::executor {
namespace {

/// No GPU exceeds these; its own limits the driver knows.
constexpr std::uint64_t kMost = 1 << 20;
constexpr ArrayLimits kLimits{.width_1d = kMost, .width_2d = kMost, .height_2d = kMost, .side_3d = 1 << 17};

std::uint64_t bytes_of(const vgpu_array& array) {
  return row_bytes(array) * row_count(array) * slice_count(array);
}

CUDA_MEMCPY3D copy_of(const ArrayPart& part) {
  CUDA_MEMCPY3D copy{};
  copy.WidthInBytes = part.width;
  copy.Height = part.height;
  copy.Depth = 1;
  return copy;
}

void set_source(CUDA_MEMCPY3D& copy, CUarray array, const ArrayPart& part) {
  copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
  copy.srcArray = array;
  copy.srcXInBytes = part.x;
  copy.srcY = part.y;
  copy.srcZ = part.z;
}

void set_destination(CUDA_MEMCPY3D& copy, CUarray array, const ArrayPart& part) {
  copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
  copy.dstArray = array;
  copy.dstXInBytes = part.x;
  copy.dstY = part.y;
  copy.dstZ = part.z;
}

}  // namespace

const RealBackend::Array& RealBackend::array_at(Handle array, const ArrayPart& part) {
  const Array& object = arrays_.at(array);
  require_part(object.description, part);
  return object;
}

CUresult RealBackend::finish_copy(const CUDA_MEMCPY3D& copy, CUstream queue) {
  const CUresult result = driver().cuMemcpy3DAsync_v2(&copy, queue);
  return result == CUDA_SUCCESS ? driver().cuStreamSynchronize(queue) : result;
}

CUresult RealBackend::vgpuArrayCreate(Handle current, Handle& array, std::span<const std::byte> bytes) {
  enter(current);
  const auto description = read_description<vgpu_array>(bytes);
  check_array(description, kLimits);
  require_budget(bytes_of(description));
  const CUDA_ARRAY3D_DESCRIPTOR wanted{.Width = description.width,
                                       .Height = description.height,
                                       .Depth = description.depth,
                                       .Format = static_cast<CUarray_format>(description.format),
                                       .NumChannels = description.channels,
                                       .Flags = description.flags};
  CUarray made{};
  const CUresult result = driver().cuArray3DCreate_v2(&made, &wanted);
  if (result != CUDA_SUCCESS) return result;
  memory_used_ += bytes_of(description);
  array = arrays_.insert(Array{made, current, description});
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuArrayDescription(Handle current, std::span<std::byte> description, Handle array) {
  enter(current);
  write_description(arrays_.at(array).description, description);
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuArrayDestroy(Handle current, Handle array) {
  enter(current);
  const Array& object = arrays_.at(array);
  const CUresult result = driver().cuArrayDestroy(object.object);
  if (result != CUDA_SUCCESS) return result;
  memory_used_ -= bytes_of(object.description);
  arrays_.erase(array);
  return CUDA_SUCCESS;
}

void RealBackend::clear_arrays(Handle context) {
  arrays_.erase_if([&](const Array& array) {
    if (array.context != context) return false;
    memory_used_ -= bytes_of(array.description);
    return true;
  });
}

CUresult RealBackend::vgpuCopyRowsToArray(Handle current, Handle array, std::uint64_t x, std::uint64_t y,
                                          std::uint64_t z, std::span<const std::byte> rows,
                                          std::uint64_t width, std::uint64_t height, Handle stream) {
  enter(current);
  const ArrayPart part{x, y, z, width, height};
  const Array& object = array_at(array, part);
  const CUstream queue = stream_at(stream);
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  require_packed(rows.size(), width, height);
  CUDA_MEMCPY3D copy = copy_of(part);
  copy.srcMemoryType = CU_MEMORYTYPE_HOST;
  copy.srcHost = rows.data();
  copy.srcPitch = width;
  copy.srcHeight = height;
  set_destination(copy, object.object, part);
  return finish_copy(copy, queue);
}

CUresult RealBackend::vgpuCopyRowsFromArray(Handle current, std::span<std::byte> rows, Handle array,
                                            std::uint64_t x, std::uint64_t y, std::uint64_t z,
                                            std::uint64_t width, std::uint64_t height, Handle stream) {
  enter(current);
  const ArrayPart part{x, y, z, width, height};
  const Array& object = array_at(array, part);
  const CUstream queue = stream_at(stream);
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  require_packed(rows.size(), width, height);
  CUDA_MEMCPY3D copy = copy_of(part);
  set_source(copy, object.object, part);
  copy.dstMemoryType = CU_MEMORYTYPE_HOST;
  copy.dstHost = rows.data();
  copy.dstPitch = width;
  copy.dstHeight = height;
  return finish_copy(copy, queue);
}

CUresult RealBackend::vgpuCopyDeviceToArray(Handle current, Handle array, std::uint64_t x, std::uint64_t y,
                                            std::uint64_t z, std::uint64_t source, std::uint64_t pitch,
                                            std::uint64_t width, std::uint64_t height, Handle stream) {
  enter(current);
  const ArrayPart part{x, y, z, width, height};
  const Array& object = array_at(array, part);
  const CUstream queue = stream_at(stream);
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  require_range(source, extent_of_rows(pitch, width, height));
  CUDA_MEMCPY3D copy = copy_of(part);
  copy.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.srcDevice = source;
  copy.srcPitch = pitch;
  copy.srcHeight = height;
  set_destination(copy, object.object, part);
  return driver().cuMemcpy3DAsync_v2(&copy, queue);
}

CUresult RealBackend::vgpuCopyArrayToDevice(Handle current, std::uint64_t destination, std::uint64_t pitch,
                                            Handle array, std::uint64_t x, std::uint64_t y, std::uint64_t z,
                                            std::uint64_t width, std::uint64_t height, Handle stream) {
  enter(current);
  const ArrayPart part{x, y, z, width, height};
  const Array& object = array_at(array, part);
  const CUstream queue = stream_at(stream);
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  require_range(destination, extent_of_rows(pitch, width, height));
  CUDA_MEMCPY3D copy = copy_of(part);
  set_source(copy, object.object, part);
  copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.dstDevice = destination;
  copy.dstPitch = pitch;
  copy.dstHeight = height;
  return driver().cuMemcpy3DAsync_v2(&copy, queue);
}

CUresult RealBackend::vgpuCopyArrayToArray(Handle current, Handle destination, std::uint64_t x,
                                           std::uint64_t y, std::uint64_t z, Handle source,
                                           std::uint64_t source_x, std::uint64_t source_y,
                                           std::uint64_t source_z, std::uint64_t width, std::uint64_t height,
                                           Handle stream) {
  enter(current);
  const ArrayPart target{x, y, z, width, height};
  const ArrayPart origin{source_x, source_y, source_z, width, height};
  const Array& to = array_at(destination, target);
  const Array& from = array_at(source, origin);
  const CUstream queue = stream_at(stream);
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  CUDA_MEMCPY3D copy = copy_of(target);
  set_source(copy, from.object, origin);
  set_destination(copy, to.object, target);
  return driver().cuMemcpy3DAsync_v2(&copy, queue);
}

}  // namespace vgpu::executor
