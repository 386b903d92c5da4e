// The forms of calls for which the default stream is the calling thread's own. `nvcc --default-stream per-thread` makes
// programs use them. Each is there as soon as the call beneath it is.
import type { CallEntry } from '../schema.js';
import { perThread, refused, streamParameter } from './define.js';

const driverNames = `
  cuMemcpy_ptds cuMemcpyPeer_ptds cuMemcpyHtoD_v2_ptds cuMemcpyDtoH_v2_ptds cuMemcpyDtoD_v2_ptds
  cuMemcpyDtoA_v2_ptds cuMemcpyAtoD_v2_ptds cuMemcpyHtoA_v2_ptds cuMemcpyAtoH_v2_ptds
  cuMemcpyAtoA_v2_ptds cuMemcpy2D_v2_ptds cuMemcpy2DUnaligned_v2_ptds cuMemcpy3D_v2_ptds
  cuMemcpy3DPeer_ptds cuMemcpyAsync_ptsz cuMemcpyPeerAsync_ptsz cuMemcpyHtoDAsync_v2_ptsz
  cuMemcpyDtoHAsync_v2_ptsz cuMemcpyDtoDAsync_v2_ptsz cuMemcpyHtoAAsync_v2_ptsz
  cuMemcpyAtoHAsync_v2_ptsz cuMemcpy2DAsync_v2_ptsz cuMemcpy3DAsync_v2_ptsz cuMemcpy3DPeerAsync_ptsz
  cuMemcpyBatchAsync_v2_ptsz cuMemcpy3DBatchAsync_v2_ptsz cuMemsetD8_v2_ptds cuMemsetD16_v2_ptds
  cuMemsetD32_v2_ptds cuMemsetD2D8_v2_ptds cuMemsetD2D16_v2_ptds cuMemsetD2D32_v2_ptds
  cuMemsetD8Async_ptsz cuMemsetD16Async_ptsz cuMemsetD32Async_ptsz cuMemsetD2D8Async_ptsz
  cuMemsetD2D16Async_ptsz cuMemsetD2D32Async_ptsz cuMemBatchDecompressAsync_ptsz cuMemMapArrayAsync_ptsz
  cuMemFreeAsync_ptsz cuMemAllocAsync_ptsz cuMemAllocFromPoolAsync_ptsz cuMemPrefetchAsync_v2_ptsz
  cuMemPrefetchBatchAsync_ptsz cuMemDiscardBatchAsync_ptsz cuMemDiscardAndPrefetchBatchAsync_ptsz
  cuStreamGetPriority_ptsz cuStreamGetDevice_ptsz cuStreamGetFlags_ptsz cuStreamGetId_ptsz
  cuStreamGetCtx_ptsz cuStreamGetCtx_v2_ptsz cuStreamWaitEvent_ptsz cuStreamAddCallback_ptsz
  cuStreamBeginCapture_v2_ptsz cuStreamBeginCaptureToGraph_ptsz cuStreamEndCapture_ptsz
  cuStreamIsCapturing_ptsz cuStreamGetCaptureInfo_v3_ptsz cuStreamUpdateCaptureDependencies_v2_ptsz
  cuStreamAttachMemAsync_ptsz cuStreamQuery_ptsz cuStreamSynchronize_ptsz cuStreamCopyAttributes_ptsz
  cuStreamGetAttribute_ptsz cuStreamSetAttribute_ptsz cuEventRecord_ptsz cuEventRecordWithFlags_ptsz
  cuSignalExternalSemaphoresAsync_ptsz cuWaitExternalSemaphoresAsync_ptsz cuStreamWaitValue32_v2_ptsz
  cuStreamWaitValue64_v2_ptsz cuStreamWriteValue32_v2_ptsz cuStreamWriteValue64_v2_ptsz
  cuStreamBatchMemOp_v2_ptsz cuLaunchKernel_ptsz cuLaunchCooperativeKernel_ptsz cuLaunchHostFunc_ptsz
  cuGraphInstantiateWithParams_ptsz cuGraphUpload_ptsz cuGraphLaunch_ptsz cuGraphicsMapResources_ptsz
  cuGraphicsUnmapResources_ptsz cuMemcpyBatchAsync_ptsz cuMemcpy3DBatchAsync_ptsz
  cuStreamWriteValue32_ptsz cuStreamWaitValue32_ptsz cuStreamWriteValue64_ptsz cuStreamWaitValue64_ptsz
  cuStreamBatchMemOp_ptsz cuMemPrefetchAsync_ptsz cuStreamBeginCapture_ptsz cuStreamGetCaptureInfo_ptsz
  cuStreamGetCaptureInfo_v2_ptsz cuStreamUpdateCaptureDependencies_ptsz
`;

