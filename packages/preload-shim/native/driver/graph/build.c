// Making graphs by hand, and asking what is in them.
#include <stdlib.h>
#include <string.h>

#include "driver/function_layout.h"
#include "driver/graph/graph.h"
#include "driver/graph/kernel_node.h"
#include "guest_api.h"
#include "log.h"
#include "transport/session.h"

CUresult cuGraphCreate(CUgraph* phGraph, unsigned int flags) {
  if (phGraph == NULL || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_check();
  return result == CUDA_SUCCESS ? vgpu_graph_create(phGraph) : result;
}

CUresult cuGraphDestroy(CUgraph hGraph) {
  if (!vgpu_graph_exists(hGraph, VGPU_GRAPH) || hGraph->owned) return CUDA_ERROR_INVALID_VALUE;
  vgpu_graph_free(hGraph);
  return CUDA_SUCCESS;
}

CUresult cuGraphClone(CUgraph* phGraphClone, CUgraph originalGraph) {
  if (phGraphClone == NULL || !vgpu_graph_exists(originalGraph, VGPU_GRAPH)) return CUDA_ERROR_INVALID_VALUE;
  if (vgpu_graph_refuse_memory(originalGraph)) return CUDA_ERROR_NOT_SUPPORTED;
  return vgpu_graph_clone(phGraphClone, originalGraph);
}

CUresult cuGraphNodeFindInClone(CUgraphNode* phNode, CUgraphNode hOriginalNode, CUgraph hClonedGraph) {
  if (phNode == NULL || !vgpu_graph_exists(hClonedGraph, VGPU_GRAPH)) return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < hClonedGraph->nodes.count; ++i) {
    if (hClonedGraph->nodes.items[i]->origin != hOriginalNode) continue;
    *phNode = hClonedGraph->nodes.items[i];
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult vgpu_graph_add_by_hand(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                size_t count, const struct vgpu_work* work) {
  if (node == NULL || !vgpu_graph_exists(graph, VGPU_GRAPH) || (dependencies == NULL && count != 0))
    return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < count; ++i) {
    const bool known = vgpu_graph_exists(dependencies[i], VGPU_GRAPH_NODE);
    if (!known || dependencies[i]->graph != graph) return CUDA_ERROR_INVALID_VALUE;
  }
  return vgpu_graph_add(node, graph, dependencies, count, work);
}

CUresult cuGraphAddEmptyNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                             size_t numDependencies) {
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_EMPTY};
  return vgpu_graph_add_by_hand(phGraphNode, hGraph, dependencies, numDependencies, &work);
}

struct place {
  CUgraphNode* node;
  CUgraph graph;
  const CUgraphNode* dependencies;
  size_t count;
};

static CUresult add_packed(const struct vgpu_launch* launch, const void* packed, size_t bytes,
                           void* argument) {
  const struct place* place = argument;
  const struct vgpu_work work = {
      .type = CU_GRAPH_NODE_TYPE_KERNEL,
      .kernel = {.launch = *launch, .packed = (void*)(uintptr_t)packed, .packed_bytes = bytes},
  };
  return vgpu_graph_add_by_hand(place->node, place->graph, place->dependencies, place->count, &work);
}

CUresult cuGraphAddKernelNode_v2(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                                 size_t numDependencies, const CUDA_KERNEL_NODE_PARAMS* nodeParams) {
  struct vgpu_launch launch;
  struct place place = {phGraphNode, hGraph, dependencies, numDependencies};
  const CUresult result = vgpu_kernel_node_launch(nodeParams, &launch);
  return result == CUDA_SUCCESS ? vgpu_launch_pack(&launch, add_packed, &place) : result;
}

CUresult cuGraphAddMemcpyNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                              size_t numDependencies, const CUDA_MEMCPY3D* copyParams, CUcontext ctx) {
  CUdevice device;
  if (copyParams == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuContextDevice(&device, ctx);
  if (result != CUDA_SUCCESS) return result;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_MEMCPY, .copy = *copyParams};
  return vgpu_graph_add_by_hand(phGraphNode, hGraph, dependencies, numDependencies, &work);
}

CUresult cuGraphAddMemsetNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                              size_t numDependencies, const CUDA_MEMSET_NODE_PARAMS* memsetParams,
                              CUcontext ctx) {
  CUdevice device;
  if (memsetParams == NULL ||
      (memsetParams->elementSize != 1 && memsetParams->elementSize != 2 && memsetParams->elementSize != 4)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const CUresult result = vgpuContextDevice(&device, ctx);
  if (result != CUDA_SUCCESS) return result;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_MEMSET, .fill = *memsetParams};
  return vgpu_graph_add_by_hand(phGraphNode, hGraph, dependencies, numDependencies, &work);
}

