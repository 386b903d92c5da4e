// Texture objects, in the structures of the runtime API.
#include "runtime/texture.h"

#include <stdbool.h>

#include "guest_api.h"
#include "runtime/cuda12.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

cudaError_t vgpu_runtime_format(const struct cudaChannelFormatDesc* desc, CUarray_format* format,
                                unsigned int* channels) {
  const int bits[] = {desc->x, desc->y, desc->z, desc->w};
  unsigned int count = 0;
  while (count < 4 && bits[count] != 0) ++count;
  // Channels are equally wide, and none follows a missing one.
  for (unsigned int i = 0; i < 4; ++i) {
    if (bits[i] != (i < count ? desc->x : 0)) return cudaErrorInvalidChannelDescriptor;
  }
  const bool is_signed = desc->f == cudaChannelFormatKindSigned;
  const bool is_float = desc->f == cudaChannelFormatKindFloat;
  if (!is_signed && !is_float && desc->f != cudaChannelFormatKindUnsigned)
    return cudaErrorInvalidChannelDescriptor;
  if (desc->x == 8 && !is_float) {
    *format = is_signed ? CU_AD_FORMAT_SIGNED_INT8 : CU_AD_FORMAT_UNSIGNED_INT8;
  } else if (desc->x == 16) {
    *format = is_float    ? CU_AD_FORMAT_HALF
              : is_signed ? CU_AD_FORMAT_SIGNED_INT16
                          : CU_AD_FORMAT_UNSIGNED_INT16;
  } else if (desc->x == 32) {
    *format = is_float    ? CU_AD_FORMAT_FLOAT
              : is_signed ? CU_AD_FORMAT_SIGNED_INT32
                          : CU_AD_FORMAT_UNSIGNED_INT32;
  } else {
    return cudaErrorInvalidChannelDescriptor;
  }
  *channels = count;
  return cudaSuccess;
}

struct cudaChannelFormatDesc vgpu_runtime_channels(CUarray_format format, unsigned int channels) {
  const bool is_byte = format == CU_AD_FORMAT_UNSIGNED_INT8 || format == CU_AD_FORMAT_SIGNED_INT8;
  const bool is_word = format == CU_AD_FORMAT_UNSIGNED_INT32 || format == CU_AD_FORMAT_SIGNED_INT32 ||
                       format == CU_AD_FORMAT_FLOAT;
  const int bits = is_byte ? 8 : is_word ? 32 : 16;
  const bool is_float = format == CU_AD_FORMAT_HALF || format == CU_AD_FORMAT_FLOAT;
  const bool is_signed = format == CU_AD_FORMAT_SIGNED_INT8 || format == CU_AD_FORMAT_SIGNED_INT16 ||
                         format == CU_AD_FORMAT_SIGNED_INT32;
  return (struct cudaChannelFormatDesc){
      .x = bits,
      .y = channels > 1 ? bits : 0,
      .z = channels > 2 ? bits : 0,
      .w = channels > 3 ? bits : 0,
      .f = is_float    ? cudaChannelFormatKindFloat
           : is_signed ? cudaChannelFormatKindSigned
                       : cudaChannelFormatKindUnsigned,
  };
}

// Of the structure nothing but the member that its type names is read: that of CUDA 12 is shorter.
static cudaError_t driver_resource(const struct cudaResourceDesc* given, CUDA_RESOURCE_DESC* resource) {
  *resource = (CUDA_RESOURCE_DESC){.resType = (CUresourcetype)given->resType};
  if (given->resType == cudaResourceTypeArray) {
    resource->res.array.hArray = (CUarray)(void*)given->res.array.array;
    return cudaSuccess;
  }
  if (given->resType == cudaResourceTypeLinear) {
    CUDA_RESOURCE_DESC_linear* linear = &resource->res.linear;
    linear->devPtr = (CUdeviceptr)(uintptr_t)given->res.linear.devPtr;
    linear->sizeInBytes = given->res.linear.sizeInBytes;
    return vgpu_runtime_format(&given->res.linear.desc, &linear->format, &linear->numChannels);
  }
  if (given->resType == cudaResourceTypePitch2D) {
    CUDA_RESOURCE_DESC_pitch2D* plane = &resource->res.pitch2D;
    plane->devPtr = (CUdeviceptr)(uintptr_t)given->res.pitch2D.devPtr;
    plane->width = given->res.pitch2D.width;
    plane->height = given->res.pitch2D.height;
    plane->pitchInBytes = given->res.pitch2D.pitchInBytes;
    return vgpu_runtime_format(&given->res.pitch2D.desc, &plane->format, &plane->numChannels);
  }
  return cudaSuccess;  // the driver's call knows what to say
}