const runtimeNames = `
  __cudaLaunchKernel_ptsz cudaEventRecordWithFlags_ptsz cudaEventRecord_ptsz cudaFreeAsync_ptsz
  cudaGraphInstantiateWithParams_ptsz cudaGraphLaunch_ptsz cudaGraphUpload_ptsz
  cudaLaunchCooperativeKernel_ptsz cudaLaunchHostFunc_ptsz cudaLaunchKernel_ptsz cudaMallocAsync_ptsz
  cudaMallocFromPoolAsync_ptsz cudaMemDiscardAndPrefetchBatchAsync_ptsz cudaMemDiscardBatchAsync_ptsz
  cudaMemPrefetchAsync_ptsz cudaMemPrefetchBatchAsync_ptsz cudaMemcpy2DArrayToArray_ptds
  cudaMemcpy2DAsync_ptsz cudaMemcpy2DFromArrayAsync_ptsz cudaMemcpy2DFromArray_ptds
  cudaMemcpy2DToArrayAsync_ptsz cudaMemcpy2DToArray_ptds cudaMemcpy2D_ptds cudaMemcpy3DAsync_ptsz
  cudaMemcpy3DBatchAsync_ptsz cudaMemcpy3DPeerAsync_ptsz cudaMemcpy3DPeer_ptds cudaMemcpy3D_ptds
  cudaMemcpyArrayToArray_ptds cudaMemcpyAsync_ptsz cudaMemcpyBatchAsync_ptsz
  cudaMemcpyFromArrayAsync_ptsz cudaMemcpyFromArray_ptds cudaMemcpyFromSymbolAsync_ptsz
  cudaMemcpyFromSymbol_ptds cudaMemcpyToArrayAsync_ptsz cudaMemcpyToArray_ptds
  cudaMemcpyToSymbolAsync_ptsz cudaMemcpyToSymbol_ptds cudaMemcpy_ptds cudaMemset2DAsync_ptsz
  cudaMemset2D_ptds cudaMemset3DAsync_ptsz cudaMemset3D_ptds cudaMemsetAsync_ptsz cudaMemset_ptds
  cudaSignalExternalSemaphoresAsync_ptsz cudaStreamAddCallback_ptsz cudaStreamAttachMemAsync_ptsz
  cudaStreamBeginCaptureToGraph_ptsz cudaStreamBeginCapture_ptsz cudaStreamCopyAttributes_ptsz
  cudaStreamEndCapture_ptsz cudaStreamGetAttribute_ptsz cudaStreamGetCaptureInfo_ptsz
  cudaStreamGetDevice_ptsz cudaStreamGetFlags_ptsz cudaStreamGetId_ptsz cudaStreamGetPriority_ptsz
  cudaStreamIsCapturing_ptsz cudaStreamQuery_ptsz cudaStreamSetAttribute_ptsz cudaStreamSynchronize_ptsz
  cudaStreamUpdateCaptureDependencies_ptsz cudaStreamWaitEvent_ptsz cudaWaitExternalSemaphoresAsync_ptsz
`;

/** The entries for all these names, given everything else that the table says. */
export function perThreadCalls(others: readonly CallEntry[]): CallEntry[] {
  const known = new Map(
    others.filter((call) => call.kind !== 'refused').map((call) => [call.prototype.name, call]),
  );
  const entry = (api: 'driver' | 'runtime', name: string): CallEntry[] => {
    // _ptsz: the stream is a parameter. _ptds: the call has none, but its asynchronous form has.
    const plain = known.get(name.replace(/_pt[ds][sz]$/, ''));
    if (plain === undefined) return refused(api, name);
    if (name.endsWith('_ptsz')) {
      return streamParameter(plain) === undefined ? refused(api, name) : [perThread(api, name, plain, plain)];
    }
    const asynchronous = plain.prototype.name.replace('Unaligned', '').replace(/(_v\d)?$/, 'Async$1');
    const beneath = known.get(asynchronous);
    return beneath === undefined ? refused(api, name) : [perThread(api, name, plain, beneath)];
  };
  const entries = (api: 'driver' | 'runtime', names: string): CallEntry[] =>
    names.split(/\s+/).flatMap((name) => (name === '' ? [] : entry(api, name)));
  return [...entries('driver', driverNames), ...entries('runtime', runtimeNames)];
}
