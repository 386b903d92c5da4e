// Contexts live in the executor; which one is current is the thread's affair.
#include "driver/context_stack.h"
#include "guest_api.h"
#include "log.h"
#include "transport/session.h"

// What contexts made by cuCtxCreate have reported since CUDA 3.2.
enum { API_VERSION = 3020 };

static CUresult create(CUcontext* context, unsigned int flags, CUdevice device) {
  if (context == NULL) return CUDA_ERROR_INVALID_VALUE;
  if ((flags & ~(unsigned int)CU_CTX_FLAGS_MASK) != 0) return CUDA_ERROR_INVALID_VALUE;
  CUcontext created = NULL;
  CUresult result = vgpuContextCreate(&created, flags, device);
  if (result != CUDA_SUCCESS) return result;
  result = vgpu_context_push(created, device);
  if (result != CUDA_SUCCESS) {
    vgpuContextDestroy(created);
    return result;
  }
  *context = created;
  return CUDA_SUCCESS;
}

CUresult cuCtxCreate_v2(CUcontext* pctx, unsigned int flags, CUdevice dev) {
  return create(pctx, flags, dev);
}

CUresult cuCtxCreate_v4(CUcontext* pctx, CUctxCreateParams* ctxCreateParams, unsigned int flags,
                        CUdevice dev) {
  if (ctxCreateParams != NULL &&
      (ctxCreateParams->numExecAffinityParams != 0 || ctxCreateParams->cigParams != NULL)) {
    vgpu_log("cuCtxCreate with execution affinity or CiG parameters is not implemented");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  return create(pctx, flags, dev);
}

CUresult cuCtxDestroy_v2(CUcontext ctx) {
  if (ctx == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuContextDestroy(ctx);
  CUcontext popped;
  if (result == CUDA_SUCCESS && vgpu_context_current() == ctx) vgpu_context_pop(&popped);
  return result;
}

CUresult cuCtxPushCurrent_v2(CUcontext ctx) {
  CUdevice device = 0;
  if (ctx == NULL) return CUDA_ERROR_INVALID_CONTEXT;
  const CUresult result = vgpuContextDevice(&device, ctx);
  return result == CUDA_SUCCESS ? vgpu_context_push(ctx, device) : result;
}

CUresult cuCtxPopCurrent_v2(CUcontext* pctx) {
  CUcontext popped = NULL;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS) result = vgpu_context_pop(&popped);
  if (result == CUDA_SUCCESS && pctx != NULL) *pctx = popped;
  return result;
}

CUresult cuCtxSetCurrent(CUcontext ctx) {
  CUdevice device = 0;
  CUcontext replaced;
  CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS || ctx == vgpu_context_current()) return result;
  if (ctx != NULL) {
    result = vgpuContextDevice(&device, ctx);
    if (result != CUDA_SUCCESS) return result;
  }
  if (vgpu_context_current() != NULL) vgpu_context_pop(&replaced);
  return ctx == NULL ? CUDA_SUCCESS : vgpu_context_push(ctx, device);
}

CUresult cuCtxGetCurrent(CUcontext* pctx) {
  if (pctx == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS) *pctx = vgpu_context_current();
  return result;
}

CUresult cuCtxGetDevice(CUdevice* device) {
  if (device == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_check();
  return result == CUDA_SUCCESS ? vgpu_context_current_device(device) : result;
}

CUresult cuCtxGetApiVersion(CUcontext ctx, unsigned int* version) {
  CUdevice device;
  if (version == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = ctx == NULL ? cuCtxGetDevice(&device) : vgpuContextDevice(&device, ctx);
  if (result == CUDA_SUCCESS) *version = API_VERSION;
  return result;
}

// The cache configuration is a preference that no device of ours has: it is always "none".
CUresult cuCtxGetCacheConfig(CUfunc_cache* pconfig) {
  CUdevice device;
  if (pconfig == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = cuCtxGetDevice(&device);
  if (result == CUDA_SUCCESS) *pconfig = CU_FUNC_CACHE_PREFER_NONE;
  return result;
}

CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
  CUdevice device;
  if ((int)config < CU_FUNC_CACHE_PREFER_NONE || config > CU_FUNC_CACHE_PREFER_EQUAL)
    return CUDA_ERROR_INVALID_VALUE;
  return cuCtxGetDevice(&device);
}

CUresult cuStreamGetDevice(CUstream hStream, CUdevice* device) {
  CUcontext context = NULL;
  if (device == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = cuStreamGetCtx(hStream, &context);
  return result == CUDA_SUCCESS ? vgpuContextDevice(device, context) : result;
}