// Linear memory has no filter. What is no array is the driver's call to tell.
static CUarray_format filtered_format(const CUDA_RESOURCE_DESC* resource) {
  CUDA_ARRAY3D_DESCRIPTOR array;
  if (resource->resType == CU_RESOURCE_TYPE_PITCH2D) return resource->res.pitch2D.format;
  if (resource->resType != CU_RESOURCE_TYPE_ARRAY) return CU_AD_FORMAT_FLOAT;
  const CUresult result = cuArray3DGetDescriptor_v2(&array, resource->res.array.hArray);
  return result == CUDA_SUCCESS ? array.Format : CU_AD_FORMAT_FLOAT;
}

static bool is_narrow_integer(CUarray_format format) {
  return format == CU_AD_FORMAT_UNSIGNED_INT8 || format == CU_AD_FORMAT_SIGNED_INT8 ||
         format == CU_AD_FORMAT_UNSIGNED_INT16 || format == CU_AD_FORMAT_SIGNED_INT16;
}

static CUDA_TEXTURE_DESC driver_reading(const struct cudaTextureDesc* given) {
  CUDA_TEXTURE_DESC reading = {
      .filterMode = (CUfilter_mode)given->filterMode,
      .flags = (given->readMode == cudaReadModeElementType ? CU_TRSF_READ_AS_INTEGER : 0U) |
               (given->normalizedCoords != 0 ? CU_TRSF_NORMALIZED_COORDINATES : 0U) |
               (given->sRGB != 0 ? CU_TRSF_SRGB : 0U) |
               (given->disableTrilinearOptimization != 0 ? CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION : 0U) |
               (given->seamlessCubemap != 0 ? CU_TRSF_SEAMLESS_CUBEMAP : 0U),
      .maxAnisotropy = given->maxAnisotropy,
      .mipmapFilterMode = (CUfilter_mode)given->mipmapFilterMode,
      .mipmapLevelBias = given->mipmapLevelBias,
      .minMipmapLevelClamp = given->minMipmapLevelClamp,
      .maxMipmapLevelClamp = given->maxMipmapLevelClamp,
  };
  for (int axis = 0; axis < 3; ++axis) reading.addressMode[axis] = (CUaddress_mode)given->addressMode[axis];
  for (int channel = 0; channel < 4; ++channel) reading.borderColor[channel] = given->borderColor[channel];
  return reading;
}

static cudaError_t create(cudaTextureObject_t* texture, const struct cudaResourceDesc* given,
                          const struct cudaTextureDesc* reading, bool has_view) {
  CUDA_RESOURCE_DESC resource;
  if (texture == NULL || given == NULL || reading == NULL) return cudaErrorInvalidValue;
  if ((unsigned int)reading->readMode > cudaReadModeNormalizedFloat) return cudaErrorInvalidValue;
  const CUresult entered = vgpu_runtime_enter();
  if (entered != CUDA_SUCCESS) return vgpu_runtime_code(entered);
  const cudaError_t error = driver_resource(given, &resource);
  if (error != cudaSuccess) return error;
  // The runtime knows what the driver leaves open: only what is read as floats has a filter.
  if (reading->filterMode == cudaFilterModeLinear && reading->readMode == cudaReadModeElementType &&
      is_narrow_integer(filtered_format(&resource)))
    return cudaErrorInvalidFilterSetting;
  const CUDA_TEXTURE_DESC driver = driver_reading(reading);
  const CUDA_RESOURCE_VIEW_DESC view = {.format = CU_RES_VIEW_FORMAT_NONE};
  return vgpu_runtime_code(cuTexObjectCreate(texture, &resource, &driver, has_view ? &view : NULL));
}

cudaError_t cudaCreateTextureObject(cudaTextureObject_t* pTexObject, const struct cudaResourceDesc* pResDesc,
                                    const struct cudaTextureDesc* pTexDesc,
                                    const struct cudaResourceViewDesc* pResViewDesc) {
  if (pResDesc != NULL && pResDesc->flags != 0) return vgpu_runtime_result(cudaErrorInvalidValue);
  return vgpu_runtime_result(create(pTexObject, pResDesc, pTexDesc, pResViewDesc != NULL));
}

