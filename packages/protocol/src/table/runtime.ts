// Runtime API. All of it is guest code on top of the driver API alone, so that it also runs on a real driver.
import type { CallEntry } from '../schema.js';
import { local } from './define.js';

const group = (why: string, prototypes: readonly string[]): CallEntry[] =>
  prototypes.map((text) => local('runtime', 0, text, why));

/** The beginning of each call that adds a node to a graph. */
export const adding = (name: string): string =>
  `cudaError_t ${name}(cudaGraphNode_t *pGraphNode, cudaGraph_t graph, const cudaGraphNode_t *pDependencies, size_t numDependencies`;

export const runtime: readonly CallEntry[] = [
  ...group('chooses the device and its primary context', [
    'cudaError_t cudaGetDeviceCount(int *count)',
    'cudaError_t cudaSetDevice(int device)',
    'cudaError_t cudaGetDevice(int *device)',
    'cudaError_t cudaInitDevice(int device, unsigned int deviceFlags, unsigned int flags)',
    'cudaError_t cudaSetDeviceFlags(unsigned int flags)',
    'cudaError_t cudaGetDeviceFlags(unsigned int *flags)',
    'cudaError_t cudaDeviceReset(void)',
    'cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)',
    'cudaError_t cudaDeviceEnablePeerAccess(int peerDevice, unsigned int flags)',
    'cudaError_t cudaDeviceDisablePeerAccess(int peerDevice)',
    'cudaError_t cudaDeviceGetCacheConfig(enum cudaFuncCache *pCacheConfig)',
    'cudaError_t cudaDriverGetVersion(int *driverVersion)',
    'cudaError_t cudaRuntimeGetVersion(int *runtimeVersion)',
  ]),
  ...group('keeps the last error of each thread', [
    'cudaError_t cudaGetLastError(void)',
    'cudaError_t cudaPeekAtLastError(void)',
    'const char *cudaGetErrorName(cudaError_t error)',
    'const char *cudaGetErrorString(cudaError_t error)',
  ]),
  ...group('maps host functions and variables to kernels and symbols', [
    `cudaError_t cudaLaunchKernel(const void *func, dim3 gridDim, dim3 blockDim, void **args, size_t
      sharedMem, cudaStream_t stream)`,
    'cudaError_t cudaLaunchKernelExC_ptsz(const cudaLaunchConfig_t *config, const void *func, void **args)',
    'cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *func, void **args)',
    'cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attr, const void *func)',
    'cudaError_t cudaFuncSetAttribute(const void *func, enum cudaFuncAttribute attr, int value)',
    'cudaError_t cudaFuncSetCacheConfig(const void *func, enum cudaFuncCache cacheConfig)',
    'cudaError_t cudaGetSymbolAddress(void **devPtr, const void *symbol)',
    'cudaError_t cudaGetSymbolSize(size_t *size, const void *symbol)',
    `cudaError_t cudaMemcpyToSymbol(const void *symbol, const void *src, size_t count, size_t offset,
      enum cudaMemcpyKind kind)`,
    `cudaError_t cudaMemcpyFromSymbol(void *dst, const void *symbol, size_t count, size_t offset, enum
      cudaMemcpyKind kind)`,
    `cudaError_t cudaMemcpyToSymbolAsync(const void *symbol, const void *src, size_t count, size_t
      offset, enum cudaMemcpyKind kind, cudaStream_t stream)`,
    `cudaError_t cudaMemcpyFromSymbolAsync(void *dst, const void *symbol, size_t count, size_t offset,
      enum cudaMemcpyKind kind, cudaStream_t stream)`,
    `cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *numBlocks, const void *func, int
      blockSize, size_t dynamicSMemSize)`,
    `cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *numBlocks, const void
      *func, int blockSize, size_t dynamicSMemSize, unsigned int flags)`,
    `cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t *dynamicSmemSize, const void *func, int
      numBlocks, int blockSize)`,
    'cudaError_t cudaFuncGetName(const char **name, const void *func)',
    `cudaError_t cudaFuncGetParamInfo(const void *func, size_t paramIndex, size_t *paramOffset, size_t
      *paramSize)`,
    'cudaError_t cudaGetFuncBySymbol(cudaFunction_t *functionPtr, const void *symbolPtr)',
    'cudaError_t cudaGetKernel(cudaKernel_t *kernelPtr, const void *entryFuncAddr)',
    `cudaError_t cudaGetDriverEntryPoint_ptsz(const char *symbol, void **funcPtr, unsigned long long flags,
      enum cudaDriverEntryPointQueryResult *driverStatus)`,
    `cudaError_t cudaGetDriverEntryPointByVersion_ptsz(const char *symbol, void **funcPtr, unsigned int
      cudaVersion, unsigned long long flags, enum cudaDriverEntryPointQueryResult *driverStatus)`,
    `cudaError_t cudaGetDriverEntryPoint(const char *symbol, void **funcPtr, unsigned long long flags,
      enum cudaDriverEntryPointQueryResult *driverStatus)`,
    `cudaError_t cudaGetDriverEntryPointByVersion(const char *symbol, void **funcPtr, unsigned int
      cudaVersion, unsigned long long flags, enum cudaDriverEntryPointQueryResult *driverStatus)`,
  ]),
  ...group('is the driver call under its other name, with the last-error rule', [
    'cudaError_t cudaMalloc(void **devPtr, size_t size)',
    'cudaError_t cudaFree(void *devPtr)',
    'cudaError_t cudaMallocPitch(void **devPtr, size_t *pitch, size_t width, size_t height)',
    'cudaError_t cudaMalloc3D(struct cudaPitchedPtr *pitchedDevPtr, struct cudaExtent extent)',
    'cudaError_t cudaMallocHost(void **ptr, size_t size)',
    'cudaError_t cudaHostAlloc(void **pHost, size_t size, unsigned int flags)',
    'cudaError_t cudaFreeHost(void *ptr)',
    'cudaError_t cudaHostGetDevicePointer(void **pDevice, void *pHost, unsigned int flags)',
    'cudaError_t cudaMemcpy(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind)',
    `cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind,
      cudaStream_t stream)`,
    `cudaError_t cudaMemcpy2D(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width,
      size_t height, enum cudaMemcpyKind kind)`,
    `cudaError_t cudaMemcpy2DAsync(void *dst, size_t dpitch, const void *src, size_t spitch, size_t
      width, size_t height, enum cudaMemcpyKind kind, cudaStream_t stream)`,
    'cudaError_t cudaMemset(void *devPtr, int value, size_t count)',
    'cudaError_t cudaMemsetAsync(void *devPtr, int value, size_t count, cudaStream_t stream)',
    'cudaError_t cudaMemset2D(void *devPtr, size_t pitch, int value, size_t width, size_t height)',
    `cudaError_t cudaMemset2DAsync(void *devPtr, size_t pitch, int value, size_t width, size_t height,
      cudaStream_t stream)`,
    'cudaError_t cudaMemset3D(struct cudaPitchedPtr pitchedDevPtr, int value, struct cudaExtent extent)',
    `cudaError_t cudaMemset3DAsync(struct cudaPitchedPtr pitchedDevPtr, int value, struct cudaExtent extent,
      cudaStream_t stream)`,
    'cudaError_t cudaMemcpy3D(const struct cudaMemcpy3DParms *p)',
    'cudaError_t cudaMemcpy3DAsync(const struct cudaMemcpy3DParms *p, cudaStream_t stream)',
    'cudaError_t cudaMemcpy3DPeer(const struct cudaMemcpy3DPeerParms *p)',
    'cudaError_t cudaMemcpy3DPeerAsync(const struct cudaMemcpy3DPeerParms *p, cudaStream_t stream)',
    'cudaError_t cudaMemcpyPeer(void *dst, int dstDevice, const void *src, int srcDevice, size_t count)',
    `cudaError_t cudaMemcpyPeerAsync(void *dst, int dstDevice, const void *src, int srcDevice, size_t count,
      cudaStream_t stream)`,
    'cudaError_t cudaMallocManaged(void **devPtr, size_t size, unsigned int flags)',
    `cudaError_t cudaMemPrefetchAsync(const void *devPtr, size_t count, struct cudaMemLocation location, unsigned
      int flags, cudaStream_t stream)`,
    `cudaError_t cudaMemAdvise(const void *devPtr, size_t count, enum cudaMemoryAdvise advice, struct
      cudaMemLocation location)`,
    'cudaError_t cudaMallocAsync(void **devPtr, size_t size, cudaStream_t hStream)',
    `cudaError_t cudaMallocFromPoolAsync(void **ptr, size_t size, cudaMemPool_t memPool, cudaStream_t
      stream)`,
    'cudaError_t cudaFreeAsync(void *devPtr, cudaStream_t hStream)',
    `cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void *userData,
      unsigned int flags)`,
    'cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *ptr)',
  ]),
  ...group('is the driver call of graphs under its other name, with the last-error rule', [
    `${adding('cudaGraphAddKernelNode')}, const struct cudaKernelNodeParams *pNodeParams)`,
    `${adding('cudaGraphAddMemcpyNode')}, const struct cudaMemcpy3DParms *pCopyParams)`,
    `${adding('cudaGraphAddMemcpyNode1D')}, void *dst, const void *src, size_t count, enum cudaMemcpyKind kind)`,
    `${adding('cudaGraphAddMemFreeNode')}, void *dptr)`,
    'cudaError_t cudaGraphMemFreeNodeGetParams(cudaGraphNode_t node, void *dptr_out)',
    `${adding('cudaGraphAddMemsetNode')}, const struct cudaMemsetParams *pMemsetParams)`,
    `cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, const struct
      cudaKernelNodeParams *pNodeParams)`,
  ]),
  ...group('maps host functions to kernels', [
    `cudaError_t cudaLaunchCooperativeKernel(const void *func, dim3 gridDim, dim3 blockDim, void **args, size_t
      sharedMem, cudaStream_t stream)`,
  ]),
  ...group('launches kernels of libraries like those of the program', [
    'cudaError_t cudaLibraryGetKernel(cudaKernel_t *pKernel, cudaLibrary_t library, const char *name)',
    `cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t *kernels, unsigned int numKernels, cudaLibrary_t
      lib)`,
    'cudaError_t cudaLibraryGetGlobal(void **dptr, size_t *bytes, cudaLibrary_t library, const char *name)',
    'cudaError_t cudaLibraryGetManaged(void **dptr, size_t *bytes, cudaLibrary_t library, const char *name)',
    `cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel, enum cudaFuncAttribute attr, int value,
      int device)`,
  ]),
  ...group('plain data', [
    `struct cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, enum
      cudaChannelFormatKind f)`,
  ]),
  ...group("called by the code that nvcc generates; the program's constructors run it", [
    'void ** __cudaRegisterFatBinary(void *fatCubin)',
    'void __cudaRegisterFatBinaryEnd(void **fatCubinHandle)',
    'void __cudaUnregisterFatBinary(void **fatCubinHandle)',
    `void __cudaRegisterFunction(void **fatCubinHandle, const char *hostFun, char *deviceFun, const char
      *deviceName, int thread_limit, uint3 *tid, uint3 *bid, dim3 *bDim, dim3 *gDim, int *wSize)`,
    `void __cudaRegisterVar(void **fatCubinHandle, char *hostVar, char *deviceAddress, const char
      *deviceName, int ext, size_t size, int constant, int global)`,
    `void __cudaRegisterManagedVar(void **fatCubinHandle, void **hostVarPtrAddress, char *deviceAddress, const
      char *deviceName, int ext, size_t size, int constant, int global)`,
    'char __cudaInitModule(void **fatCubinHandle)',
    `unsigned int __cudaPushCallConfiguration(dim3 gridDim, dim3 blockDim, size_t sharedMem, struct
      CUstream_st *stream)`,
    'cudaError_t __cudaPopCallConfiguration(dim3 *gridDim, dim3 *blockDim, size_t *sharedMem, void *stream)',
    'cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *entry)',
    `cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 gridDim, dim3 blockDim, void **args,
      size_t sharedMem, cudaStream_t stream)`,
  ]),
];
