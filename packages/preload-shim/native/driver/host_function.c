// Functions of the program that a stream calls. There is no thread of ours that could, so the calling thread
// waits until the stream has come to them, and calls them itself. What is queued later comes after them, as
// it must.
#include "driver/graph/capture.h"
#include "guest_api.h"

CUresult cuLaunchHostFunc(CUstream hStream, CUhostFn fn, void* userData) {
  if (fn == NULL) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_HOST, .host = {.fn = fn, .userData = userData}};
  return vgpu_submit(&work, hStream);
}

CUresult cuStreamAddCallback(CUstream hStream, CUstreamCallback callback, void* userData,
                             unsigned int flags) {
  unsigned int unused;
  if (callback == NULL || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  CUresult known = cuStreamGetFlags(hStream, &unused);
  if (known == CUDA_SUCCESS) known = vgpu_capture_forbid(hStream);
  if (known != CUDA_SUCCESS) return known;
  // This one is told about the failure.
  callback(hStream, cuStreamSynchronize(hStream), userData);
  return CUDA_SUCCESS;
}
