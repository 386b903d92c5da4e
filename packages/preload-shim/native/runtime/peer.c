// Several devices: copies between them, and access from one to another.
#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

cudaError_t cudaMemcpyPeer(void* dst, int dstDevice, const void* src, int srcDevice, size_t count) {
  return cudaMemcpyPeerAsync(dst, dstDevice, src, srcDevice, count, NULL);
}

static CUresult contexts_of(int destination_device, CUcontext* destination, int source_device,
                            CUcontext* source) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = vgpu_runtime_context_of(destination_device, destination);
  if (result == CUDA_SUCCESS) result = vgpu_runtime_context_of(source_device, source);
  return result;
}

cudaError_t cudaMemcpyPeerAsync(void* dst, int dstDevice, const void* src, int srcDevice, size_t count,
                                cudaStream_t stream) {
  CUcontext destination = NULL;
  CUcontext source = NULL;
  CUresult result = contexts_of(dstDevice, &destination, srcDevice, &source);
  if (result == CUDA_SUCCESS) {
    result = cuMemcpyPeerAsync((CUdeviceptr)(uintptr_t)dst, destination, (CUdeviceptr)(uintptr_t)src, source,
                               count, stream);
  }
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemcpy3DPeer(const struct cudaMemcpy3DPeerParms* p) {
  return cudaMemcpy3DPeerAsync(p, NULL);
}

cudaError_t cudaMemcpy3DPeerAsync(const struct cudaMemcpy3DPeerParms* p, cudaStream_t stream) {
  CUcontext destination = NULL;
  CUcontext source = NULL;
  if (p == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const CUresult result = contexts_of(p->dstDevice, &destination, p->srcDevice, &source);
  if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  const struct cudaMemcpy3DParms copy = {
      .srcArray = p->srcArray,
      .srcPos = p->srcPos,
      .srcPtr = p->srcPtr,
      .dstArray = p->dstArray,
      .dstPos = p->dstPos,
      .dstPtr = p->dstPtr,
      .extent = p->extent,
      .kind = cudaMemcpyDeviceToDevice,
  };
  return cudaMemcpy3DAsync(&copy, stream);
}

// The documentation's order of mistakes: the device, then the flags.
static CUresult peer_context(int device, CUcontext* context) {
  int own = 0;
  CUdevice found;
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuDeviceGet(&found, device);
  if (result == CUDA_SUCCESS) result = cuCtxGetDevice(&own);
  if (result == CUDA_SUCCESS && own == device) result = CUDA_ERROR_INVALID_DEVICE;
  if (result == CUDA_SUCCESS) result = vgpu_runtime_context_of(device, context);
  return result;
}

cudaError_t cudaDeviceEnablePeerAccess(int peerDevice, unsigned int flags) {
  CUcontext context = NULL;
  CUresult result = peer_context(peerDevice, &context);
  if (result == CUDA_SUCCESS) result = cuCtxEnablePeerAccess(context, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceDisablePeerAccess(int peerDevice) {
  CUcontext context = NULL;
  CUresult result = peer_context(peerDevice, &context);
  if (result == CUDA_SUCCESS) result = cuCtxDisablePeerAccess(context);
  return vgpu_runtime_from_driver(result);
}
