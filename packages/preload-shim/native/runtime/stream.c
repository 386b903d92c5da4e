// Streams and events: the driver API's under other names.
#include <stdlib.h>

#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

cudaError_t cudaStreamCreate(cudaStream_t* pStream) {
  return cudaStreamCreateWithFlags(pStream, CU_STREAM_DEFAULT);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* pStream, unsigned int flags) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamCreate(pStream, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* pStream, unsigned int flags, int priority) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamCreateWithPriority(pStream, flags, priority);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamDestroy_v2(stream);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamSynchronize(stream);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamQuery(stream);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamWaitEvent(stream, event, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamGetFlags(cudaStream_t hStream, unsigned int* flags) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamGetFlags(hStream, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamGetPriority(cudaStream_t hStream, int* priority) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamGetPriority(hStream, priority);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamGetId(cudaStream_t hStream, unsigned long long* streamId) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamGetId(hStream, streamId);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void* userData) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuLaunchHostFunc(stream, fn, userData);
  return vgpu_runtime_from_driver(result);
}

struct callback {
  cudaStreamCallback_t function;
  void* argument;
};

static void call_back_once(CUstream stream, CUresult status, void* argument) {
  const struct callback callback = *(struct callback*)argument;
  free(argument);
  callback.function(stream, vgpu_runtime_code(status), callback.argument);
}

cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void* userData,
                                  unsigned int flags) {
  if (callback == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  // On the heap, since a driver may call it later.
  struct callback* kept = malloc(sizeof(*kept));
  if (kept == NULL) return vgpu_runtime_result(cudaErrorMemoryAllocation);
  *kept = (struct callback){.function = callback, .argument = userData};
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamAddCallback(stream, call_back_once, kept, flags);
  if (result != CUDA_SUCCESS) free(kept);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* leastPriority, int* greatestPriority) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuCtxGetStreamPriorityRange(leastPriority, greatestPriority);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, CU_EVENT_DEFAULT);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuEventCreate(event, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuEventRecord(event, stream);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned int flags) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuEventRecordWithFlags(event, stream, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuEventQuery(event);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuEventSynchronize(event);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuEventDestroy_v2(event);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuEventElapsedTime(ms, start, end);
  return vgpu_runtime_from_driver(result);
}
