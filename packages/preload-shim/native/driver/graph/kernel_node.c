#include "driver/graph/kernel_node.h"

#include <stdlib.h>
#include <string.h>

#include "driver/function_layout.h"
#include "driver/graph/graph.h"
#include "guest_api.h"

CUresult vgpu_kernel_node_launch(const CUDA_KERNEL_NODE_PARAMS* parameters, struct vgpu_launch* launch) {
  if (parameters == NULL) return CUDA_ERROR_INVALID_VALUE;
  // One or the other.
  if (parameters->kern != NULL && parameters->func != NULL) return CUDA_ERROR_INVALID_VALUE;
  *launch = (struct vgpu_launch){
      .function = parameters->kern != NULL ? (CUfunction)parameters->kern : parameters->func,
      .grid = {parameters->gridDimX, parameters->gridDimY, parameters->gridDimZ},
      .block = {parameters->blockDimX, parameters->blockDimY, parameters->blockDimZ},
      .dynamic_shared_bytes = parameters->sharedMemBytes,
      .parameters = parameters->kernelParams,
      .extra = parameters->extra,
  };
  return CUDA_SUCCESS;
}

static bool is_kernel_node(CUgraphNode node) {
  return vgpu_graph_exists(node, VGPU_GRAPH_NODE) && node->work.type == CU_GRAPH_NODE_TYPE_KERNEL &&
         node->work.blas_kind == VGPU_BLAS_NONE;
}

// Pointers to the arguments, which last as long as the node does, or until its parameters change.
static CUresult point_to_arguments(struct vgpu_kernel_work* kernel) {
  struct vgpu_function_layout* layout = NULL;
  if (kernel->arguments != NULL) return CUDA_SUCCESS;
  const CUresult result = vgpu_function_layout(kernel->launch.function, &layout);
  if (result != CUDA_SUCCESS) return result;
  kernel->arguments = calloc(layout->parameter_count + 1, sizeof(void*));
  if (kernel->arguments == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < layout->parameter_count; ++i) {
    kernel->arguments[i] = (char*)kernel->packed + layout->parameters[i].offset;
  }
  return CUDA_SUCCESS;
}

CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode hNode, CUDA_KERNEL_NODE_PARAMS* nodeParams) {
  if (nodeParams == NULL || !is_kernel_node(hNode)) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = point_to_arguments(&hNode->work.kernel);
  if (result != CUDA_SUCCESS) return result;
  const struct vgpu_launch* launch = &hNode->work.kernel.launch;
  *nodeParams = (CUDA_KERNEL_NODE_PARAMS){
      .func = launch->function,
      .gridDimX = launch->grid.x,
      .gridDimY = launch->grid.y,
      .gridDimZ = launch->grid.z,
      .blockDimX = launch->block.x,
      .blockDimY = launch->block.y,
      .blockDimZ = launch->block.z,
      .sharedMemBytes = launch->dynamic_shared_bytes,
      .kernelParams = hNode->work.kernel.arguments,
  };
  return CUDA_SUCCESS;
}

static CUresult replace_packed(const struct vgpu_launch* launch, const void* packed, size_t bytes,
                               void* argument) {
  CUgraphNode node = argument;
  struct vgpu_work made;
  const struct vgpu_work work = {
      .type = CU_GRAPH_NODE_TYPE_KERNEL,
      .kernel = {.launch = *launch, .packed = (void*)(uintptr_t)packed, .packed_bytes = bytes},
  };
  const CUresult result = vgpu_work_copy(&made, &work);
  if (result != CUDA_SUCCESS) return result;
  vgpu_work_clear(&node->work);
  node->work = made;
  return CUDA_SUCCESS;
}

static CUresult set(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* parameters) {
  struct vgpu_launch launch = {.function = NULL};
  const CUresult result = vgpu_kernel_node_launch(parameters, &launch);
  launch.cooperative = node->work.kernel.launch.cooperative;
  return result == CUDA_SUCCESS ? vgpu_launch_pack(&launch, replace_packed, node) : result;
}

CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode hNode, const CUDA_KERNEL_NODE_PARAMS* nodeParams) {
  return is_kernel_node(hNode) ? set(hNode, nodeParams) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec hGraphExec, CUgraphNode hNode,
                                           const CUDA_KERNEL_NODE_PARAMS* nodeParams) {
  CUgraphNode own = NULL;
  if (!vgpu_graph_exists(hGraphExec, VGPU_GRAPH_EXEC)) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = cuGraphNodeFindInClone(&own, hNode, hGraphExec->graph);
  if (result != CUDA_SUCCESS || !is_kernel_node(own)) return CUDA_ERROR_INVALID_VALUE;
  return set(own, nodeParams);
}
