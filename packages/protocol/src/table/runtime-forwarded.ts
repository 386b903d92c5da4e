// Runtime API: the functions that are a function of the driver API under another name.
import type { CallEntry } from '../schema.js';
import { forwarded } from './define.js';
import { adding } from './runtime.js';

export const runtimeForwarded: readonly CallEntry[] = [
  forwarded('cudaError_t cudaDeviceSynchronize(void)', 'cuCtxSynchronize'),
  forwarded('cudaError_t cudaDeviceSetLimit(enum cudaLimit limit, size_t value)', 'cuCtxSetLimit'),
  forwarded('cudaError_t cudaDeviceGetLimit(size_t *pValue, enum cudaLimit limit)', 'cuCtxGetLimit'),
  forwarded('cudaError_t cudaDeviceSetCacheConfig(enum cudaFuncCache cacheConfig)', 'cuCtxSetCacheConfig'),
  forwarded(
    'cudaError_t cudaDeviceGetStreamPriorityRange(int *leastPriority, int *greatestPriority)',
    'cuCtxGetStreamPriorityRange',
  ),
  forwarded('cudaError_t cudaMemGetInfo(size_t *free, size_t *total)', 'cuMemGetInfo_v2'),
  forwarded(
    'cudaError_t cudaHostRegister(void *ptr, size_t size, unsigned int flags)',
    'cuMemHostRegister_v2',
  ),
  forwarded('cudaError_t cudaHostUnregister(void *ptr)', 'cuMemHostUnregister'),
  forwarded('cudaError_t cudaHostGetFlags(unsigned int *pFlags, void *pHost)', 'cuMemHostGetFlags'),
  forwarded(
    'cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void *userData)',
    'cuLaunchHostFunc',
  ),
  forwarded(
    'cudaError_t cudaStreamGetId(cudaStream_t hStream, unsigned long long *streamId)',
    'cuStreamGetId',
  ),
  forwarded('cudaError_t cudaStreamCreate(cudaStream_t *pStream)', 'cuStreamCreate', {
    followedBy: 'CU_STREAM_DEFAULT',
  }),
  forwarded(
    'cudaError_t cudaStreamCreateWithFlags(cudaStream_t *pStream, unsigned int flags)',
    'cuStreamCreate',
  ),
  forwarded(
    'cudaError_t cudaStreamCreateWithPriority(cudaStream_t *pStream, unsigned int flags, int priority)',
    'cuStreamCreateWithPriority',
  ),
  forwarded('cudaError_t cudaStreamDestroy(cudaStream_t stream)', 'cuStreamDestroy_v2'),
  forwarded('cudaError_t cudaStreamSynchronize(cudaStream_t stream)', 'cuStreamSynchronize'),
  forwarded('cudaError_t cudaStreamQuery(cudaStream_t stream)', 'cuStreamQuery'),
  forwarded(
    'cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags)',
    'cuStreamWaitEvent',
  ),
  forwarded('cudaError_t cudaStreamGetDevice(cudaStream_t hStream, int *device)', 'cuStreamGetDevice'),
  forwarded('cudaError_t cudaStreamGetFlags(cudaStream_t hStream, unsigned int *flags)', 'cuStreamGetFlags'),
  forwarded('cudaError_t cudaStreamGetPriority(cudaStream_t hStream, int *priority)', 'cuStreamGetPriority'),
  forwarded('cudaError_t cudaEventCreate(cudaEvent_t *event)', 'cuEventCreate', {
    followedBy: 'CU_EVENT_DEFAULT',
  }),
  forwarded('cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)', 'cuEventCreate'),
  forwarded('cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)', 'cuEventRecord'),
  forwarded(
    'cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned int flags)',
    'cuEventRecordWithFlags',
  ),
  forwarded('cudaError_t cudaEventQuery(cudaEvent_t event)', 'cuEventQuery'),
  forwarded('cudaError_t cudaEventSynchronize(cudaEvent_t event)', 'cuEventSynchronize'),
  forwarded('cudaError_t cudaEventDestroy(cudaEvent_t event)', 'cuEventDestroy_v2'),
  forwarded(
    'cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)',
    'cuEventElapsedTime',
  ),
  forwarded(
    'cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)',
    'cuStreamBeginCapture_v2',
  ),
  forwarded(
    'cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *pGraph)',
    'cuStreamEndCapture',
  ),
  forwarded(
    'cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *pCaptureStatus)',
    'cuStreamIsCapturing',
  ),
  forwarded(
    `cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, enum cudaStreamCaptureStatus
      *captureStatus_out, unsigned long long *id_out, cudaGraph_t *graph_out, const cudaGraphNode_t
      **dependencies_out, const cudaGraphEdgeData **edgeData_out, size_t *numDependencies_out)`,
    'cuStreamGetCaptureInfo_v3',
  ),
  forwarded(
    'cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode)',
    'cuThreadExchangeStreamCaptureMode',
  ),
  forwarded('cudaError_t cudaGraphCreate(cudaGraph_t *pGraph, unsigned int flags)', 'cuGraphCreate'),
  forwarded('cudaError_t cudaGraphDestroy(cudaGraph_t graph)', 'cuGraphDestroy'),
  forwarded(
    'cudaError_t cudaGraphClone(cudaGraph_t *pGraphClone, cudaGraph_t originalGraph)',
    'cuGraphClone',
  ),
  forwarded(
    `cudaError_t cudaGraphNodeFindInClone(cudaGraphNode_t *pNode, cudaGraphNode_t originalNode, cudaGraph_t
      clonedGraph)`,
    'cuGraphNodeFindInClone',
  ),
  forwarded(`${adding('cudaGraphAddEmptyNode')})`, 'cuGraphAddEmptyNode'),
  forwarded(
    `${adding('cudaGraphAddHostNode')}, const struct cudaHostNodeParams *pNodeParams)`,
    'cuGraphAddHostNode',
  ),
  forwarded(`${adding('cudaGraphAddChildGraphNode')}, cudaGraph_t childGraph)`, 'cuGraphAddChildGraphNode'),
  forwarded(`${adding('cudaGraphAddEventRecordNode')}, cudaEvent_t event)`, 'cuGraphAddEventRecordNode'),
  forwarded(`${adding('cudaGraphAddEventWaitNode')}, cudaEvent_t event)`, 'cuGraphAddEventWaitNode'),
  forwarded(
    `${adding('cudaGraphAddMemAllocNode')}, struct cudaMemAllocNodeParams *nodeParams)`,
    'cuGraphAddMemAllocNode',
  ),
  forwarded(
    'cudaError_t cudaGraphMemAllocNodeGetParams(cudaGraphNode_t node, struct cudaMemAllocNodeParams *params_out)',
    'cuGraphMemAllocNodeGetParams',
  ),
  forwarded('cudaError_t cudaDeviceGraphMemTrim(int device)', 'cuDeviceGraphMemTrim', {
    needsContext: false,
  }),
  forwarded(
    `cudaError_t cudaDeviceGetGraphMemAttribute(int device, enum cudaGraphMemAttributeType attr, void
      *value)`,
    'cuDeviceGetGraphMemAttribute',
    { needsContext: false },
  ),
  forwarded(
    `cudaError_t cudaDeviceSetGraphMemAttribute(int device, enum cudaGraphMemAttributeType attr, void
      *value)`,
    'cuDeviceSetGraphMemAttribute',
    { needsContext: false },
  ),
  forwarded(
    'cudaError_t cudaGraphChildGraphNodeGetGraph(cudaGraphNode_t node, cudaGraph_t *pGraph)',
    'cuGraphChildGraphNodeGetGraph',
  ),
  forwarded(
    'cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, enum cudaGraphNodeType *pType)',
    'cuGraphNodeGetType',
  ),
  forwarded(
    'cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *numNodes)',
    'cuGraphGetNodes',
  ),
  forwarded(
    'cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t *pRootNodes, size_t *pNumRootNodes)',
    'cuGraphGetRootNodes',
  ),
  forwarded(
    `cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t *from, cudaGraphNode_t *to,
      cudaGraphEdgeData *edgeData, size_t *numEdges)`,
    'cuGraphGetEdges_v2',
  ),
  forwarded(
    `cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t node, cudaGraphNode_t *pDependencies,
      cudaGraphEdgeData *edgeData, size_t *pNumDependencies)`,
    'cuGraphNodeGetDependencies_v2',
  ),
  forwarded(
    `cudaError_t cudaGraphAddDependencies(cudaGraph_t graph, const cudaGraphNode_t *from, const
      cudaGraphNode_t *to, const cudaGraphEdgeData *edgeData, size_t numDependencies)`,
    'cuGraphAddDependencies_v2',
  ),
  forwarded(
    'cudaError_t cudaGraphInstantiate(cudaGraphExec_t *pGraphExec, cudaGraph_t graph, unsigned long long flags)',
    'cuGraphInstantiateWithFlags',
  ),
  forwarded(
    `cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *pGraphExec, cudaGraph_t graph, unsigned long
      long flags)`,
    'cuGraphInstantiateWithFlags',
  ),
  forwarded(
    'cudaError_t cudaGraphExecGetFlags(cudaGraphExec_t graphExec, unsigned long long *flags)',
    'cuGraphExecGetFlags',
  ),
  forwarded(
    `cudaError_t cudaGraphExecUpdate(cudaGraphExec_t hGraphExec, cudaGraph_t hGraph,
      cudaGraphExecUpdateResultInfo *resultInfo)`,
    'cuGraphExecUpdate_v2',
  ),
  forwarded('cudaError_t cudaGraphUpload(cudaGraphExec_t graphExec, cudaStream_t stream)', 'cuGraphUpload'),
  forwarded('cudaError_t cudaGraphLaunch(cudaGraphExec_t graphExec, cudaStream_t stream)', 'cuGraphLaunch'),
  forwarded('cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graphExec)', 'cuGraphExecDestroy'),
  forwarded(
    'cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attr, int device)',
    'cuDeviceGetAttribute',
    { needsContext: false },
  ),
  forwarded('cudaError_t cudaDeviceGetPCIBusId(char *pciBusId, int len, int device)', 'cuDeviceGetPCIBusId', {
    needsContext: false,
  }),
  forwarded(
    'cudaError_t cudaDeviceGetByPCIBusId(int *device, const char *pciBusId)',
    'cuDeviceGetByPCIBusId',
    { needsContext: false },
  ),
  forwarded(
    'cudaError_t cudaDeviceCanAccessPeer(int *canAccessPeer, int device, int peerDevice)',
    'cuDeviceCanAccessPeer',
    { needsContext: false },
  ),
  forwarded(
    'cudaError_t cudaDeviceGetP2PAttribute(int *value, enum cudaDeviceP2PAttr attr, int srcDevice, int dstDevice)',
    'cuDeviceGetP2PAttribute',
    { needsContext: false },
  ),
  forwarded(
    'cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *memPool, int device)',
    'cuDeviceGetDefaultMemPool',
    { needsContext: false },
  ),
  forwarded('cudaError_t cudaDeviceGetMemPool(cudaMemPool_t *memPool, int device)', 'cuDeviceGetMemPool', {
    needsContext: false,
  }),
  forwarded('cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t memPool)', 'cuDeviceSetMemPool', {
    needsContext: false,
  }),
  forwarded(
    'cudaError_t cudaMemPoolCreate(cudaMemPool_t *memPool, const struct cudaMemPoolProps *poolProps)',
    'cuMemPoolCreate',
    { needsContext: false },
  ),
  forwarded('cudaError_t cudaMemPoolDestroy(cudaMemPool_t memPool)', 'cuMemPoolDestroy', {
    needsContext: false,
  }),
  forwarded(
    'cudaError_t cudaMemPoolTrimTo(cudaMemPool_t memPool, size_t minBytesToKeep)',
    'cuMemPoolTrimTo',
    { needsContext: false },
  ),
  forwarded(
    'cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t memPool, enum cudaMemPoolAttr attr, void *value)',
    'cuMemPoolSetAttribute',
    { needsContext: false },
  ),
  forwarded(
    'cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t memPool, enum cudaMemPoolAttr attr, void *value)',
    'cuMemPoolGetAttribute',
    { needsContext: false },
  ),
  forwarded(
    `cudaError_t cudaMemPoolSetAccess(cudaMemPool_t memPool, const struct cudaMemAccessDesc *descList,
      size_t count)`,
    'cuMemPoolSetAccess',
    { needsContext: false },
  ),
  forwarded(
    `cudaError_t cudaMemPoolGetAccess(enum cudaMemAccessFlags *flags, cudaMemPool_t memPool, struct
      cudaMemLocation *location)`,
    'cuMemPoolGetAccess',
    { needsContext: false },
  ),
  forwarded(
    `cudaError_t cudaMemGetDefaultMemPool(cudaMemPool_t *memPool, struct cudaMemLocation *location,
      enum cudaMemAllocationType type)`,
    'cuMemGetDefaultMemPool',
    { needsContext: false },
  ),
  forwarded(
    `cudaError_t cudaMemGetMemPool(cudaMemPool_t *memPool, struct cudaMemLocation *location,
      enum cudaMemAllocationType type)`,
    'cuMemGetMemPool',
    { needsContext: false },
  ),
  forwarded(
    `cudaError_t cudaMemSetMemPool(struct cudaMemLocation *location, enum cudaMemAllocationType type,
      cudaMemPool_t memPool)`,
    'cuMemSetMemPool',
    { needsContext: false },
  ),
  forwarded('cudaError_t cudaLibraryUnload(cudaLibrary_t library)', 'cuLibraryUnload'),
  forwarded(
    'cudaError_t cudaLibraryGetKernelCount(unsigned int *count, cudaLibrary_t lib)',
    'cuLibraryGetKernelCount',
  ),
  forwarded(
    `cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code, enum cudaJitOption *jitOptions,
      void **jitOptionsValues, unsigned int numJitOptions, enum cudaLibraryOption *libraryOptions, void
      **libraryOptionValues, unsigned int numLibraryOptions)`,
    'cuLibraryLoadData',
  ),
  forwarded(
    `cudaError_t cudaLibraryLoadFromFile(cudaLibrary_t *library, const char *fileName, enum cudaJitOption
      *jitOptions, void **jitOptionsValues, unsigned int numJitOptions, enum cudaLibraryOption
      *libraryOptions, void **libraryOptionValues, unsigned int numLibraryOptions)`,
    'cuLibraryLoadFromFile',
  ),
  forwarded('cudaError_t cudaProfilerStart(void)', 'cuProfilerStart'),
  forwarded('cudaError_t cudaProfilerStop(void)', 'cuProfilerStop'),
];
