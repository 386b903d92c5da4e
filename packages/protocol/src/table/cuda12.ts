// The libraries of CUDA 12. libcudart.so.12: the same functions but for those whose shape changed in CUDA 13.
import type { CallEntry } from '../schema.js';

/** By name in libcudart.so.12: what answers, where that is not the function of the same name in CUDA 13. */
const changed: Readonly<Record<string, string>> = {
  cudaGetDeviceProperties_v2: 'vgpu_cuda12_get_device_properties',
  cudaPointerGetAttributes: 'vgpu_cuda12_pointer_get_attributes',
  cudaMemPrefetchAsync: 'vgpu_cuda12_mem_prefetch_async',
  cudaMemPrefetchAsync_v2: 'cudaMemPrefetchAsync',
  cudaMemAdvise: 'vgpu_cuda12_mem_advise',
  cudaMemAdvise_v2: 'cudaMemAdvise',
  cudaRuntimeGetVersion: 'vgpu_cuda12_runtime_get_version',
  cudaCreateTextureObject: 'vgpu_cuda12_create_texture_object',
  cudaGetTextureObjectResourceDesc: 'vgpu_cuda12_get_texture_object_resource_desc',
  cudaGetDriverEntryPoint: 'vgpu_cuda12_get_driver_entry_point',
  cudaGetDriverEntryPoint_ptsz: 'vgpu_cuda12_get_driver_entry_point_ptsz',
  cudaStreamGetCaptureInfo_v2: 'vgpu_cuda12_stream_get_capture_info',
  cudaStreamGetCaptureInfo_v3: 'cudaStreamGetCaptureInfo',
  cudaGraphGetEdges: 'vgpu_cuda12_graph_get_edges',
  cudaGraphGetEdges_v2: 'cudaGraphGetEdges',
  cudaGraphNodeGetDependencies: 'vgpu_cuda12_graph_node_get_dependencies',
  cudaGraphNodeGetDependencies_v2: 'cudaGraphNodeGetDependencies',
  cudaGraphAddDependencies: 'vgpu_cuda12_graph_add_dependencies',
  cudaGraphAddDependencies_v2: 'cudaGraphAddDependencies',
};

/**
 * Not there: what CUDA 13 brought, and what has under this name, in CUDA 12, the shape of CUDA 11, which no program
 * built for CUDA 12 uses.
 */
const absent: ReadonlySet<string> = new Set([
  'cudaGetDeviceProperties',
  'cudaStreamGetCaptureInfo',
  'cudaStreamGetCaptureInfo_ptsz',
  'cudaMemPrefetchAsync_ptsz',
  'cudaMemGetDefaultMemPool',
  'cudaMemGetMemPool',
  'cudaMemSetMemPool',
]);

/** The same for libcublas.so.12, which has the same functions. */
const changedInCublas: Readonly<Record<string, string>> = {
  cublasGetVersion_v2: 'vgpu_cuda12_cublas_get_version',
  cublasGetProperty: 'vgpu_cuda12_cublas_get_property',
  cublasGetCudartVersion: 'vgpu_cuda12_cublas_get_cudart_version',
};

/** What libcublas.so.12 exports, and the function that answers. */
export function cublas12Functions(calls: readonly CallEntry[]): ReadonlyMap<string, string> {
  const names = calls.flatMap(({ api, prototype }) => (api === 'cublas' ? [prototype.name] : []));
  return new Map(names.map((name) => [name, changedInCublas[name] ?? name]));
}

/** What libcudart.so.12 exports, and the function that answers. */
export function cuda12Functions(calls: readonly CallEntry[]): ReadonlyMap<string, string> {
  const functions = new Map<string, string>();
  for (const { api, prototype } of calls) {
    if (api === 'runtime' && !absent.has(prototype.name)) functions.set(prototype.name, prototype.name);
  }
  for (const [name, answering] of Object.entries(changed)) functions.set(name, answering);
  return functions;
}
