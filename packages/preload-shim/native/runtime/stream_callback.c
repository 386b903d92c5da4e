// Callbacks in a stream.
#include <stdlib.h>

#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

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