CUresult cuGraphAddHostNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                            size_t numDependencies, const CUDA_HOST_NODE_PARAMS* nodeParams) {
  if (nodeParams == NULL || nodeParams->fn == NULL) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_HOST, .host = *nodeParams};
  return vgpu_graph_add_by_hand(phGraphNode, hGraph, dependencies, numDependencies, &work);
}

CUresult cuGraphAddChildGraphNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                                  size_t numDependencies, CUgraph childGraph) {
  // A graph in itself would have no end.
  if (!vgpu_graph_exists(childGraph, VGPU_GRAPH) || childGraph == hGraph) return CUDA_ERROR_INVALID_VALUE;
  if (vgpu_graph_refuse_memory(childGraph)) return CUDA_ERROR_NOT_SUPPORTED;
  const CUresult result = vgpu_graph_sort(childGraph);
  if (result != CUDA_SUCCESS) return result;
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_GRAPH, .child = childGraph};
  return vgpu_graph_add_by_hand(phGraphNode, hGraph, dependencies, numDependencies, &work);
}

CUresult cuGraphAddEventRecordNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                                   size_t numDependencies, CUevent event) {
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_EVENT_RECORD, .event = event};
  const CUresult known = cuEventQuery(event);
  if (known != CUDA_SUCCESS && known != CUDA_ERROR_NOT_READY) return known;
  return vgpu_graph_add_by_hand(phGraphNode, hGraph, dependencies, numDependencies, &work);
}

CUresult cuGraphAddEventWaitNode(CUgraphNode* phGraphNode, CUgraph hGraph, const CUgraphNode* dependencies,
                                 size_t numDependencies, CUevent event) {
  const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_WAIT_EVENT, .event = event};
  const CUresult known = cuEventQuery(event);
  if (known != CUDA_SUCCESS && known != CUDA_ERROR_NOT_READY) return known;
  return vgpu_graph_add_by_hand(phGraphNode, hGraph, dependencies, numDependencies, &work);
}

CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode hNode, CUgraph* phGraph) {
  const bool known = vgpu_graph_exists(hNode, VGPU_GRAPH_NODE);
  if (phGraph == NULL || !known || hNode->work.type != CU_GRAPH_NODE_TYPE_GRAPH)
    return CUDA_ERROR_INVALID_VALUE;
  *phGraph = hNode->work.child;
  return CUDA_SUCCESS;
}

CUresult cuGraphNodeGetType(CUgraphNode hNode, CUgraphNodeType* type) {
  if (type == NULL || !vgpu_graph_exists(hNode, VGPU_GRAPH_NODE)) return CUDA_ERROR_INVALID_VALUE;
  *type = hNode->work.type;
  return CUDA_SUCCESS;
}

// The convention of all these questions: without a list only the number is told; a list that is longer than
// needed is filled up with NULL.
struct answer {
  size_t room;  // 0 without a list
  size_t count;
};

static void put(struct answer* answer, CUgraphNode* list, CUgraphNode node) {
  if (list != NULL && answer->count < answer->room) list[answer->count] = node;
  ++answer->count;
}

static void finish(struct answer* answer, CUgraphNode* list, size_t* number) {
  for (size_t i = answer->count; list != NULL && i < answer->room; ++i) list[i] = NULL;
  *number = list == NULL || answer->count < answer->room ? answer->count : answer->room;
}

CUresult cuGraphGetNodes(CUgraph hGraph, CUgraphNode* nodes, size_t* numNodes) {
  if (numNodes == NULL || !vgpu_graph_exists(hGraph, VGPU_GRAPH)) return CUDA_ERROR_INVALID_VALUE;
  struct answer answer = {.room = nodes == NULL ? 0 : *numNodes};
  for (size_t i = 0; i < hGraph->nodes.count; ++i) put(&answer, nodes, hGraph->nodes.items[i]);
  finish(&answer, nodes, numNodes);
  return CUDA_SUCCESS;
}

