// The recording driver's texture objects: small numbers, as a driver's may be.
#include "exported.h"

using namespace vgpu::executor::test;

CUresult cuTexObjectCreate(CUtexObject* texture, const CUDA_RESOURCE_DESC* resource,
                           const CUDA_TEXTURE_DESC* reading, const CUDA_RESOURCE_VIEW_DESC* view) {
  const bool is_linear = resource->resType == CU_RESOURCE_TYPE_LINEAR;
  const auto& plane = resource->res.pitch2D;
  const CUresult result =
      record("cuTexObjectCreate", {{"type", static_cast<std::uint64_t>(resource->resType)},
                                   {"format", static_cast<std::uint64_t>(plane.format)},
                                   {"channels", plane.numChannels},
                                   {"width", is_linear ? resource->res.linear.sizeInBytes : plane.width},
                                   {"height", is_linear ? 0 : plane.height},
                                   {"pitch", is_linear ? 0 : plane.pitchInBytes},
                                   {"mode", static_cast<std::uint64_t>(reading->addressMode[1])},
                                   {"filter", static_cast<std::uint64_t>(reading->filterMode)},
                                   {"flags", reading->flags},
                                   {"border", static_cast<std::uint64_t>(reading->borderColor[2])},
                                   {"view", number(view)}});
  if (result == CUDA_SUCCESS) *texture = create();
  return result;
}

CUresult cuTexObjectDestroy(CUtexObject texture) {
  const CUresult result = record("cuTexObjectDestroy", {{"texture", texture}});
  return result == CUDA_SUCCESS ? forget(texture) : result;
}
