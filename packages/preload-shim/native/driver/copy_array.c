// Copies from and to CUDA arrays, slice by slice, in pieces that fit a frame. The executor knows how large an
// array is, and refuses what does not lie in it.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "driver/address.h"
#include "driver/context_stack.h"
#include "driver/copy.h"
#include "driver/graph/work.h"
#include "guest_api.h"
#include "transport/session.h"
#include "vgpu_protocol.h"

struct side {
  CUarray array;  // NULL: memory
  bool on_device;
  uintptr_t address;  // of memory: where the box begins
  size_t pitch;
  size_t slice;  // bytes from one slice to the next
  size_t x, y, z;
};

static CUresult locate(CUmemorytype type, CUdeviceptr device, const void* host, CUarray array,
                       const size_t at[3], size_t pitch, size_t height, const CUDA_MEMCPY3D* copy,
                       struct side* side) {
  size_t rows;
  size_t offset;
  if (type == CU_MEMORYTYPE_ARRAY) {
    if (array == NULL) return CUDA_ERROR_INVALID_HANDLE;
    *side = (struct side){.array = array, .x = at[0], .y = at[1], .z = at[2]};
    return CUDA_SUCCESS;
  }
  if (type != CU_MEMORYTYPE_HOST && type != CU_MEMORYTYPE_DEVICE && type != CU_MEMORYTYPE_UNIFIED)
    return CUDA_ERROR_INVALID_VALUE;
  const bool on_device =
      type == CU_MEMORYTYPE_DEVICE || (type == CU_MEMORYTYPE_UNIFIED && vgpu_is_device_address(device, NULL));
  const uintptr_t base = type == CU_MEMORYTYPE_HOST ? (uintptr_t)host : (uintptr_t)device;
  if (base == 0) return CUDA_ERROR_INVALID_VALUE;
  // A single row needs no pitch, and a single slice no height.
  if (pitch == 0 && copy->Height <= 1 && copy->Depth <= 1) pitch = at[0] + copy->WidthInBytes;
  if (height == 0 && copy->Depth <= 1 && at[2] == 0) height = at[1] + copy->Height;
  if (pitch < at[0] || pitch - at[0] < copy->WidthInBytes || height < at[1] ||
      height - at[1] < copy->Height) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *side = (struct side){.on_device = on_device, .pitch = pitch};
  if (__builtin_mul_overflow(at[2], height, &rows) || __builtin_add_overflow(rows, at[1], &rows) ||
      __builtin_mul_overflow(rows, pitch, &offset) || __builtin_add_overflow(offset, at[0], &offset) ||
      __builtin_mul_overflow(height, pitch, &side->slice) ||
      __builtin_add_overflow(base, offset, &side->address)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

static CUresult send_rows(const struct side* from, const struct side* to, size_t z, size_t first, size_t rows,
                          size_t width, char* packed, CUstream stream) {
  const char* memory = (const char*)(from->address + z * from->slice + first * from->pitch);
  for (size_t row = 0; row < rows; ++row) memcpy(packed + row * width, memory + row * from->pitch, width);
  return vgpuCopyRowsToArray(to->array, to->x, to->y + first, to->z + z, packed, rows * width, width, rows,
                             stream);
}

static CUresult fetch_rows(const struct side* from, const struct side* to, size_t z, size_t first,
                           size_t rows, size_t width, char* packed, CUstream stream) {
  char* memory = (char*)(to->address + z * to->slice + first * to->pitch);
  const CUresult result = vgpuCopyRowsFromArray(packed, rows * width, from->array, from->x, from->y + first,
                                                from->z + z, width, rows, stream);
  if (result != CUDA_SUCCESS) return result;
  for (size_t row = 0; row < rows; ++row) memcpy(memory + row * to->pitch, packed + row * width, width);
  return CUDA_SUCCESS;
}

// That the whole of it lies in the array: nothing is to be written when it does not.
static CUresult check_array(const struct side* side, const CUDA_MEMCPY3D* copy) {
  CUDA_ARRAY3D_DESCRIPTOR array;
  if (side->array == NULL) return CUDA_SUCCESS;
  const CUresult result = cuArray3DGetDescriptor_v2(&array, side->array);
  if (result != CUDA_SUCCESS) return result;
  const size_t height = array.Height == 0 ? 1 : array.Height;
  const size_t depth = array.Depth == 0 ? 1 : array.Depth;
  const bool inside = side->y <= height && copy->Height <= height - side->y && side->z <= depth &&
                      copy->Depth <= depth - side->z;
  return inside ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult copy_with_host(const struct side* from, const struct side* to, const CUDA_MEMCPY3D* copy,
                               CUstream stream) {
  const size_t width = copy->WidthInBytes;
  // No row of an array is as wide as a piece.
  if (width > VGPU_COPY_PIECE_BYTES) return CUDA_ERROR_INVALID_VALUE;
  const size_t most = VGPU_COPY_PIECE_BYTES / width;
  const size_t at_once = copy->Height < most ? copy->Height : most;
  char* packed = malloc(at_once * width);
  if (packed == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  CUresult result = CUDA_SUCCESS;
  for (size_t z = 0; z < copy->Depth && result == CUDA_SUCCESS; ++z) {
    for (size_t first = 0; first < copy->Height && result == CUDA_SUCCESS; first += at_once) {
      const size_t left = copy->Height - first;
      const size_t rows = left < at_once ? left : at_once;
      result = to->array != NULL ? send_rows(from, to, z, first, rows, width, packed, stream)
                                 : fetch_rows(from, to, z, first, rows, width, packed, stream);
    }
  }
  free(packed);
  return result;
}

static CUresult copy_slice(const struct side* from, const struct side* to, size_t z,
                           const CUDA_MEMCPY3D* copy, CUstream stream) {
  const size_t width = copy->WidthInBytes;
  const size_t height = copy->Height;
  if (from->array != NULL && to->array != NULL) {
    return vgpuCopyArrayToArray(to->array, to->x, to->y, to->z + z, from->array, from->x, from->y,
                                from->z + z, width, height, stream);
  }
  if (to->array != NULL) {
    return vgpuCopyDeviceToArray(to->array, to->x, to->y, to->z + z, from->address + z * from->slice,
                                 from->pitch, width, height, stream);
  }
  return vgpuCopyArrayToDevice(to->address + z * to->slice, to->pitch, from->array, from->x, from->y,
                               from->z + z, width, height, stream);
}

CUresult vgpu_copy_array(const CUDA_MEMCPY3D* copy, CUstream stream) {
  struct side from;
  struct side to;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS && vgpu_context_current() == NULL) result = CUDA_ERROR_INVALID_CONTEXT;
  if (result != CUDA_SUCCESS) return result;
  if (copy->srcLOD != 0 || copy->dstLOD != 0) return CUDA_ERROR_INVALID_VALUE;
  const size_t source[] = {copy->srcXInBytes, copy->srcY, copy->srcZ};
  const size_t destination[] = {copy->dstXInBytes, copy->dstY, copy->dstZ};
  result = locate(copy->srcMemoryType, copy->srcDevice, copy->srcHost, copy->srcArray, source, copy->srcPitch,
                  copy->srcHeight, copy, &from);
  if (result != CUDA_SUCCESS) return result;
  result = locate(copy->dstMemoryType, copy->dstDevice, copy->dstHost, copy->dstArray, destination,
                  copy->dstPitch, copy->dstHeight, copy, &to);
  if (result == CUDA_SUCCESS) result = check_array(&from, copy);
  if (result == CUDA_SUCCESS) result = check_array(&to, copy);
  if (result != CUDA_SUCCESS || copy->WidthInBytes == 0 || copy->Height == 0 || copy->Depth == 0)
    return result;
  const bool with_host = (from.array == NULL && !from.on_device) || (to.array == NULL && !to.on_device);
  if (with_host) return copy_with_host(&from, &to, copy, stream);
  for (size_t z = 0; z < copy->Depth && result == CUDA_SUCCESS; ++z)
    result = copy_slice(&from, &to, z, copy, stream);
  return result;
}

// One row: what the functions below mean by an offset.
static CUresult submit_row(CUDA_MEMCPY3D copy, size_t bytes, CUstream stream) {
  copy.WidthInBytes = bytes;
  copy.Height = 1;
  copy.Depth = 1;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_MEMCPY, .copy = copy};
  return vgpu_submit(&work, stream);
}

CUresult cuMemcpyHtoA_v2(CUarray dstArray, size_t dstOffset, const void* srcHost, size_t ByteCount) {
  return cuMemcpyHtoAAsync_v2(dstArray, dstOffset, srcHost, ByteCount, NULL);
}

CUresult cuMemcpyHtoAAsync_v2(CUarray dstArray, size_t dstOffset, const void* srcHost, size_t ByteCount,
                              CUstream hStream) {
  return submit_row((CUDA_MEMCPY3D){.srcMemoryType = CU_MEMORYTYPE_HOST,
                                    .srcHost = srcHost,
                                    .dstMemoryType = CU_MEMORYTYPE_ARRAY,
                                    .dstArray = dstArray,
                                    .dstXInBytes = dstOffset},
                    ByteCount, hStream);
}

CUresult cuMemcpyAtoH_v2(void* dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount) {
  return cuMemcpyAtoHAsync_v2(dstHost, srcArray, srcOffset, ByteCount, NULL);
}

CUresult cuMemcpyAtoHAsync_v2(void* dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount,
                              CUstream hStream) {
  return submit_row((CUDA_MEMCPY3D){.srcMemoryType = CU_MEMORYTYPE_ARRAY,
                                    .srcArray = srcArray,
                                    .srcXInBytes = srcOffset,
                                    .dstMemoryType = CU_MEMORYTYPE_HOST,
                                    .dstHost = dstHost},
                    ByteCount, hStream);
}

CUresult cuMemcpyDtoA_v2(CUarray dstArray, size_t dstOffset, CUdeviceptr srcDevice, size_t ByteCount) {
  return submit_row((CUDA_MEMCPY3D){.srcMemoryType = CU_MEMORYTYPE_DEVICE,
                                    .srcDevice = srcDevice,
                                    .dstMemoryType = CU_MEMORYTYPE_ARRAY,
                                    .dstArray = dstArray,
                                    .dstXInBytes = dstOffset},
                    ByteCount, NULL);
}

CUresult cuMemcpyAtoD_v2(CUdeviceptr dstDevice, CUarray srcArray, size_t srcOffset, size_t ByteCount) {
  return submit_row((CUDA_MEMCPY3D){.srcMemoryType = CU_MEMORYTYPE_ARRAY,
                                    .srcArray = srcArray,
                                    .srcXInBytes = srcOffset,
                                    .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                                    .dstDevice = dstDevice},
                    ByteCount, NULL);
}

CUresult cuMemcpyAtoA_v2(CUarray dstArray, size_t dstOffset, CUarray srcArray, size_t srcOffset,
                         size_t ByteCount) {
  return submit_row((CUDA_MEMCPY3D){.srcMemoryType = CU_MEMORYTYPE_ARRAY,
                                    .srcArray = srcArray,
                                    .srcXInBytes = srcOffset,
                                    .dstMemoryType = CU_MEMORYTYPE_ARRAY,
                                    .dstArray = dstArray,
                                    .dstXInBytes = dstOffset},
                    ByteCount, NULL);
}