CUresult cuGraphGetRootNodes(CUgraph hGraph, CUgraphNode* rootNodes, size_t* numRootNodes) {
  if (numRootNodes == NULL || !vgpu_graph_exists(hGraph, VGPU_GRAPH)) return CUDA_ERROR_INVALID_VALUE;
  struct answer answer = {.room = rootNodes == NULL ? 0 : *numRootNodes};
  for (size_t i = 0; i < hGraph->nodes.count; ++i) {
    const CUgraphNode node = hGraph->nodes.items[i];
    if (node->dependencies.count == 0) put(&answer, rootNodes, node);
  }
  finish(&answer, rootNodes, numRootNodes);
  return CUDA_SUCCESS;
}

CUresult cuGraphGetEdges_v2(CUgraph hGraph, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* edgeData,
                            size_t* numEdges) {
  if (numEdges == NULL || (from == NULL) != (to == NULL) || !vgpu_graph_exists(hGraph, VGPU_GRAPH))
    return CUDA_ERROR_INVALID_VALUE;
  const size_t room = from == NULL ? 0 : *numEdges;
  struct answer sources = {.room = room};
  struct answer targets = {.room = room};
  for (size_t i = 0; i < hGraph->nodes.count; ++i) {
    const CUgraphNode node = hGraph->nodes.items[i];
    for (size_t k = 0; k < node->dependencies.count; ++k) {
      put(&sources, from, node->dependencies.items[k]);
      put(&targets, to, node);
    }
  }
  if (edgeData != NULL) memset(edgeData, 0, room * sizeof(*edgeData));
  finish(&sources, from, numEdges);
  finish(&targets, to, numEdges);
  return CUDA_SUCCESS;
}

CUresult cuGraphGetEdges(CUgraph hGraph, CUgraphNode* from, CUgraphNode* to, size_t* numEdges) {
  return cuGraphGetEdges_v2(hGraph, from, to, NULL, numEdges);
}

CUresult cuGraphNodeGetDependencies_v2(CUgraphNode hNode, CUgraphNode* dependencies,
                                       CUgraphEdgeData* edgeData, size_t* numDependencies) {
  if (numDependencies == NULL || !vgpu_graph_exists(hNode, VGPU_GRAPH_NODE)) return CUDA_ERROR_INVALID_VALUE;
  struct answer answer = {.room = dependencies == NULL ? 0 : *numDependencies};
  for (size_t i = 0; i < hNode->dependencies.count; ++i)
    put(&answer, dependencies, hNode->dependencies.items[i]);
  if (edgeData != NULL) memset(edgeData, 0, answer.room * sizeof(*edgeData));
  finish(&answer, dependencies, numDependencies);
  return CUDA_SUCCESS;
}

CUresult cuGraphNodeGetDependencies(CUgraphNode hNode, CUgraphNode* dependencies, size_t* numDependencies) {
  return cuGraphNodeGetDependencies_v2(hNode, dependencies, NULL, numDependencies);
}

static bool is_edge(CUgraph graph, CUgraphNode from, CUgraphNode to) {
  return vgpu_graph_exists(from, VGPU_GRAPH_NODE) && vgpu_graph_exists(to, VGPU_GRAPH_NODE) &&
         from->graph == graph && to->graph == graph && from != to;
}

CUresult cuGraphAddDependencies_v2(CUgraph hGraph, const CUgraphNode* from, const CUgraphNode* to,
                                   const CUgraphEdgeData* edgeData, size_t numDependencies) {
  if (!vgpu_graph_exists(hGraph, VGPU_GRAPH)) return CUDA_ERROR_INVALID_VALUE;
  if (numDependencies != 0 && (from == NULL || to == NULL)) return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < numDependencies; ++i) {
    if (!is_edge(hGraph, from[i], to[i])) return CUDA_ERROR_INVALID_VALUE;
    if (vgpu_nodes_contain(&to[i]->dependencies, from[i])) return CUDA_ERROR_INVALID_VALUE;
    if (edgeData != NULL && (edgeData[i].from_port | edgeData[i].to_port | edgeData[i].type) != 0) {
      vgpu_log("edges of a graph other than plain ones are not implemented");
      return CUDA_ERROR_NOT_SUPPORTED;
    }
  }
  for (size_t i = 0; i < numDependencies; ++i) {
    if (!vgpu_nodes_add(&to[i]->dependencies, &from[i], 1)) return CUDA_ERROR_OUT_OF_MEMORY;
  }
  return CUDA_SUCCESS;
}

CUresult cuGraphAddDependencies(CUgraph hGraph, const CUgraphNode* from, const CUgraphNode* to,
                                size_t numDependencies) {
  return cuGraphAddDependencies_v2(hGraph, from, to, NULL, numDependencies);
}
