// Copies of one row. The asynchronous forms wait too: the caller may then do with its memory what it likes,
// which is what the API promises for memory that is not page-locked, and allows for memory that is.
#include "driver/copy.h"

#include <string.h>

#include "driver/address.h"
#include "driver/context_stack.h"
#include "driver/graph/work.h"
#include "guest_api.h"
#include "transport/program_memory.h"
#include "transport/session.h"
#include "vgpu_protocol.h"

static CUresult ready(void) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  return vgpu_context_current() == NULL ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

CUresult vgpu_copy_to_device(CUdeviceptr destination, const void* source, size_t bytes, CUstream stream) {
  CUresult result = ready();
  if (result == CUDA_SUCCESS) result = vgpu_program_memory_readable(source, bytes);
  for (size_t done = 0; done < bytes && result == CUDA_SUCCESS;) {
    const size_t piece = smaller(bytes - done, VGPU_COPY_TO_DEVICE_PIECE_BYTES);
    result = vgpuCopyToDevice(destination + done, (const char*)source + done, piece, bytes - done, stream);
    done += piece;
  }
  return result;
}

CUresult vgpu_copy_from_device(void* destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  CUresult result = ready();
  if (result == CUDA_SUCCESS) result = vgpu_program_memory_writable(destination, bytes);
  for (size_t done = 0; done < bytes && result == CUDA_SUCCESS;) {
    const size_t piece = smaller(bytes - done, VGPU_COPY_PIECE_BYTES);
    result = vgpuCopyFromDevice((char*)destination + done, source + done, piece, bytes - done, stream);
    done += piece;
  }
  return result;
}

static CUresult copy_on_device(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  const CUresult result = ready();
  if (result != CUDA_SUCCESS || bytes == 0) return result;
  return vgpuCopyOnDevice(destination, source, bytes, stream);
}

static CUresult copy_on_host(void* destination, const void* source, size_t bytes, CUstream stream) {
  // Work queued before may be what fills the source.
  const CUresult result = cuStreamSynchronize(stream);
  if (result == CUDA_SUCCESS) memmove(destination, source, bytes);
  return result;
}

static bool is_on_device(CUmemorytype type, CUdeviceptr address) {
  return type == CU_MEMORYTYPE_DEVICE ||
         (type == CU_MEMORYTYPE_UNIFIED && vgpu_is_device_address(address, NULL));
}

// A copy of one row, as the functions below describe it.
static CUresult copy_row(const CUDA_MEMCPY3D* copy, CUstream stream) {
  const size_t bytes = copy->WidthInBytes;
  const CUresult result = ready();
  if (result != CUDA_SUCCESS || bytes == 0) return result;
  const bool to_device = is_on_device(copy->dstMemoryType, copy->dstDevice);
  const bool from_device = is_on_device(copy->srcMemoryType, copy->srcDevice);
  // Both forms of the address are set.
  void* host_destination = copy->dstHost;
  const void* host_source = copy->srcHost;
  if (to_device && from_device) return copy_on_device(copy->dstDevice, copy->srcDevice, bytes, stream);
  if (to_device && host_source != NULL)
    return vgpu_copy_to_device(copy->dstDevice, host_source, bytes, stream);
  if (from_device && host_destination != NULL)
    return vgpu_copy_from_device(host_destination, copy->srcDevice, bytes, stream);
  if (host_source == NULL || host_destination == NULL) return CUDA_ERROR_INVALID_VALUE;
  return copy_on_host(host_destination, host_source, bytes, stream);
}

static CUresult submit_row(CUmemorytype destination_type, CUdeviceptr destination, CUmemorytype source_type,
                           CUdeviceptr source, size_t bytes, CUstream stream) {
  const struct vgpu_work work = {
      .type = CU_GRAPH_NODE_TYPE_MEMCPY,
      .copy = {.srcMemoryType = source_type,
               .srcDevice = source,
               .srcHost = (const void*)(uintptr_t)source,
               .dstMemoryType = destination_type,
               .dstDevice = destination,
               .dstHost = (void*)(uintptr_t)destination,
               .WidthInBytes = bytes,
               .Height = 1,
               .Depth = 1},
  };
  return vgpu_submit(&work, stream);
}

CUresult vgpu_copy(const CUDA_MEMCPY3D* copy, CUstream stream) {
  if (copy->srcMemoryType == CU_MEMORYTYPE_ARRAY || copy->dstMemoryType == CU_MEMORYTYPE_ARRAY)
    return vgpu_copy_array(copy, stream);
  const bool row = copy->Height == 1 && copy->Depth == 1 && copy->srcPitch == 0 && copy->dstPitch == 0 &&
                   (copy->srcXInBytes | copy->srcY | copy->srcZ | copy->srcLOD) == 0 &&
                   (copy->dstXInBytes | copy->dstY | copy->dstZ | copy->dstLOD) == 0;
  return row && copy->srcDevice == (uintptr_t)copy->srcHost && copy->dstDevice == (uintptr_t)copy->dstHost
             ? copy_row(copy, stream)
             : vgpu_copy_box(copy, stream);
}

CUresult cuMemcpy(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount) {
  return cuMemcpyAsync(dst, src, ByteCount, NULL);
}

CUresult cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount, CUstream hStream) {
  return submit_row(CU_MEMORYTYPE_UNIFIED, dst, CU_MEMORYTYPE_UNIFIED, src, ByteCount, hStream);
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr dstDevice, const void* srcHost, size_t ByteCount) {
  return cuMemcpyHtoDAsync_v2(dstDevice, srcHost, ByteCount, NULL);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr dstDevice, const void* srcHost, size_t ByteCount,
                              CUstream hStream) {
  return submit_row(CU_MEMORYTYPE_DEVICE, dstDevice, CU_MEMORYTYPE_HOST, (uintptr_t)srcHost, ByteCount,
                    hStream);
}

CUresult cuMemcpyDtoH_v2(void* dstHost, CUdeviceptr srcDevice, size_t ByteCount) {
  return cuMemcpyDtoHAsync_v2(dstHost, srcDevice, ByteCount, NULL);
}

CUresult cuMemcpyDtoHAsync_v2(void* dstHost, CUdeviceptr srcDevice, size_t ByteCount, CUstream hStream) {
  return submit_row(CU_MEMORYTYPE_HOST, (uintptr_t)dstHost, CU_MEMORYTYPE_DEVICE, srcDevice, ByteCount,
                    hStream);
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount) {
  return cuMemcpyDtoDAsync_v2(dstDevice, srcDevice, ByteCount, NULL);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount,
                              CUstream hStream) {
  return submit_row(CU_MEMORYTYPE_DEVICE, dstDevice, CU_MEMORYTYPE_DEVICE, srcDevice, ByteCount, hStream);
}
