// Texture objects. What one says is checked here as a whole, so that sampling need only check that the memory
// is still there.
#include <bit>

#include "backends/description.h"
#include "backends/software/software_backend.h"
#include "backends/software/texture_limits.h"

namespace vgpu::executor {
namespace {

software::ChannelType channel_type(std::int32_t format) {
  switch (format) {
    case CU_AD_FORMAT_UNSIGNED_INT8:
      return software::ChannelType::u8;
    case CU_AD_FORMAT_UNSIGNED_INT16:
      return software::ChannelType::u16;
    case CU_AD_FORMAT_UNSIGNED_INT32:
      return software::ChannelType::u32;
    case CU_AD_FORMAT_SIGNED_INT8:
      return software::ChannelType::s8;
    case CU_AD_FORMAT_SIGNED_INT16:
      return software::ChannelType::s16;
    case CU_AD_FORMAT_SIGNED_INT32:
      return software::ChannelType::s32;
    case CU_AD_FORMAT_HALF:
      return software::ChannelType::f16;
    default:
      return software::ChannelType::f32;
  }
}

software::AddressMode address_mode(std::int32_t mode) {
  switch (mode) {
    case CU_TR_ADDRESS_MODE_WRAP:
      return software::AddressMode::wrap;
    case CU_TR_ADDRESS_MODE_MIRROR:
      return software::AddressMode::mirror;
    case CU_TR_ADDRESS_MODE_BORDER:
      return software::AddressMode::border;
    default:
      return software::AddressMode::clamp;
  }
}

/// Over linear or pitched memory, of a description that has been checked.
software::Texture texture_of(const vgpu_texture& description) {
  const bool is_linear = description.resource == CU_RESOURCE_TYPE_LINEAR;
  software::Texture texture;
  texture.shape = is_linear ? software::Texture::Shape::buffer : software::Texture::Shape::plane;
  texture.address = description.address;
  texture.type = channel_type(description.format);
  texture.channels = description.channels;
  texture.width = is_linear ? description.width / texture.texel_bytes() : description.width;
  texture.height = is_linear ? 1 : description.height;
  texture.pitch = description.pitch;
  for (std::size_t axis = 0; axis < texture.address_modes.size(); ++axis) {
    texture.address_modes[axis] = address_mode(description.address_mode[axis]);
  }
  texture.filters = description.filter_mode == CU_TR_FILTER_MODE_LINEAR;
  texture.normalized_coordinates = (description.flags & CU_TRSF_NORMALIZED_COORDINATES) != 0;
  texture.reads_integers = (description.flags & CU_TRSF_READ_AS_INTEGER) != 0;
  for (std::size_t channel = 0; channel < texture.border.size(); ++channel) {
    texture.border[channel] = std::bit_cast<float>(description.border_color[channel]);
  }
  return texture;
}

}  // namespace

const TextureObject& SoftwareBackend::texture_at(Handle texture) const {
  const auto found = texture_objects_.find(texture);
  if (found != texture_objects_.end()) return found->second;
  throw CallError(CUDA_ERROR_INVALID_VALUE, gpu_->textures().describe(texture));
}

void SoftwareBackend::clear_textures(Handle context) {
  std::erase_if(texture_objects_, [&](const auto& entry) {
    if (entry.second.context != context) return false;
    gpu_->textures().erase(entry.first);
    return true;
  });
}

software::Texture SoftwareBackend::texture_over_array(vgpu_texture description) {
  const ArrayObject& array = arrays_.at(description.array);
  description.format = array.description.format;
  description.channels = array.description.channels;
  description.width = array.description.width;
  require_plain_reading(description);
  software::Texture texture = texture_of(description);
  texture.shape = array.description.depth != 0    ? software::Texture::Shape::volume
                  : array.description.height != 0 ? software::Texture::Shape::plane
                                                  : software::Texture::Shape::line;
  texture.address = array.address;
  texture.height = row_count(array.description);
  texture.depth = slice_count(array.description);
  texture.pitch = array.pitch;
  return texture;
}

CUresult SoftwareBackend::vgpuTexObjectCreate(Handle current, Handle& texture,
                                              std::span<const std::byte> bytes) {
  require_context(current);
  const auto description = read_description<vgpu_texture>(bytes);
  check_reading(description);
  if (description.resource == CU_RESOURCE_TYPE_ARRAY) {
    texture = gpu_->textures().insert(texture_over_array(description));
  } else {
    const std::uint64_t extent = checked_extent(description, kTextureLimits);
    require_plain_reading(description);
    static_cast<void>(space_.readable(description.address, extent));
    texture = gpu_->textures().insert(texture_of(description));
  }
  texture_objects_.emplace(texture, TextureObject{current, description});
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuTexObjectDescription(Handle current, std::span<std::byte> description,
                                                   Handle texture) {
  require_context(current);
  write_description(texture_at(texture).description, description);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuTexObjectDestroy(Handle current, Handle texture) {
  require_context(current);
  static_cast<void>(texture_at(texture));
  gpu_->textures().erase(texture);
  texture_objects_.erase(texture);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
