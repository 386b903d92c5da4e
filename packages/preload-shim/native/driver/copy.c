// Copies of one row. The asynchronous forms wait too: the caller may then do with its memory what it likes,
// which is what the API promises for memory that is not page-locked, and allows for memory that is.
#include "driver/copy.h"

#include <string.h>

#include "driver/address.h"
#include "driver/context_stack.h"
#include "guest_api.h"
#include "transport/session.h"
#include "vgpu_protocol.h"

static CUresult ready(void) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  return vgpu_context_current() == NULL ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}

static size_t piece_of(size_t remaining) {
  return remaining < VGPU_COPY_PIECE_BYTES ? remaining : VGPU_COPY_PIECE_BYTES;
}

CUresult vgpu_copy_to_device(CUdeviceptr destination, const void* source, size_t bytes, CUstream stream) {
  CUresult result = ready();
  for (size_t done = 0; done < bytes && result == CUDA_SUCCESS;) {
    const size_t piece = piece_of(bytes - done);
    result = vgpuCopyToDevice(destination + done, (const char*)source + done, piece, bytes - done, stream);
    done += piece;
  }
  return result;
}

CUresult vgpu_copy_from_device(void* destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  CUresult result = ready();
  for (size_t done = 0; done < bytes && result == CUDA_SUCCESS;) {
    const size_t piece = piece_of(bytes - done);
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

// Either address may be the host's or a device's.
static CUresult copy_unified(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  const CUresult result = ready();
  if (result != CUDA_SUCCESS || bytes == 0) return result;
  const bool to_device = vgpu_is_device_address(destination, NULL);
  const bool from_device = vgpu_is_device_address(source, NULL);
  void* host_destination = (void*)(uintptr_t)destination;
  const void* host_source = (const void*)(uintptr_t)source;
  if (to_device && from_device) return copy_on_device(destination, source, bytes, stream);
  if (to_device && host_source != NULL) return vgpu_copy_to_device(destination, host_source, bytes, stream);
  if (from_device && host_destination != NULL)
    return vgpu_copy_from_device(host_destination, source, bytes, stream);
  if (host_source == NULL || host_destination == NULL) return CUDA_ERROR_INVALID_VALUE;
  return copy_on_host(host_destination, host_source, bytes, stream);
}

CUresult cuMemcpy(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount) {
  return copy_unified(dst, src, ByteCount, NULL);
}

CUresult cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount, CUstream hStream) {
  return copy_unified(dst, src, ByteCount, hStream);
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr dstDevice, const void* srcHost, size_t ByteCount) {
  return vgpu_copy_to_device(dstDevice, srcHost, ByteCount, NULL);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr dstDevice, const void* srcHost, size_t ByteCount,
                              CUstream hStream) {
  return vgpu_copy_to_device(dstDevice, srcHost, ByteCount, hStream);
}

CUresult cuMemcpyDtoH_v2(void* dstHost, CUdeviceptr srcDevice, size_t ByteCount) {
  return vgpu_copy_from_device(dstHost, srcDevice, ByteCount, NULL);
}

CUresult cuMemcpyDtoHAsync_v2(void* dstHost, CUdeviceptr srcDevice, size_t ByteCount, CUstream hStream) {
  return vgpu_copy_from_device(dstHost, srcDevice, ByteCount, hStream);
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount) {
  return copy_on_device(dstDevice, srcDevice, ByteCount, NULL);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount,
                              CUstream hStream) {
  return copy_on_device(dstDevice, srcDevice, ByteCount, hStream);
}
