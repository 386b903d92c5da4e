// Driver API calls around graphs. A graph is a list of recorded calls in the guest; launching it makes them again.
import type { CallEntry } from '../schema.js';
import { local } from './define.js';

const group = (why: string, entries: readonly (readonly [number, string])[]): CallEntry[] =>
  entries.map(([since, text]) => local('driver', since, text, why));

/** The beginning of each call that adds a node. */
const adding = (name: string): string =>
  `CUresult ${name}(CUgraphNode *phGraphNode, CUgraph hGraph, const CUgraphNode *dependencies, size_t numDependencies`;

export const driverLocalGraphs: readonly CallEntry[] = [
  ...group('records the calls on a stream in the guest', [
    [10010, 'CUresult cuStreamBeginCapture_v2(CUstream hStream, CUstreamCaptureMode mode)'],
    [10000, 'CUresult cuStreamEndCapture(CUstream hStream, CUgraph *phGraph)'],
    [10000, 'CUresult cuStreamIsCapturing(CUstream hStream, CUstreamCaptureStatus *captureStatus)'],
    [
      11030,
      `CUresult cuStreamGetCaptureInfo_v2(CUstream hStream, CUstreamCaptureStatus *captureStatus_out,
        cuuint64_t *id_out, CUgraph *graph_out, const CUgraphNode **dependencies_out, size_t *numDependencies_out)`,
    ],
    [
      12030,
      `CUresult cuStreamGetCaptureInfo_v3(CUstream hStream, CUstreamCaptureStatus *captureStatus_out,
        cuuint64_t *id_out, CUgraph *graph_out, const CUgraphNode **dependencies_out,
        const CUgraphEdgeData **edgeData_out, size_t *numDependencies_out)`,
    ],
    [10010, 'CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode)'],
  ]),
  ...group('the graph is in the guest', [
    [10000, 'CUresult cuGraphCreate(CUgraph *phGraph, unsigned int flags)'],
    [10000, 'CUresult cuGraphDestroy(CUgraph hGraph)'],
    [10000, 'CUresult cuGraphClone(CUgraph *phGraphClone, CUgraph originalGraph)'],
    [
      10000,
      'CUresult cuGraphNodeFindInClone(CUgraphNode *phNode, CUgraphNode hOriginalNode, CUgraph hClonedGraph)',
    ],
    [10000, `${adding('cuGraphAddEmptyNode')})`],
    [12000, `${adding('cuGraphAddKernelNode_v2')}, const CUDA_KERNEL_NODE_PARAMS *nodeParams)`],
    [10000, `${adding('cuGraphAddMemcpyNode')}, const CUDA_MEMCPY3D *copyParams, CUcontext ctx)`],
    [10000, `${adding('cuGraphAddMemsetNode')}, const CUDA_MEMSET_NODE_PARAMS *memsetParams, CUcontext ctx)`],
    [10000, `${adding('cuGraphAddHostNode')}, const CUDA_HOST_NODE_PARAMS *nodeParams)`],
    [10000, `${adding('cuGraphAddChildGraphNode')}, CUgraph childGraph)`],
    [11010, `${adding('cuGraphAddEventRecordNode')}, CUevent event)`],
    [11010, `${adding('cuGraphAddEventWaitNode')}, CUevent event)`],
    [11040, `${adding('cuGraphAddMemAllocNode')}, CUDA_MEM_ALLOC_NODE_PARAMS *nodeParams)`],
    [11040, `${adding('cuGraphAddMemFreeNode')}, CUdeviceptr dptr)`],
    [
      11040,
      'CUresult cuGraphMemAllocNodeGetParams(CUgraphNode hNode, CUDA_MEM_ALLOC_NODE_PARAMS *params_out)',
    ],
    [11040, 'CUresult cuGraphMemFreeNodeGetParams(CUgraphNode hNode, CUdeviceptr *dptr_out)'],
    [10000, 'CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode hNode, CUgraph *phGraph)'],
    [10000, 'CUresult cuGraphNodeGetType(CUgraphNode hNode, CUgraphNodeType *type)'],
    [10000, 'CUresult cuGraphGetNodes(CUgraph hGraph, CUgraphNode *nodes, size_t *numNodes)'],
    [10000, 'CUresult cuGraphGetRootNodes(CUgraph hGraph, CUgraphNode *rootNodes, size_t *numRootNodes)'],
    [10000, 'CUresult cuGraphGetEdges(CUgraph hGraph, CUgraphNode *from, CUgraphNode *to, size_t *numEdges)'],
    [
      12030,
      `CUresult cuGraphGetEdges_v2(CUgraph hGraph, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *edgeData,
        size_t *numEdges)`,
    ],
    [
      10000,
      'CUresult cuGraphNodeGetDependencies(CUgraphNode hNode, CUgraphNode *dependencies, size_t *numDependencies)',
    ],
    [
      12030,
      `CUresult cuGraphNodeGetDependencies_v2(CUgraphNode hNode, CUgraphNode *dependencies,
        CUgraphEdgeData *edgeData, size_t *numDependencies)`,
    ],
    [
      10000,
      `CUresult cuGraphAddDependencies(CUgraph hGraph, const CUgraphNode *from, const CUgraphNode *to,
        size_t numDependencies)`,
    ],
    [
      12030,
      `CUresult cuGraphAddDependencies_v2(CUgraph hGraph, const CUgraphNode *from, const CUgraphNode *to,
        const CUgraphEdgeData *edgeData, size_t numDependencies)`,
    ],
    [12000, 'CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode hNode, CUDA_KERNEL_NODE_PARAMS *nodeParams)'],
    [
      12000,
      'CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode hNode, const CUDA_KERNEL_NODE_PARAMS *nodeParams)',
    ],
    [
      11040,
      'CUresult cuGraphInstantiateWithFlags(CUgraphExec *phGraphExec, CUgraph hGraph, unsigned long long flags)',
    ],
    [12000, 'CUresult cuGraphExecGetFlags(CUgraphExec hGraphExec, cuuint64_t *flags)'],
    [
      12000,
      `CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec hGraphExec, CUgraphNode hNode,
        const CUDA_KERNEL_NODE_PARAMS *nodeParams)`,
    ],
    [
      10020,
      `CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
        const CUDA_MEMCPY3D *copyParams, CUcontext ctx)`,
    ],
    [
      10020,
      `CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
        const CUDA_MEMSET_NODE_PARAMS *memsetParams, CUcontext ctx)`,
    ],
    [
      10020,
      `CUresult cuGraphExecHostNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
        const CUDA_HOST_NODE_PARAMS *nodeParams)`,
    ],
    [
      12000,
      'CUresult cuGraphExecUpdate_v2(CUgraphExec hGraphExec, CUgraph hGraph, CUgraphExecUpdateResultInfo *resultInfo)',
    ],
    [11010, 'CUresult cuGraphUpload(CUgraphExec hGraphExec, CUstream hStream)'],
    [10000, 'CUresult cuGraphLaunch(CUgraphExec hGraphExec, CUstream hStream)'],
    [10000, 'CUresult cuGraphExecDestroy(CUgraphExec hGraphExec)'],
  ]),
  ...group("counts the memory of the guest's graphs", [
    [11040, 'CUresult cuDeviceGraphMemTrim(CUdevice device)'],
    [11040, 'CUresult cuDeviceGetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attr, void *value)'],
    [11040, 'CUresult cuDeviceSetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attr, void *value)'],
  ]),
];
