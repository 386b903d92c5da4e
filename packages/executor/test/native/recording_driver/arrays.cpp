// The recording driver's arrays: objects without memory; a copy is a line.
#include "exported.h"

using namespace vgpu::executor::test;

CUresult cuArray3DCreate_v2(CUarray* array, const CUDA_ARRAY3D_DESCRIPTOR* wanted) {
  const CUresult result =
      record("cuArray3DCreate_v2", {{"width", wanted->Width},
                                    {"height", wanted->Height},
                                    {"depth", wanted->Depth},
                                    {"format", static_cast<std::uint64_t>(wanted->Format)},
                                    {"channels", wanted->NumChannels},
                                    {"flags", wanted->Flags}});
  if (result == CUDA_SUCCESS) *array = handle<CUarray>(create());
  return result;
}

CUresult cuArrayDestroy(CUarray array) {
  const CUresult result = record("cuArrayDestroy", {});
  return result == CUDA_SUCCESS ? forget(number(array)) : result;
}

CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* copy, CUstream) {
  return record("cuMemcpy3DAsync_v2", {{"from", static_cast<std::uint64_t>(copy->srcMemoryType)},
                                       {"x", copy->srcXInBytes},
                                       {"y", copy->srcY},
                                       {"z", copy->srcZ},
                                       {"to", static_cast<std::uint64_t>(copy->dstMemoryType)},
                                       {"x", copy->dstXInBytes},
                                       {"y", copy->dstY},
                                       {"z", copy->dstZ},
                                       {"width", copy->WidthInBytes},
                                       {"height", copy->Height},
                                       {"depth", copy->Depth}});
}
