// Nodes of graphs that programs make by hand.
#include <string.h>

#include "guest_api.h"
#include "runtime/copy.h"
#include "runtime/last_error.h"
#include "runtime/modules.h"
#include "runtime/primary_context.h"

// The host's stand-in for the kernel becomes the kernel itself.
static cudaError_t kernel_parameters(const struct cudaKernelNodeParams* given,
                                     CUDA_KERNEL_NODE_PARAMS* parameters) {
  CUfunction function = NULL;
  if (given == NULL) return cudaErrorInvalidValue;
  const cudaError_t error = vgpu_modules_function(given->func, &function);
  if (error != cudaSuccess) return error;
  *parameters = (CUDA_KERNEL_NODE_PARAMS){
      .func = function,
      .gridDimX = given->gridDim.x,
      .gridDimY = given->gridDim.y,
      .gridDimZ = given->gridDim.z,
      .blockDimX = given->blockDim.x,
      .blockDimY = given->blockDim.y,
      .blockDimZ = given->blockDim.z,
      .sharedMemBytes = given->sharedMemBytes,
      .kernelParams = given->kernelParams,
      .extra = given->extra,
  };
  return cudaSuccess;
}

cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph,
                                   const cudaGraphNode_t* pDependencies, size_t numDependencies,
                                   const struct cudaKernelNodeParams* pNodeParams) {
  CUDA_KERNEL_NODE_PARAMS parameters;
  const cudaError_t error = kernel_parameters(pNodeParams, &parameters);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  return vgpu_runtime_from_driver(
      cuGraphAddKernelNode_v2(pGraphNode, graph, pDependencies, numDependencies, &parameters));
}

cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t hGraphExec, cudaGraphNode_t node,
                                             const struct cudaKernelNodeParams* pNodeParams) {
  CUDA_KERNEL_NODE_PARAMS parameters;
  const cudaError_t error = kernel_parameters(pNodeParams, &parameters);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  return vgpu_runtime_from_driver(cuGraphExecKernelNodeSetParams_v2(hGraphExec, node, &parameters));
}

static CUresult current_context(CUcontext* context) {
  const CUresult result = vgpu_runtime_enter();
  return result == CUDA_SUCCESS ? cuCtxGetCurrent(context) : result;
}

cudaError_t cudaGraphAddMemcpyNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph,
                                   const cudaGraphNode_t* pDependencies, size_t numDependencies,
                                   const struct cudaMemcpy3DParms* pCopyParams) {
  CUcontext context = NULL;
  CUDA_MEMCPY3D copy;
  const cudaError_t error = vgpu_runtime_box(pCopyParams, &copy);
  if (error != cudaSuccess) return vgpu_runtime_result(error);
  CUresult result = current_context(&context);
  if (result == CUDA_SUCCESS)
    result = cuGraphAddMemcpyNode(pGraphNode, graph, pDependencies, numDependencies, &copy, context);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* pGraphNode, cudaGraph_t graph,
                                     const cudaGraphNode_t* pDependencies, size_t numDependencies, void* dst,
                                     const void* src, size_t count, enum cudaMemcpyKind kind) {
  const struct cudaMemcpy3DParms row = {
      .srcPtr = {.ptr = (void*)(uintptr_t)src, .pitch = count, .xsize = count, .ysize = 1},
      .dstPtr = {.ptr = dst, .pitch = count, .xsize = count, .ysize = 1},
      .extent = {.width = count, .height = 1, .depth = 1},
      .kind = kind,
  };
  return cudaGraphAddMemcpyNode(pGraphNode, graph, pDependencies, numDependencies, &row);
}

_Static_assert(sizeof(struct cudaMemsetParams) == sizeof(CUDA_MEMSET_NODE_PARAMS), "one layout");

cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph,
                                   const cudaGraphNode_t* pDependencies, size_t numDependencies,
                                   const struct cudaMemsetParams* pMemsetParams) {
  CUcontext context = NULL;
  CUDA_MEMSET_NODE_PARAMS fill;
  if (pMemsetParams == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  memcpy(&fill, pMemsetParams, sizeof(fill));
  CUresult result = current_context(&context);
  if (result == CUDA_SUCCESS)
    result = cuGraphAddMemsetNode(pGraphNode, graph, pDependencies, numDependencies, &fill, context);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphAddMemFreeNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph,
                                    const cudaGraphNode_t* pDependencies, size_t numDependencies,
                                    void* dptr) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) {
    result = cuGraphAddMemFreeNode(pGraphNode, graph, pDependencies, numDependencies,
                                   (CUdeviceptr)(uintptr_t)dptr);
  }
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphMemFreeNodeGetParams(cudaGraphNode_t node, void* dptr_out) {
  CUdeviceptr address = 0;
  if (dptr_out == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphMemFreeNodeGetParams(node, &address);
  if (result == CUDA_SUCCESS) *(void**)dptr_out = (void*)(uintptr_t)address;
  return vgpu_runtime_from_driver(result);
}
