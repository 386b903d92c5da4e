// CUDA arrays: the structures that describe one become the form that travels.
#include "guest_api.h"
#include "transport/session.h"
#include "vgpu_protocol.h"

CUresult cuArray3DCreate_v2(CUarray* pHandle, const CUDA_ARRAY3D_DESCRIPTOR* pAllocateArray) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (pHandle == NULL || pAllocateArray == NULL) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_array array = {
      .width = pAllocateArray->Width,
      .height = pAllocateArray->Height,
      .depth = pAllocateArray->Depth,
      .format = (int32_t)pAllocateArray->Format,
      .channels = pAllocateArray->NumChannels,
      .flags = pAllocateArray->Flags,
  };
  return vgpuArrayCreate(pHandle, &array, sizeof(array));
}

CUresult cuArrayCreate_v2(CUarray* pHandle, const CUDA_ARRAY_DESCRIPTOR* pAllocateArray) {
  if (pAllocateArray == NULL) return cuArray3DCreate_v2(pHandle, NULL);
  const CUDA_ARRAY3D_DESCRIPTOR descriptor = {
      .Width = pAllocateArray->Width,
      .Height = pAllocateArray->Height,
      .Format = pAllocateArray->Format,
      .NumChannels = pAllocateArray->NumChannels,
  };
  return cuArray3DCreate_v2(pHandle, &descriptor);
}

CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR* pArrayDescriptor, CUarray hArray) {
  struct vgpu_array array;
  if (pArrayDescriptor == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuArrayDescription(&array, sizeof(array), hArray);
  if (result != CUDA_SUCCESS) return result;
  *pArrayDescriptor = (CUDA_ARRAY3D_DESCRIPTOR){
      .Width = array.width,
      .Height = array.height,
      .Depth = array.depth,
      .Format = (CUarray_format)array.format,
      .NumChannels = array.channels,
      .Flags = array.flags,
  };
  return CUDA_SUCCESS;
}

CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR* pArrayDescriptor, CUarray hArray) {
  CUDA_ARRAY3D_DESCRIPTOR descriptor;
  if (pArrayDescriptor == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = cuArray3DGetDescriptor_v2(&descriptor, hArray);
  if (result != CUDA_SUCCESS) return result;
  *pArrayDescriptor = (CUDA_ARRAY_DESCRIPTOR){
      .Width = descriptor.Width,
      .Height = descriptor.Height,
      .Format = descriptor.Format,
      .NumChannels = descriptor.NumChannels,
  };
  return CUDA_SUCCESS;
}
