// The memset family, and writing one value: fourteen names for one call.
#include "driver/fill.h"

#include "driver/context_stack.h"
#include "driver/graph/work.h"
#include "guest_api.h"
#include "transport/session.h"

CUresult vgpu_fill(const CUDA_MEMSET_NODE_PARAMS* fill, CUstream stream) {
  const unsigned int element_bytes = fill->elementSize;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (vgpu_context_current() == NULL) return CUDA_ERROR_INVALID_CONTEXT;
  if (element_bytes != 1 && element_bytes != 2 && element_bytes != 4) return CUDA_ERROR_INVALID_VALUE;
  if (fill->dst % element_bytes != 0 || fill->width > SIZE_MAX / element_bytes)
    return CUDA_ERROR_INVALID_VALUE;
  if (fill->height > 1 && (fill->pitch < fill->width * element_bytes || fill->pitch % element_bytes != 0))
    return CUDA_ERROR_INVALID_VALUE;
  if (fill->width == 0 || fill->height == 0) return CUDA_SUCCESS;
  return vgpuFill(fill->dst, fill->pitch, fill->value, element_bytes, fill->width, fill->height, stream);
}

static CUresult fill(CUdeviceptr destination, size_t pitch, unsigned int value, unsigned int element_bytes,
                     size_t width, size_t height, CUstream stream) {
  const struct vgpu_work work = {
      .type = CU_GRAPH_NODE_TYPE_MEMSET,
      .fill = {.dst = destination,
               .pitch = pitch,
               .value = value,
               .elementSize = element_bytes,
               .width = width,
               .height = height},
  };
  return vgpu_submit(&work, stream);
}

CUresult cuMemsetD8_v2(CUdeviceptr dstDevice, unsigned char uc, size_t N) {
  return fill(dstDevice, N, uc, 1, N, 1, NULL);
}

CUresult cuMemsetD16_v2(CUdeviceptr dstDevice, unsigned short us, size_t N) {
  return fill(dstDevice, N * 2, us, 2, N, 1, NULL);
}

CUresult cuMemsetD32_v2(CUdeviceptr dstDevice, unsigned int ui, size_t N) {
  return fill(dstDevice, N * 4, ui, 4, N, 1, NULL);
}

CUresult cuMemsetD2D8_v2(CUdeviceptr dstDevice, size_t dstPitch, unsigned char uc, size_t Width,
                         size_t Height) {
  return fill(dstDevice, dstPitch, uc, 1, Width, Height, NULL);
}

CUresult cuMemsetD2D16_v2(CUdeviceptr dstDevice, size_t dstPitch, unsigned short us, size_t Width,
                          size_t Height) {
  return fill(dstDevice, dstPitch, us, 2, Width, Height, NULL);
}

CUresult cuMemsetD2D32_v2(CUdeviceptr dstDevice, size_t dstPitch, unsigned int ui, size_t Width,
                          size_t Height) {
  return fill(dstDevice, dstPitch, ui, 4, Width, Height, NULL);
}

CUresult cuMemsetD8Async(CUdeviceptr dstDevice, unsigned char uc, size_t N, CUstream hStream) {
  return fill(dstDevice, N, uc, 1, N, 1, hStream);
}

CUresult cuMemsetD16Async(CUdeviceptr dstDevice, unsigned short us, size_t N, CUstream hStream) {
  return fill(dstDevice, N * 2, us, 2, N, 1, hStream);
}

CUresult cuMemsetD32Async(CUdeviceptr dstDevice, unsigned int ui, size_t N, CUstream hStream) {
  return fill(dstDevice, N * 4, ui, 4, N, 1, hStream);
}

CUresult cuMemsetD2D8Async(CUdeviceptr dstDevice, size_t dstPitch, unsigned char uc, size_t Width,
                           size_t Height, CUstream hStream) {
  return fill(dstDevice, dstPitch, uc, 1, Width, Height, hStream);
}

CUresult cuMemsetD2D16Async(CUdeviceptr dstDevice, size_t dstPitch, unsigned short us, size_t Width,
                            size_t Height, CUstream hStream) {
  return fill(dstDevice, dstPitch, us, 2, Width, Height, hStream);
}

CUresult cuMemsetD2D32Async(CUdeviceptr dstDevice, size_t dstPitch, unsigned int ui, size_t Width,
                            size_t Height, CUstream hStream) {
  return fill(dstDevice, dstPitch, ui, 4, Width, Height, hStream);
}

CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags) {
  // Without a barrier the write may come earlier than others, and need not.
  if (flags > CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER) return CUDA_ERROR_INVALID_VALUE;
  return fill(addr, sizeof(value), value, sizeof(value), 1, 1, stream);
}

CUresult cuStreamWriteValue32(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags) {
  return cuStreamWriteValue32_v2(stream, addr, value, flags);
}
