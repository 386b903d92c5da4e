// Copies of rectangles. On the wire rows are packed, so that padding does not travel.
#include <stdlib.h>
#include <string.h>

#include "driver/address.h"
#include "driver/context_stack.h"
#include "driver/copy.h"
#include "driver/graph/work.h"
#include "guest_api.h"
#include "transport/program_memory.h"
#include "transport/session.h"
#include "vgpu_protocol.h"

struct side {
  bool on_device;
  CUdeviceptr device;
  char* host;  // of the source it is only read
  size_t pitch;
};

struct rectangle {
  struct side source;
  struct side destination;
  size_t width;
  size_t height;
  CUstream stream;
};

static CUresult locate(CUmemorytype type, CUdeviceptr device, const void* host, size_t x, size_t y,
                       size_t pitch, const CUDA_MEMCPY2D* copy, struct side* side) {
  switch (type) {
    case CU_MEMORYTYPE_HOST:
      *side = (struct side){.on_device = false, .host = (char*)(uintptr_t)host};
      break;
    case CU_MEMORYTYPE_DEVICE:
      *side = (struct side){.on_device = true, .device = device};
      break;
    case CU_MEMORYTYPE_UNIFIED:
      *side = (struct side){
          .on_device = vgpu_is_device_address(device, NULL),
          .device = device,
          .host = (char*)(uintptr_t)device,
      };
      break;
    default:  // arrays have been told apart before
      return CUDA_ERROR_INVALID_VALUE;
  }
  // A single row needs no pitch.
  if (pitch == 0 && copy->Height <= 1) pitch = x + copy->WidthInBytes;
  if (pitch < x || pitch - x < copy->WidthInBytes) return CUDA_ERROR_INVALID_VALUE;
  if (!side->on_device && side->host == NULL && copy->WidthInBytes != 0 && copy->Height != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  side->pitch = pitch;
  if (side->on_device) {
    side->device += y * pitch + x;
  } else if (side->host != NULL) {
    side->host += y * pitch + x;
  }
  return CUDA_SUCCESS;
}

// Rows too wide for one frame.
static CUresult copy_wide_rows(const struct rectangle* rectangle) {
  CUresult result = CUDA_SUCCESS;
  for (size_t row = 0; row < rectangle->height && result == CUDA_SUCCESS; ++row) {
    const struct side* source = &rectangle->source;
    const struct side* destination = &rectangle->destination;
    if (destination->on_device) {
      result = vgpu_copy_to_device(destination->device + row * destination->pitch,
                                   source->host + row * source->pitch, rectangle->width, rectangle->stream);
    } else {
      result =
          vgpu_copy_from_device(destination->host + row * destination->pitch,
                                source->device + row * source->pitch, rectangle->width, rectangle->stream);
    }
  }
  return result;
}

static CUresult send_rows(const struct rectangle* rectangle, size_t first, size_t rows, char* packed) {
  const struct side* source = &rectangle->source;
  const struct side* destination = &rectangle->destination;
  const size_t width = rectangle->width;
  const char* from = source->host + first * source->pitch;
  if (packed != NULL) {
    for (size_t row = 0; row < rows; ++row) memcpy(packed + row * width, from + row * source->pitch, width);
    from = packed;
  } else {
    const CUresult readable = vgpu_program_memory_readable(from, rows * width);
    if (readable != CUDA_SUCCESS) return readable;
  }
  return vgpuCopyRowsToDevice(destination->device + first * destination->pitch, destination->pitch, from,
                              rows * width, width, rows, rectangle->stream);
}

static CUresult fetch_rows(const struct rectangle* rectangle, size_t first, size_t rows, char* packed) {
  const struct side* source = &rectangle->source;
  const struct side* destination = &rectangle->destination;
  const size_t width = rectangle->width;
  char* to = destination->host + first * destination->pitch;
  CUresult result = packed != NULL ? CUDA_SUCCESS : vgpu_program_memory_writable(to, rows * width);
  if (result != CUDA_SUCCESS) return result;
  result = vgpuCopyRowsFromDevice(packed != NULL ? packed : to, rows * width,
                                  source->device + first * source->pitch, source->pitch, width, rows,
                                  rectangle->stream);
  if (result != CUDA_SUCCESS || packed == NULL) return result;
  for (size_t row = 0; row < rows; ++row) memcpy(to + row * destination->pitch, packed + row * width, width);
  return CUDA_SUCCESS;
}

static CUresult copy_between_host_and_device(const struct rectangle* rectangle) {
  const size_t width = rectangle->width;
  if (width > VGPU_COPY_PIECE_BYTES) return copy_wide_rows(rectangle);
  const bool to_device = rectangle->destination.on_device;
  const size_t host_pitch = to_device ? rectangle->source.pitch : rectangle->destination.pitch;
  const size_t most_rows = VGPU_COPY_PIECE_BYTES / width;
  const size_t rows_at_once = rectangle->height < most_rows ? rectangle->height : most_rows;
  char* packed = NULL;
  // Without gaps the host's memory is already what travels.
  if (host_pitch != width) {
    packed = malloc(rows_at_once * width);
    if (packed == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  }
  CUresult result = CUDA_SUCCESS;
  for (size_t first = 0; first < rectangle->height && result == CUDA_SUCCESS; first += rows_at_once) {
    const size_t left = rectangle->height - first;
    const size_t rows = left < rows_at_once ? left : rows_at_once;
    result =
        to_device ? send_rows(rectangle, first, rows, packed) : fetch_rows(rectangle, first, rows, packed);
  }
  free(packed);
  return result;
}

static CUresult copy_on_host(const struct rectangle* rectangle) {
  const struct side* source = &rectangle->source;
  const struct side* destination = &rectangle->destination;
  const CUresult result = cuStreamSynchronize(rectangle->stream);
  if (result != CUDA_SUCCESS) return result;
  for (size_t row = 0; row < rectangle->height; ++row) {
    memmove(destination->host + row * destination->pitch, source->host + row * source->pitch,
            rectangle->width);
  }
  return CUDA_SUCCESS;
}

CUresult vgpu_copy_rows(const CUDA_MEMCPY2D* copy, CUstream stream) {
  struct rectangle rectangle = {.width = 0};
  if (copy == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS && vgpu_context_current() == NULL) result = CUDA_ERROR_INVALID_CONTEXT;
  if (result != CUDA_SUCCESS) return result;
  rectangle.width = copy->WidthInBytes;
  rectangle.height = copy->Height;
  rectangle.stream = stream;
  result = locate(copy->srcMemoryType, copy->srcDevice, copy->srcHost, copy->srcXInBytes, copy->srcY,
                  copy->srcPitch, copy, &rectangle.source);
  if (result != CUDA_SUCCESS) return result;
  result = locate(copy->dstMemoryType, copy->dstDevice, copy->dstHost, copy->dstXInBytes, copy->dstY,
                  copy->dstPitch, copy, &rectangle.destination);
  if (result != CUDA_SUCCESS || rectangle.width == 0 || rectangle.height == 0) return result;

  const struct side* source = &rectangle.source;
  const struct side* destination = &rectangle.destination;
  if (source->on_device && destination->on_device) {
    return vgpuCopyRowsOnDevice(destination->device, destination->pitch, source->device, source->pitch,
                                rectangle.width, rectangle.height, stream);
  }
  if (!source->on_device && !destination->on_device) return copy_on_host(&rectangle);
  return copy_between_host_and_device(&rectangle);
}

static CUresult submit_rows(const CUDA_MEMCPY2D* copy, CUstream stream) {
  if (copy == NULL) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_work work = {
      .type = CU_GRAPH_NODE_TYPE_MEMCPY,
      .copy = {.srcXInBytes = copy->srcXInBytes,
               .srcY = copy->srcY,
               .srcMemoryType = copy->srcMemoryType,
               .srcHost = copy->srcHost,
               .srcDevice = copy->srcDevice,
               .srcArray = copy->srcArray,
               .srcPitch = copy->srcPitch,
               .dstXInBytes = copy->dstXInBytes,
               .dstY = copy->dstY,
               .dstMemoryType = copy->dstMemoryType,
               .dstHost = copy->dstHost,
               .dstDevice = copy->dstDevice,
               .dstArray = copy->dstArray,
               .dstPitch = copy->dstPitch,
               .WidthInBytes = copy->WidthInBytes,
               .Height = copy->Height,
               .Depth = 1},
  };
  return vgpu_submit(&work, stream);
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* pCopy) {
  return submit_rows(pCopy, NULL);
}

CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* pCopy) {
  return submit_rows(pCopy, NULL);
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* pCopy, CUstream hStream) {
  return submit_rows(pCopy, hStream);
}
