// Texture objects. Kernels get the driver's own numbers, so the client has them too; which ones are the
// client's is kept here, because the driver would take any number for an object.
#include <bit>

#include "backends/description.h"
#include "backends/real/real_backend.h"
#include "backends/texture_description.h"

namespace vgpu::executor {
namespace {

/// The driver's own limits; where it gives none, figures that no GPU exceeds keep every sum a number.
TextureLimits limits_of(const vgpu_device& device) {
  const auto limit = [&](CUdevice_attribute attribute, std::uint64_t otherwise) {
    const std::int32_t value = device.attributes[attribute];
    return value > 0 ? static_cast<std::uint64_t>(value) : otherwise;
  };
  constexpr std::uint64_t kMost = INT32_MAX;
  return {
      .alignment = limit(CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, 1),
      .pitch_alignment = limit(CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT, 1),
      .linear_width = limit(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH, kMost),
      .pitched_width = limit(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_WIDTH, kMost),
      .pitched_height = limit(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_HEIGHT, kMost),
      .pitch = limit(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_PITCH, kMost),
  };
}

/// Over linear or pitched memory.
CUDA_RESOURCE_DESC resource_of(const vgpu_texture& texture) {
  CUDA_RESOURCE_DESC resource{};
  resource.resType = static_cast<CUresourcetype>(texture.resource);
  const auto format = static_cast<CUarray_format>(texture.format);
  if (texture.resource == CU_RESOURCE_TYPE_LINEAR) {
    resource.res.linear = {.devPtr = texture.address,
                           .format = format,
                           .numChannels = texture.channels,
                           .sizeInBytes = texture.width};
  } else {
    resource.res.pitch2D = {.devPtr = texture.address,
                            .format = format,
                            .numChannels = texture.channels,
                            .width = texture.width,
                            .height = texture.height,
                            .pitchInBytes = texture.pitch};
  }
  return resource;
}

CUDA_TEXTURE_DESC reading_of(const vgpu_texture& texture) {
  CUDA_TEXTURE_DESC reading{};
  for (int axis = 0; axis < 3; ++axis)
    reading.addressMode[axis] = static_cast<CUaddress_mode>(texture.address_mode[axis]);
  reading.filterMode = static_cast<CUfilter_mode>(texture.filter_mode);
  reading.flags = texture.flags;
  reading.maxAnisotropy = texture.max_anisotropy;
  reading.mipmapFilterMode = static_cast<CUfilter_mode>(texture.mipmap_filter_mode);
  reading.mipmapLevelBias = std::bit_cast<float>(texture.mipmap_level_bias);
  reading.minMipmapLevelClamp = std::bit_cast<float>(texture.min_mipmap_level);
  reading.maxMipmapLevelClamp = std::bit_cast<float>(texture.max_mipmap_level);
  for (int channel = 0; channel < 4; ++channel)
    reading.borderColor[channel] = std::bit_cast<float>(texture.border_color[channel]);
  return reading;
}

}  // namespace

vgpu_texture& RealBackend::texture_at(Handle current, Handle texture) {
  const auto found = textures_.find({current, texture});
  if (found != textures_.end()) return found->second;
  throw CallError(CUDA_ERROR_INVALID_VALUE, "texture " + std::to_string(texture) + " does not exist");
}

CUresult RealBackend::vgpuTexObjectCreate(Handle current, Handle& texture, std::span<const std::byte> bytes) {
  enter(current);
  const auto description = read_description<vgpu_texture>(bytes);
  check_reading(description);
  CUDA_RESOURCE_DESC resource{};
  if (description.resource == CU_RESOURCE_TYPE_ARRAY) {
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = arrays_.at(description.array).object;
  } else {
    // The driver would take an address of this process as well.
    require_range(description.address, checked_extent(description, limits_of(snapshot_.device)));
    resource = resource_of(description);
  }
  const CUDA_TEXTURE_DESC reading = reading_of(description);
  CUtexObject made = 0;
  const CUresult result = driver().cuTexObjectCreate(&made, &resource, &reading, nullptr);
  if (result != CUDA_SUCCESS) return result;
  textures_.insert_or_assign({current, made}, description);
  texture = made;
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuTexObjectDescription(Handle current, std::span<std::byte> description,
                                               Handle texture) {
  enter(current);
  write_description(texture_at(current, texture), description);
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuTexObjectDestroy(Handle current, Handle texture) {
  enter(current);
  static_cast<void>(texture_at(current, texture));
  const CUresult result = driver().cuTexObjectDestroy(texture);
  if (result == CUDA_SUCCESS) textures_.erase({current, texture});
  return result;
}

}  // namespace vgpu::executor
