// Texture objects. The structures of the API become one without unions; the executor decides about them.
#include <string.h>

#include "guest_api.h"
#include "log.h"
#include "transport/session.h"
#include "vgpu_protocol.h"

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

static CUresult describe_resource(const CUDA_RESOURCE_DESC* resource, struct vgpu_texture* texture) {
  if (resource->flags != 0) return CUDA_ERROR_INVALID_VALUE;
  texture->resource = (int32_t)resource->resType;
  switch (resource->resType) {
    case CU_RESOURCE_TYPE_LINEAR:
      texture->address = resource->res.linear.devPtr;
      texture->format = (int32_t)resource->res.linear.format;
      texture->channels = resource->res.linear.numChannels;
      texture->width = resource->res.linear.sizeInBytes;
      return CUDA_SUCCESS;
    case CU_RESOURCE_TYPE_PITCH2D:
      texture->address = resource->res.pitch2D.devPtr;
      texture->format = (int32_t)resource->res.pitch2D.format;
      texture->channels = resource->res.pitch2D.numChannels;
      texture->width = resource->res.pitch2D.width;
      texture->height = resource->res.pitch2D.height;
      texture->pitch = resource->res.pitch2D.pitchInBytes;
      return CUDA_SUCCESS;
    case CU_RESOURCE_TYPE_ARRAY:
      texture->array = (uint64_t)(uintptr_t)resource->res.array.hArray;
      return CUDA_SUCCESS;
    case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
      vgpu_log("textures over mipmapped arrays are not implemented");
      return CUDA_ERROR_NOT_SUPPORTED;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

static void describe_reading(const CUDA_TEXTURE_DESC* reading, struct vgpu_texture* texture) {
  for (int axis = 0; axis < 3; ++axis) texture->address_mode[axis] = (int32_t)reading->addressMode[axis];
  texture->filter_mode = (int32_t)reading->filterMode;
  texture->flags = reading->flags;
  texture->max_anisotropy = reading->maxAnisotropy;
  texture->mipmap_filter_mode = (int32_t)reading->mipmapFilterMode;
  texture->mipmap_level_bias = bits_of(reading->mipmapLevelBias);
  texture->min_mipmap_level = bits_of(reading->minMipmapLevelClamp);
  texture->max_mipmap_level = bits_of(reading->maxMipmapLevelClamp);
  for (int channel = 0; channel < 4; ++channel)
    texture->border_color[channel] = bits_of(reading->borderColor[channel]);
}

CUresult cuTexObjectCreate(CUtexObject* pTexObject, const CUDA_RESOURCE_DESC* pResDesc,
                           const CUDA_TEXTURE_DESC* pTexDesc, const CUDA_RESOURCE_VIEW_DESC* pResViewDesc) {
  struct vgpu_texture texture = {.address = 0};
  CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (pTexObject == NULL || pResDesc == NULL || pTexDesc == NULL) return CUDA_ERROR_INVALID_VALUE;
  result = describe_resource(pResDesc, &texture);
  if (result != CUDA_SUCCESS) return result;
  if (pResViewDesc != NULL) {
    // CUDA has views of arrays alone.
    vgpu_log("cuTexObjectCreate: resource views are not implemented");
    return pResDesc->resType == CU_RESOURCE_TYPE_ARRAY ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
  }
  describe_reading(pTexDesc, &texture);
  return vgpuTexObjectCreate(pTexObject, &texture, sizeof(texture));
}

CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC* pResDesc, CUtexObject texObject) {
  struct vgpu_texture texture;
  if (pResDesc == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuTexObjectDescription(&texture, sizeof(texture), texObject);
  if (result != CUDA_SUCCESS) return result;
  *pResDesc = (CUDA_RESOURCE_DESC){.resType = (CUresourcetype)texture.resource};
  if (texture.resource == CU_RESOURCE_TYPE_ARRAY) {
    pResDesc->res.array.hArray = (CUarray)(uintptr_t)texture.array;
  } else if (texture.resource == CU_RESOURCE_TYPE_LINEAR) {
    pResDesc->res.linear = (CUDA_RESOURCE_DESC_linear){
        .devPtr = texture.address,
        .format = (CUarray_format)texture.format,
        .numChannels = texture.channels,
        .sizeInBytes = texture.width,
    };
  } else {
    pResDesc->res.pitch2D = (CUDA_RESOURCE_DESC_pitch2D){
        .devPtr = texture.address,
        .format = (CUarray_format)texture.format,
        .numChannels = texture.channels,
        .width = texture.width,
        .height = texture.height,
        .pitchInBytes = texture.pitch,
    };
  }
  return CUDA_SUCCESS;
}

CUresult cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC* pTexDesc, CUtexObject texObject) {
  struct vgpu_texture texture;
  if (pTexDesc == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuTexObjectDescription(&texture, sizeof(texture), texObject);
  if (result != CUDA_SUCCESS) return result;
  *pTexDesc = (CUDA_TEXTURE_DESC){
      .filterMode = (CUfilter_mode)texture.filter_mode,
      .flags = texture.flags,
      .maxAnisotropy = texture.max_anisotropy,
      .mipmapFilterMode = (CUfilter_mode)texture.mipmap_filter_mode,
      .mipmapLevelBias = float_of(texture.mipmap_level_bias),
      .minMipmapLevelClamp = float_of(texture.min_mipmap_level),
      .maxMipmapLevelClamp = float_of(texture.max_mipmap_level),
  };
  for (int axis = 0; axis < 3; ++axis)
    pTexDesc->addressMode[axis] = (CUaddress_mode)texture.address_mode[axis];
  for (int channel = 0; channel < 4; ++channel)
    pTexDesc->borderColor[channel] = float_of(texture.border_color[channel]);
  return CUDA_SUCCESS;
}
