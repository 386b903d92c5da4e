// Stream capture and graphs: the driver API's under other names. Handles, and the numbers of modes, states
// and node types, are the same in both.
#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamBeginCapture_v2(stream, (CUstreamCaptureMode)mode);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* pGraph) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamEndCapture(stream, pGraph);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus* pCaptureStatus) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuStreamIsCapturing(stream, (CUstreamCaptureStatus*)pCaptureStatus);
  return vgpu_runtime_from_driver(result);
}

_Static_assert(sizeof(cudaGraphEdgeData) == sizeof(CUgraphEdgeData), "one layout");

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, enum cudaStreamCaptureStatus* captureStatus_out,
                                     unsigned long long* id_out, cudaGraph_t* graph_out,
                                     const cudaGraphNode_t** dependencies_out,
                                     const cudaGraphEdgeData** edgeData_out, size_t* numDependencies_out) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) {
    result = cuStreamGetCaptureInfo_v3(stream, (CUstreamCaptureStatus*)captureStatus_out, (cuuint64_t*)id_out,
                                       graph_out, dependencies_out, (const CUgraphEdgeData**)edgeData_out,
                                       numDependencies_out);
  }
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode* mode) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuThreadExchangeStreamCaptureMode((CUstreamCaptureMode*)mode);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphCreate(cudaGraph_t* pGraph, unsigned int flags) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphCreate(pGraph, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphDestroy(graph);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphClone(cudaGraph_t* pGraphClone, cudaGraph_t originalGraph) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphClone(pGraphClone, originalGraph);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphNodeFindInClone(cudaGraphNode_t* pNode, cudaGraphNode_t originalNode,
                                     cudaGraph_t clonedGraph) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphNodeFindInClone(pNode, originalNode, clonedGraph);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphChildGraphNodeGetGraph(cudaGraphNode_t node, cudaGraph_t* pGraph) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphChildGraphNodeGetGraph(node, pGraph);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, enum cudaGraphNodeType* pType) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphNodeGetType(node, (CUgraphNodeType*)pType);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* numNodes) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphGetNodes(graph, nodes, numNodes);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t* pRootNodes, size_t* pNumRootNodes) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphGetRootNodes(graph, pRootNodes, pNumRootNodes);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to,
                              cudaGraphEdgeData* edgeData, size_t* numEdges) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS)
    result = cuGraphGetEdges_v2(graph, from, to, (CUgraphEdgeData*)edgeData, numEdges);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t node, cudaGraphNode_t* pDependencies,
                                         cudaGraphEdgeData* edgeData, size_t* pNumDependencies) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS)
    result = cuGraphNodeGetDependencies_v2(node, pDependencies, (CUgraphEdgeData*)edgeData, pNumDependencies);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphAddDependencies(cudaGraph_t graph, const cudaGraphNode_t* from,
                                     const cudaGraphNode_t* to, const cudaGraphEdgeData* edgeData,
                                     size_t numDependencies) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS)
    result = cuGraphAddDependencies_v2(graph, from, to, (const CUgraphEdgeData*)edgeData, numDependencies);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* pGraphExec, cudaGraph_t graph,
                                          unsigned long long flags) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphInstantiateWithFlags(pGraphExec, graph, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* pGraphExec, cudaGraph_t graph, unsigned long long flags) {
  return cudaGraphInstantiateWithFlags(pGraphExec, graph, flags);
}

cudaError_t cudaGraphExecGetFlags(cudaGraphExec_t graphExec, unsigned long long* flags) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphExecGetFlags(graphExec, (cuuint64_t*)flags);
  return vgpu_runtime_from_driver(result);
}

_Static_assert(sizeof(cudaGraphExecUpdateResultInfo) == sizeof(CUgraphExecUpdateResultInfo), "one layout");

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t hGraphExec, cudaGraph_t hGraph,
                                cudaGraphExecUpdateResultInfo* resultInfo) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS)
    result = cuGraphExecUpdate_v2(hGraphExec, hGraph, (CUgraphExecUpdateResultInfo*)resultInfo);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphUpload(cudaGraphExec_t graphExec, cudaStream_t stream) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphUpload(graphExec, stream);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graphExec, cudaStream_t stream) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphLaunch(graphExec, stream);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graphExec) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuGraphExecDestroy(graphExec);
  return vgpu_runtime_from_driver(result);
}