cudaError_t vgpu_cuda12_create_texture_object(cudaTextureObject_t* pTexObject,
                                              const struct cudaResourceDesc* pResDesc,
                                              const struct cudaTextureDesc* pTexDesc,
                                              const struct cudaResourceViewDesc* pResViewDesc) {
  return vgpu_runtime_result(create(pTexObject, pResDesc, pTexDesc, pResViewDesc != NULL));
}

cudaError_t cudaDestroyTextureObject(cudaTextureObject_t texObject) {
  const CUresult entered = vgpu_runtime_enter();
  return vgpu_runtime_from_driver(entered == CUDA_SUCCESS ? cuTexObjectDestroy(texObject) : entered);
}

static CUresult resource_of(struct cudaResourceDesc* asked, cudaTextureObject_t texture) {
  CUDA_RESOURCE_DESC resource;
  CUresult result = vgpu_runtime_enter();
  if (asked == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (result == CUDA_SUCCESS) result = cuTexObjectGetResourceDesc(&resource, texture);
  if (result != CUDA_SUCCESS) return result;
  asked->resType = (enum cudaResourceType)resource.resType;
  if (resource.resType == CU_RESOURCE_TYPE_ARRAY) {
    asked->res.array.array = (cudaArray_t)(void*)resource.res.array.hArray;
  } else if (resource.resType == CU_RESOURCE_TYPE_LINEAR) {
    const CUDA_RESOURCE_DESC_linear* linear = &resource.res.linear;
    asked->res.linear = (cudaResourceDesc_linear){
        .devPtr = (void*)(uintptr_t)linear->devPtr,
        .desc = vgpu_runtime_channels(linear->format, linear->numChannels),
        .sizeInBytes = linear->sizeInBytes,
    };
  } else {
    const CUDA_RESOURCE_DESC_pitch2D* plane = &resource.res.pitch2D;
    asked->res.pitch2D = (cudaResourceDesc_pitch2D){
        .devPtr = (void*)(uintptr_t)plane->devPtr,
        .desc = vgpu_runtime_channels(plane->format, plane->numChannels),
        .width = plane->width,
        .height = plane->height,
        .pitchInBytes = plane->pitchInBytes,
    };
  }
  return CUDA_SUCCESS;
}

cudaError_t cudaGetTextureObjectResourceDesc(struct cudaResourceDesc* pResDesc,
                                             cudaTextureObject_t texObject) {
  const CUresult result = resource_of(pResDesc, texObject);
  if (result == CUDA_SUCCESS) pResDesc->flags = 0;
  return vgpu_runtime_from_driver(result);
}

// Its structure ends before the flags.
cudaError_t vgpu_cuda12_get_texture_object_resource_desc(struct cudaResourceDesc* pResDesc,
                                                         cudaTextureObject_t texObject) {
  return vgpu_runtime_from_driver(resource_of(pResDesc, texObject));
}

cudaError_t cudaGetTextureObjectTextureDesc(struct cudaTextureDesc* pTexDesc, cudaTextureObject_t texObject) {
  CUDA_TEXTURE_DESC reading;
  CUresult result = vgpu_runtime_enter();
  if (pTexDesc == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  if (result == CUDA_SUCCESS) result = cuTexObjectGetTextureDesc(&reading, texObject);
  if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  const unsigned int flags = reading.flags;
  *pTexDesc = (struct cudaTextureDesc){
      .filterMode = (enum cudaTextureFilterMode)reading.filterMode,
      .readMode =
          (flags & CU_TRSF_READ_AS_INTEGER) != 0 ? cudaReadModeElementType : cudaReadModeNormalizedFloat,
      .sRGB = (flags & CU_TRSF_SRGB) != 0,
      .normalizedCoords = (flags & CU_TRSF_NORMALIZED_COORDINATES) != 0,
      .maxAnisotropy = reading.maxAnisotropy,
      .mipmapFilterMode = (enum cudaTextureFilterMode)reading.mipmapFilterMode,
      .mipmapLevelBias = reading.mipmapLevelBias,
      .minMipmapLevelClamp = reading.minMipmapLevelClamp,
      .maxMipmapLevelClamp = reading.maxMipmapLevelClamp,
      .disableTrilinearOptimization = (flags & CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION) != 0,
      .seamlessCubemap = (flags & CU_TRSF_SEAMLESS_CUBEMAP) != 0,
  };
  for (int axis = 0; axis < 3; ++axis)
    pTexDesc->addressMode[axis] = (enum cudaTextureAddressMode)reading.addressMode[axis];
  for (int channel = 0; channel < 4; ++channel) pTexDesc->borderColor[channel] = reading.borderColor[channel];
  return cudaSuccess;
}
