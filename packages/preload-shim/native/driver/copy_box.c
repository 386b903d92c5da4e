// Copies of boxes: slices of rows. A slice is a copy of rows that begins further down.
#include <stddef.h>

#include "driver/address.h"
#include "driver/context_stack.h"
#include "driver/copy.h"
#include "driver/graph/work.h"
#include "guest_api.h"
#include "transport/session.h"

struct side {
  CUmemorytype type;
  CUdeviceptr device;
  size_t x;
  size_t first_row;  // counted from the box's origin, over all slices
  size_t pitch;
  size_t height;  // rows from one slice to the next
};

static CUresult locate(CUmemorytype type, CUdeviceptr device, size_t x, size_t y, size_t z, size_t pitch,
                       size_t height, const CUDA_MEMCPY3D* copy, struct side* side) {
  size_t first_row;
  if (height == 0 && copy->Depth <= 1 && z == 0) height = y + copy->Height;
  // Slices that overlap, or begin behind the end of one.
  if (height < y || height - y < copy->Height) return CUDA_ERROR_INVALID_VALUE;
  if (__builtin_mul_overflow(z, height, &first_row) || __builtin_add_overflow(first_row, y, &first_row))
    return CUDA_ERROR_INVALID_VALUE;
  *side = (struct side){
      .type = type, .device = device, .x = x, .first_row = first_row, .pitch = pitch, .height = height};
  return CUDA_SUCCESS;
}

// That all slices lie in one allocation: nothing is to be written when they do not.
static CUresult check_range(const struct side* side, const CUDA_MEMCPY3D* copy) {
  size_t start;
  size_t bytes;
  const bool on_device = side->type == CU_MEMORYTYPE_DEVICE ||
                         (side->type == CU_MEMORYTYPE_UNIFIED && vgpu_is_device_address(side->device, NULL));
  if (!on_device) return CUDA_SUCCESS;
  if (__builtin_mul_overflow(side->first_row, side->pitch, &start) ||
      __builtin_mul_overflow(copy->Depth - 1, side->height, &bytes) ||
      __builtin_add_overflow(bytes, copy->Height - 1, &bytes) ||
      __builtin_mul_overflow(bytes, side->pitch, &bytes) ||
      __builtin_add_overflow(bytes, copy->WidthInBytes, &bytes)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  return vgpuRequireRange(side->device + start + side->x, bytes);
}

static CUresult copy_slice(const CUDA_MEMCPY3D* copy, const struct side* source,
                           const struct side* destination, size_t slice, size_t rows, CUstream stream) {
  const CUDA_MEMCPY2D part = {
      .srcXInBytes = source->x,
      .srcY = source->first_row + slice * source->height,
      .srcMemoryType = copy->srcMemoryType,
      .srcHost = copy->srcHost,
      .srcDevice = copy->srcDevice,
      .srcArray = copy->srcArray,
      .srcPitch = source->pitch,
      .dstXInBytes = destination->x,
      .dstY = destination->first_row + slice * destination->height,
      .dstMemoryType = copy->dstMemoryType,
      .dstHost = copy->dstHost,
      .dstDevice = copy->dstDevice,
      .dstArray = copy->dstArray,
      .dstPitch = destination->pitch,
      .WidthInBytes = copy->WidthInBytes,
      .Height = rows,
  };
  return vgpu_copy_rows(&part, stream);
}

CUresult vgpu_copy_box(const CUDA_MEMCPY3D* copy, CUstream stream) {
  struct side source;
  struct side destination;
  size_t all_rows;
  if (copy->srcLOD != 0 || copy->dstLOD != 0) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS && vgpu_context_current() == NULL) result = CUDA_ERROR_INVALID_CONTEXT;
  if (result != CUDA_SUCCESS) return result;
  result = locate(copy->srcMemoryType, copy->srcDevice, copy->srcXInBytes, copy->srcY, copy->srcZ,
                  copy->srcPitch, copy->srcHeight, copy, &source);
  if (result != CUDA_SUCCESS) return result;
  result = locate(copy->dstMemoryType, copy->dstDevice, copy->dstXInBytes, copy->dstY, copy->dstZ,
                  copy->dstPitch, copy->dstHeight, copy, &destination);
  if (result != CUDA_SUCCESS || copy->WidthInBytes == 0 || copy->Height == 0 || copy->Depth == 0)
    return result;

  // Slices without a gap on either side are one.
  const bool joined = source.height == copy->Height && destination.height == copy->Height;
  if (copy->Depth == 1 || joined) {
    if (__builtin_mul_overflow(copy->Height, copy->Depth, &all_rows)) return CUDA_ERROR_INVALID_VALUE;
    return copy_slice(copy, &source, &destination, 0, all_rows, stream);
  }
  result = check_range(&source, copy);
  if (result == CUDA_SUCCESS) result = check_range(&destination, copy);
  for (size_t slice = 0; slice < copy->Depth && result == CUDA_SUCCESS; ++slice) {
    result = copy_slice(copy, &source, &destination, slice, copy->Height, stream);
  }
  return result;
}

CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D* pCopy) {
  return cuMemcpy3DAsync_v2(pCopy, NULL);
}

CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* pCopy, CUstream hStream) {
  if (pCopy == NULL) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_MEMCPY, .copy = *pCopy};
  return vgpu_submit(&work, hStream);
}
