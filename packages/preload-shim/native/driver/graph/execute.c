// Executable graphs: a sorted copy of a graph. Launching makes its calls again, one behind the other.
#include <stdlib.h>

#include "driver/graph/capture.h"
#include "driver/graph/graph.h"
#include "guest_api.h"
#include "log.h"
#include "transport/session.h"

static CUresult instantiate(CUgraphExec* made, CUgraph graph, unsigned long long flags) {
  CUgraphExec exec = calloc(1, sizeof(*exec));
  if (exec == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  exec->flags = flags;
  // So that two launches at once cannot allocate the same.
  if (graph->has_memory && graph->instance != NULL) {
    vgpu_log("a second executable graph of one that allocates or frees memory");
    free(exec);
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  CUresult result = vgpu_graph_clone(&exec->graph, graph);
  if (result == CUDA_SUCCESS) result = vgpu_graph_sort(exec->graph);
  if (result == CUDA_SUCCESS && !vgpu_graph_announce(exec, VGPU_GRAPH_EXEC))
    result = CUDA_ERROR_OUT_OF_MEMORY;
  if (result != CUDA_SUCCESS) {
    if (exec->graph != NULL) vgpu_graph_free(exec->graph);
    free(exec);
    return result;
  }
  exec->graph->owned = true;
  if (graph->has_memory) {
    exec->source = graph;
    graph->instance = exec;
  }
  *made = exec;
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* phGraphExec, CUgraph hGraph, unsigned long long flags) {
  // Priorities make no difference here; launching from a kernel would.
  const unsigned long long known = CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH |
                                   CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
                                   CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
  if (phGraphExec == NULL || !vgpu_graph_exists(hGraph, VGPU_GRAPH) || hGraph->owned)
    return CUDA_ERROR_INVALID_VALUE;
  if ((flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH) != 0) {
    vgpu_log("graphs that kernels launch are not implemented");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  if ((flags & ~known) != 0) return CUDA_ERROR_INVALID_VALUE;
  return instantiate(phGraphExec, hGraph, flags);
}

CUresult cuGraphExecGetFlags(CUgraphExec hGraphExec, cuuint64_t* flags) {
  if (flags == NULL || !vgpu_graph_exists(hGraphExec, VGPU_GRAPH_EXEC)) return CUDA_ERROR_INVALID_VALUE;
  *flags = hGraphExec->flags;
  return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec hGraphExec) {
  if (!vgpu_graph_exists(hGraphExec, VGPU_GRAPH_EXEC)) return CUDA_ERROR_INVALID_VALUE;
  vgpu_graph_retract(hGraphExec);
  if (hGraphExec->source != NULL) hGraphExec->source->instance = NULL;
  vgpu_graph_free(hGraphExec->graph);
  free(hGraphExec);
  return CUDA_SUCCESS;
}

CUresult cuGraphUpload(CUgraphExec hGraphExec, CUstream hStream) {
  unsigned int unused;
  if (!vgpu_graph_exists(hGraphExec, VGPU_GRAPH_EXEC)) return CUDA_ERROR_INVALID_VALUE;
  // Everything a launch needs is here already.
  return cuStreamGetFlags(hStream, &unused);
}

static CUresult launch_with_memory(CUgraphExec exec, const struct vgpu_work* work, CUstream stream) {
  bool captured = false;
  CUresult result = vgpu_capture_route(stream, &captured);
  if (result != CUDA_SUCCESS) return result;
  if (captured && vgpu_graph_refuse_memory(exec->graph)) return CUDA_ERROR_NOT_SUPPORTED;
  result = vgpu_graph_memory_begin(exec->graph,
                                   (exec->flags & CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH) != 0);
  if (result != CUDA_SUCCESS) return result;
  result = vgpu_work_run(work, stream);
  vgpu_graph_memory_end(exec->graph);
  return result;
}

CUresult cuGraphLaunch(CUgraphExec hGraphExec, CUstream hStream) {
  unsigned int unused;
  if (!vgpu_graph_exists(hGraphExec, VGPU_GRAPH_EXEC)) return CUDA_ERROR_INVALID_VALUE;
  // A graph may be empty, or begin with what does not need the stream.
  const CUresult result = cuStreamGetFlags(hStream, &unused);
  if (result != CUDA_SUCCESS) return result;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_GRAPH, .child = hGraphExec->graph};
  return hGraphExec->graph->has_memory ? launch_with_memory(hGraphExec, &work, hStream)
                                       : vgpu_submit(&work, hStream);
}

static CUgraphExecUpdateResult compare_dependencies(CUgraphNode own, CUgraphNode other) {
  if (own->dependencies.count != other->dependencies.count)
    return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  for (size_t i = 0; i < own->dependencies.count; ++i) {
    if (own->dependencies.items[i]->place != other->dependencies.items[i]->place)
      return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  }
  return own->work.type == other->work.type ? CU_GRAPH_EXEC_UPDATE_SUCCESS
                                            : CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
}

// Whether the two sorted graphs differ in nothing but what their nodes do; the first node that differs
// otherwise.
static CUgraphExecUpdateResult compare(CUgraph own, CUgraph other, CUgraphNode* different) {
  *different = NULL;
  if (own->nodes.count != other->nodes.count) return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  for (size_t i = 0; i < own->nodes.count; ++i) {
    CUgraphNode mine = own->nodes.items[i];
    CUgraphNode theirs = other->nodes.items[i];
    CUgraphExecUpdateResult result = compare_dependencies(mine, theirs);
    if (result == CU_GRAPH_EXEC_UPDATE_SUCCESS && mine->work.type == CU_GRAPH_NODE_TYPE_GRAPH)
      result = compare(mine->work.child, theirs->work.child, different);
    if (result != CU_GRAPH_EXEC_UPDATE_SUCCESS) {
      *different = theirs->origin;
      return result;
    }
  }
  return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

// Nothing is changed when it fails.
CUresult cuGraphExecUpdate_v2(CUgraphExec hGraphExec, CUgraph hGraph,
                              CUgraphExecUpdateResultInfo* resultInfo) {
  CUgraphExec made = NULL;
  CUgraphNode different = NULL;
  if (resultInfo == NULL || !vgpu_graph_exists(hGraphExec, VGPU_GRAPH_EXEC) ||
      !vgpu_graph_exists(hGraph, VGPU_GRAPH)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (hGraphExec->graph->has_memory || hGraph->has_memory) {
    *resultInfo = (CUgraphExecUpdateResultInfo){.result = CU_GRAPH_EXEC_UPDATE_ERROR_NOT_SUPPORTED};
    return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
  }
  const CUresult result = instantiate(&made, hGraph, hGraphExec->flags);
  if (result != CUDA_SUCCESS) return result;
  const CUgraphExecUpdateResult compared = compare(hGraphExec->graph, made->graph, &different);
  *resultInfo = (CUgraphExecUpdateResultInfo){.result = compared, .errorNode = different};
  if (compared == CU_GRAPH_EXEC_UPDATE_SUCCESS) {
    // Nodes keep answering to those of the graph that the executable one was first made from.
    for (size_t i = 0; i < made->graph->nodes.count; ++i) {
      made->graph->nodes.items[i]->origin = hGraphExec->graph->nodes.items[i]->origin;
    }
    const CUgraph replaced = hGraphExec->graph;
    hGraphExec->graph = made->graph;
    made->graph = replaced;
  }
  cuGraphExecDestroy(made);
  return compared == CU_GRAPH_EXEC_UPDATE_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
}

// The node of the executable graph that was made from `node`; NULL when it has none of that type.
static CUgraphNode own_node(CUgraphExec exec, CUgraphNode node, CUgraphNodeType type) {
  CUgraphNode own = NULL;
  if (!vgpu_graph_exists(exec, VGPU_GRAPH_EXEC)) return NULL;
  if (cuGraphNodeFindInClone(&own, node, exec->graph) != CUDA_SUCCESS) return NULL;
  return own->work.type == type ? own : NULL;
}

CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
                                        const CUDA_MEMCPY3D* copyParams, CUcontext ctx) {
  CUdevice device;
  CUgraphNode own = own_node(hGraphExec, hNode, CU_GRAPH_NODE_TYPE_MEMCPY);
  if (own == NULL || copyParams == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuContextDevice(&device, ctx);
  if (result == CUDA_SUCCESS) own->work.copy = *copyParams;
  return result;
}

CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
                                        const CUDA_MEMSET_NODE_PARAMS* memsetParams, CUcontext ctx) {
  CUdevice device;
  CUgraphNode own = own_node(hGraphExec, hNode, CU_GRAPH_NODE_TYPE_MEMSET);
  if (own == NULL || memsetParams == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuContextDevice(&device, ctx);
  if (result == CUDA_SUCCESS) own->work.fill = *memsetParams;
  return result;
}

CUresult cuGraphExecHostNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
                                      const CUDA_HOST_NODE_PARAMS* nodeParams) {
  CUgraphNode own = own_node(hGraphExec, hNode, CU_GRAPH_NODE_TYPE_HOST);
  if (own == NULL || nodeParams == NULL || nodeParams->fn == NULL) return CUDA_ERROR_INVALID_VALUE;
  own->work.host = *nodeParams;
  return CUDA_SUCCESS;
}
