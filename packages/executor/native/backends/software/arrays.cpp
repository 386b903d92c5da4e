// Arrays: rows next to each other in memory that only coordinates lead to. A copy is checked against the
// array and then one of rows of device memory.
#include "backends/array_description.h"
#include "backends/description.h"
#include "backends/software/software_backend.h"
#include "backends/software/texture_limits.h"

namespace vgpu::executor {
namespace {

std::uint64_t place_in(const ArrayObject& array, const ArrayPart& part) {
  const std::uint64_t row = part.z * row_count(array.description) + part.y;
  return array.address + row * array.pitch + part.x;
}

}  // namespace

void SoftwareBackend::clear_arrays(Handle context) {
  arrays_.erase_if([&](const ArrayObject& array) {
    if (array.context != context) return false;
    space_.free(array.address);
    return true;
  });
}

CUresult SoftwareBackend::vgpuArrayCreate(Handle current, Handle& array, std::span<const std::byte> bytes) {
  require_context(current);
  const auto description = read_description<vgpu_array>(bytes);
  check_array(description, kArrayLimits);
  const std::uint64_t unit = kTextureLimits.pitch_alignment;
  const std::uint64_t pitch = (row_bytes(description) + unit - 1) / unit * unit;
  const std::uint64_t address = space_.allocate(pitch * row_count(description) * slice_count(description));
  array = arrays_.insert(ArrayObject{current, description, address, pitch});
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuArrayDescription(Handle current, std::span<std::byte> description,
                                               Handle array) {
  require_context(current);
  write_description(arrays_.at(array).description, description);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuArrayDestroy(Handle current, Handle array) {
  require_context(current);
  space_.free(arrays_.at(array).address);
  arrays_.erase(array);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuCopyRowsToArray(Handle current, Handle array, std::uint64_t x, std::uint64_t y,
                                              std::uint64_t z, std::span<const std::byte> rows,
                                              std::uint64_t width, std::uint64_t height, Handle stream) {
  const ArrayObject& object = arrays_.at(array);
  const ArrayPart part{x, y, z, width, height};
  require_part(object.description, part);
  return vgpuCopyRowsToDevice(current, place_in(object, part), object.pitch, rows, width, height, stream);
}

CUresult SoftwareBackend::vgpuCopyRowsFromArray(Handle current, std::span<std::byte> rows, Handle array,
                                                std::uint64_t x, std::uint64_t y, std::uint64_t z,
                                                std::uint64_t width, std::uint64_t height, Handle stream) {
  const ArrayObject& object = arrays_.at(array);
  const ArrayPart part{x, y, z, width, height};
  require_part(object.description, part);
  return vgpuCopyRowsFromDevice(current, rows, place_in(object, part), object.pitch, width, height, stream);
}

CUresult SoftwareBackend::vgpuCopyDeviceToArray(Handle current, Handle array, std::uint64_t x,
                                                std::uint64_t y, std::uint64_t z, std::uint64_t source,
                                                std::uint64_t pitch, std::uint64_t width,
                                                std::uint64_t height, Handle stream) {
  const ArrayObject& object = arrays_.at(array);
  const ArrayPart part{x, y, z, width, height};
  require_part(object.description, part);
  return vgpuCopyRowsOnDevice(current, place_in(object, part), object.pitch, source, pitch, width, height,
                              stream);
}

CUresult SoftwareBackend::vgpuCopyArrayToDevice(Handle current, std::uint64_t destination,
                                                std::uint64_t pitch, Handle array, std::uint64_t x,
                                                std::uint64_t y, std::uint64_t z, std::uint64_t width,
                                                std::uint64_t height, Handle stream) {
  const ArrayObject& object = arrays_.at(array);
  const ArrayPart part{x, y, z, width, height};
  require_part(object.description, part);
  return vgpuCopyRowsOnDevice(current, destination, pitch, place_in(object, part), object.pitch, width,
                              height, stream);
}

CUresult SoftwareBackend::vgpuCopyArrayToArray(Handle current, Handle destination, std::uint64_t x,
                                               std::uint64_t y, std::uint64_t z, Handle source,
                                               std::uint64_t source_x, std::uint64_t source_y,
                                               std::uint64_t source_z, std::uint64_t width,
                                               std::uint64_t height, Handle stream) {
  const ArrayObject& to = arrays_.at(destination);
  const ArrayObject& from = arrays_.at(source);
  const ArrayPart target{x, y, z, width, height};
  const ArrayPart origin{source_x, source_y, source_z, width, height};
  require_part(to.description, target);
  require_part(from.description, origin);
  return vgpuCopyRowsOnDevice(current, place_in(to, target), to.pitch, place_in(from, origin), from.pitch,
                              width, height, stream);
}

}  // namespace vgpu::executor
