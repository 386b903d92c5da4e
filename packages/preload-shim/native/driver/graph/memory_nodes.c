// Nodes that allocate and free, and stream-ordered allocation, which makes them while its stream is being
// captured.
#include "driver/graph/capture.h"
#include "driver/graph/graph.h"
#include "driver/memory_pool.h"
#include "guest_api.h"
#include "log.h"
#include "transport/session.h"

bool vgpu_graph_refuse_memory(CUgraph graph) {
  if (graph->has_memory)
    vgpu_log("a graph that allocates or frees memory can be neither cloned nor part of another");
  return graph->has_memory;
}

static CUresult check_parameters(const CUDA_MEM_ALLOC_NODE_PARAMS* parameters) {
  const struct vgpu_device* device = NULL;
  if (parameters->poolProps.allocType != CU_MEM_ALLOCATION_TYPE_PINNED ||
      parameters->poolProps.handleTypes != CU_MEM_HANDLE_TYPE_NONE || parameters->bytesize == 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (parameters->poolProps.location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
    vgpu_log("graphs that allocate memory outside a device are not implemented");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  const CUresult result = vgpu_session_device(parameters->poolProps.location.id, &device);
  if (result != CUDA_SUCCESS) return result;
  return vgpu_pool_access_check(parameters->accessDescs, parameters->accessDescCount);
}

static CUresult add(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                    const struct vgpu_work* work) {
  // A graph in another: it is only a program's own graph that may be launched by itself.
  if (vgpu_graph_exists(graph, VGPU_GRAPH) && graph->owned) return CUDA_ERROR_NOT_SUPPORTED;
  return vgpu_graph_add_by_hand(node, graph, dependencies, count, work);
}

CUresult cuGraphAddMemAllocNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                                size_t numDependencies, CUDA_MEM_ALLOC_NODE_PARAMS* nodeParams) {
  if (nodeParams == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = check_parameters(nodeParams);
  if (result != CUDA_SUCCESS) return result;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_MEM_ALLOC,
                                 .memory = {.bytes = nodeParams->bytesize}};
  result = add(phGraphNode, hGraph, dependencies, numDependencies, &work);
  if (result == CUDA_SUCCESS) nodeParams->dptr = (*phGraphNode)->work.memory.address;
  return result;
}

CUresult cuGraphMemAllocNodeGetParams(CUgraphNode hNode, CUDA_MEM_ALLOC_NODE_PARAMS* params_out) {
  const bool known = vgpu_graph_exists(hNode, VGPU_GRAPH_NODE);
  if (params_out == NULL || !known || hNode->work.type != CU_GRAPH_NODE_TYPE_MEM_ALLOC)
    return CUDA_ERROR_INVALID_VALUE;
  // All that the node can have been made with: access descriptions say only what holds without them.
  *params_out = (CUDA_MEM_ALLOC_NODE_PARAMS){
      .poolProps = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
                    .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE}},
      .bytesize = hNode->work.memory.bytes,
      .dptr = hNode->work.memory.address,
  };
  return CUDA_SUCCESS;
}

CUresult cuGraphAddMemFreeNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                               size_t numDependencies, CUdeviceptr dptr) {
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_MEM_FREE, .memory = {.address = dptr}};
  return add(phGraphNode, hGraph, dependencies, numDependencies, &work);
}

CUresult cuGraphMemFreeNodeGetParams(CUgraphNode hNode, CUdeviceptr* dptr_out) {
  const bool known = vgpu_graph_exists(hNode, VGPU_GRAPH_NODE);
  if (dptr_out == NULL || !known || hNode->work.type != CU_GRAPH_NODE_TYPE_MEM_FREE)
    return CUDA_ERROR_INVALID_VALUE;
  *dptr_out = hNode->work.memory.address;
  return CUDA_SUCCESS;
}

static CUresult capture_allocation(CUdeviceptr* address, size_t bytes, CUstream stream) {
  CUgraphNode node = NULL;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_MEM_ALLOC, .memory = {.bytes = bytes}};
  const CUresult result = vgpu_capture_add_node(stream, &work, &node);
  if (result == CUDA_SUCCESS) *address = node->work.memory.address;
  return result;
}

CUresult cuMemAllocAsync(CUdeviceptr* dptr, size_t bytesize, CUstream hStream) {
  bool captured = false;
  if (dptr == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_capture_route(hStream, &captured);
  if (result != CUDA_SUCCESS) return result;
  return captured ? capture_allocation(dptr, bytesize, hStream) : vgpuMemAllocAsync(dptr, bytesize, hStream);
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr* dptr, size_t bytesize, CUmemoryPool pool, CUstream hStream) {
  bool captured = false;
  if (dptr == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_capture_route(hStream, &captured);
  if (result != CUDA_SUCCESS) return result;
  if (!captured) return vgpuMemAllocFromPoolAsync(dptr, bytesize, pool, hStream);
  // Of the pool only its device counts.
  result = vgpu_pool_check(pool);
  return result == CUDA_SUCCESS ? capture_allocation(dptr, bytesize, hStream) : result;
}

CUresult cuMemFreeAsync(CUdeviceptr dptr, CUstream hStream) {
  bool captured = false;
  CUresult freed = CUDA_SUCCESS;
  const CUresult result = vgpu_capture_route(hStream, &captured);
  if (result != CUDA_SUCCESS) return result;
  if (captured) {
    const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_MEM_FREE, .memory = {.address = dptr}};
    return vgpu_capture_add(hStream, &work);
  }
  // Whatever takes the memory next waits for the stream.
  return vgpu_graph_memory_free(dptr, false, &freed) ? freed : vgpuMemFreeAsync(dptr, hStream);
}
