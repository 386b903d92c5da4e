// One call: a request, and unless it is deferred its response.

#ifndef VGPU_TRANSPORT_EXCHANGE_H
#define VGPU_TRANSPORT_EXCHANGE_H

#include "cuda_abi.h"

// Part of a request's payload.
struct vgpu_segment {
  const void* bytes;
  size_t length;
};

// Where part of a response's payload goes. What lies there is undefined when the call fails.
struct vgpu_buffer {
  void* bytes;
  size_t length;
};

enum {
  VGPU_NEEDS_CONTEXT = 1,
  VGPU_DEFERRED = 2,
};

// The executor's result, or CUDA_ERROR_NOT_INITIALIZED, CUDA_ERROR_INVALID_CONTEXT,
// CUDA_ERROR_MPS_RPC_FAILURE. Leaves errno alone.
CUresult vgpu_exchange(uint32_t call, unsigned flags, const struct vgpu_segment* request,
                       size_t request_count, const struct vgpu_buffer* response, size_t response_count);

#endif
