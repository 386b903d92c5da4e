// Copies between contexts, and access from one device to another's memory, which no device here has.
#include "driver/context_stack.h"
#include "driver/copy.h"
#include "guest_api.h"
#include "transport/session.h"

// The addresses alone say where the memory is; the contexts have to exist.
static CUresult check_contexts(CUcontext destination, CUcontext source) {
  CUdevice device;
  CUresult result = vgpuContextDevice(&device, destination);
  if (result == CUDA_SUCCESS && source != destination) result = vgpuContextDevice(&device, source);
  return result;
}

CUresult cuMemcpyPeer(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice,
                      CUcontext srcContext, size_t ByteCount) {
  return cuMemcpyPeerAsync(dstDevice, dstContext, srcDevice, srcContext, ByteCount, NULL);
}

CUresult cuMemcpyPeerAsync(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice,
                           CUcontext srcContext, size_t ByteCount, CUstream hStream) {
  const CUresult result = check_contexts(dstContext, srcContext);
  return result == CUDA_SUCCESS ? cuMemcpyDtoDAsync_v2(dstDevice, srcDevice, ByteCount, hStream) : result;
}

CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* pCopy) {
  return cuMemcpy3DPeerAsync(pCopy, NULL);
}

CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER* pCopy, CUstream hStream) {
  if (pCopy == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = check_contexts(pCopy->dstContext, pCopy->srcContext);
  if (result != CUDA_SUCCESS) return result;
  const CUDA_MEMCPY3D copy = {
      .srcXInBytes = pCopy->srcXInBytes,
      .srcY = pCopy->srcY,
      .srcZ = pCopy->srcZ,
      .srcLOD = pCopy->srcLOD,
      .srcMemoryType = pCopy->srcMemoryType,
      .srcHost = pCopy->srcHost,
      .srcDevice = pCopy->srcDevice,
      .srcArray = pCopy->srcArray,
      .srcPitch = pCopy->srcPitch,
      .srcHeight = pCopy->srcHeight,
      .dstXInBytes = pCopy->dstXInBytes,
      .dstY = pCopy->dstY,
      .dstZ = pCopy->dstZ,
      .dstLOD = pCopy->dstLOD,
      .dstMemoryType = pCopy->dstMemoryType,
      .dstHost = pCopy->dstHost,
      .dstDevice = pCopy->dstDevice,
      .dstArray = pCopy->dstArray,
      .dstPitch = pCopy->dstPitch,
      .dstHeight = pCopy->dstHeight,
      .WidthInBytes = pCopy->WidthInBytes,
      .Height = pCopy->Height,
      .Depth = pCopy->Depth,
  };
  return cuMemcpy3DAsync_v2(&copy, hStream);
}

static CUresult check_peer(CUcontext peer) {
  CUdevice device;
  CUresult result = cuCtxGetDevice(&device);
  if (result == CUDA_SUCCESS && (peer == NULL || peer == vgpu_context_current()))
    result = CUDA_ERROR_INVALID_CONTEXT;
  if (result == CUDA_SUCCESS) result = vgpuContextDevice(&device, peer);
  return result;
}

CUresult cuCtxEnablePeerAccess(CUcontext peerContext, unsigned int Flags) {
  if (Flags != 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = check_peer(peerContext);
  return result == CUDA_SUCCESS ? CUDA_ERROR_PEER_ACCESS_UNSUPPORTED : result;
}

CUresult cuCtxDisablePeerAccess(CUcontext peerContext) {
  const CUresult result = check_peer(peerContext);
  return result == CUDA_SUCCESS ? CUDA_ERROR_PEER_ACCESS_NOT_ENABLED : result;
}

CUresult cuDeviceGetP2PAttribute(int* value, CUdevice_P2PAttribute attrib, CUdevice srcDevice,
                                 CUdevice dstDevice) {
  const struct vgpu_device* device = NULL;
  if (value == NULL || (int)attrib < CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK ||
      attrib > CU_DEVICE_P2P_ATTRIBUTE_ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  CUresult result = vgpu_session_device(srcDevice, &device);
  if (result == CUDA_SUCCESS) result = vgpu_session_device(dstDevice, &device);
  if (result == CUDA_SUCCESS && srcDevice == dstDevice) result = CUDA_ERROR_INVALID_DEVICE;
  if (result == CUDA_SUCCESS) *value = 0;
  return result;
}
