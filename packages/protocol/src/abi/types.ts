// The C types that CUDA's prototypes use: how C spells them, and how their values travel.

/** Scalar encodings of the wire format; all little-endian. */
export const wireScalars = {
  i32: { bytes: 4, cType: 'int32_t' },
  u8: { bytes: 1, cType: 'uint8_t' },
  u16: { bytes: 2, cType: 'uint16_t' },
  u32: { bytes: 4, cType: 'uint32_t' },
  u64: { bytes: 8, cType: 'uint64_t' },
  f32: { bytes: 4, cType: 'float' },
} as const;

export type WireScalar = keyof typeof wireScalars;

/** C's own types, which need no declaration. */
export const plainTypes: Readonly<Record<string, WireScalar>> = {
  int: 'i32',
  'unsigned int': 'u32',
  'unsigned char': 'u8',
  'unsigned short': 'u16',
  'unsigned long long': 'u64',
  size_t: 'u64',
  float: 'f32',
};

/** Opaque handles: pointers to a structure that only the executor knows. On the wire a u64 that it chose. */
export const handleTypes: Readonly<Record<string, string>> = {
  CUcontext: 'CUctx_st',
  CUmodule: 'CUmod_st',
  CUfunction: 'CUfunc_st',
  CUkernel: 'CUkern_st',
  CUlibrary: 'CUlib_st',
  CUarray: 'CUarray_st',
  CUstream: 'CUstream_st',
  CUevent: 'CUevent_st',
  CUgraph: 'CUgraph_st',
  CUgraphExec: 'CUgraphExec_st',
  CUgraphNode: 'CUgraphNode_st',
  CUmemoryPool: 'CUmemPoolHandle_st',
  CUlinkState: 'CUlinkState_st',
};

/** The runtime's handles are the driver's by another name. */
export const handleAliases: Readonly<Record<string, string>> = {
  cudaStream_t: 'CUstream_st',
  cudaEvent_t: 'CUevent_st',
  cudaArray_t: 'cudaArray',
  cudaKernel_t: 'CUkern_st',
  cudaFunction_t: 'CUfunc_st',
  cudaLibrary_t: 'CUlib_st',
  cudaGraph_t: 'CUgraph_st',
  cudaGraphExec_t: 'CUgraphExec_st',
  cudaGraphNode_t: 'CUgraphNode_st',
  cudaMemPool_t: 'CUmemPoolHandle_st',
};

/** Names for integers. */
export const integerAliases: Readonly<Record<string, { readonly cType: string; readonly wire: WireScalar }>> =
  {
    CUdevice: { cType: 'int', wire: 'i32' },
    CUdeviceptr: { cType: 'unsigned long long', wire: 'u64' },
    CUmemGenericAllocationHandle: { cType: 'unsigned long long', wire: 'u64' },
    CUtexObject: { cType: 'unsigned long long', wire: 'u64' },
    cudaTextureObject_t: { cType: 'unsigned long long', wire: 'u64' },
    cuuint32_t: { cType: 'uint32_t', wire: 'u32' },
    cuuint64_t: { cType: 'uint64_t', wire: 'u64' },
  };

/** Function pointers, kept as they are: they never travel. */
export const callbackTypes: Readonly<Record<string, string>> = {
  CUoccupancyB2DSize: 'size_t (*%s)(int blockSize)',
  CUhostFn: 'void (*%s)(void *userData)',
  CUstreamCallback: 'void (*%s)(CUstream hStream, CUresult status, void *userData)',
  cudaHostFn_t: 'void (*%s)(void *userData)',
  cudaStreamCallback_t: 'void (*%s)(cudaStream_t stream, enum cudaError status, void *userData)',
};
