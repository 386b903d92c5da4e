// The structures of CUDA's ABI that programs pass to us, field by field in C.
// test/cuda-headers.test.ts compares size and offsets with the installed headers.

export interface StructureField {
  /** C type of one element. */
  readonly type: string;
  readonly name: string;
  /** Array length; absent for a single value. */
  readonly count?: number;
}

export interface Structure {
  readonly name: string;
  /** `struct name` in C rather than a typedef. */
  readonly tagged?: boolean;
  /** Its fields lie at one place. */
  readonly union?: true;
  /** The header that declares it; `unnamed` where it has no name there, but is part of another structure. */
  readonly header: 'cuda.h' | 'cuda_runtime_api.h' | 'nvml.h' | 'of CUDA 12' | 'unnamed';
  readonly fields: readonly StructureField[];
}

const name = String.raw`\w+(?:\[\d+\])?`;
const declarationPattern = new RegExp(`^(.*?[ *])(${name}(?:, ?${name})*)$`);

/** `"int major, minor; int maxGridSize[3]"` as fields. */
function fields(declarations: string): StructureField[] {
  return declarations
    .split(';')
    .map((declaration) => declaration.replace(/\s+/g, ' ').trim())
    .filter((declaration) => declaration !== '')
    .flatMap((declaration) => {
      const match = declarationPattern.exec(declaration);
      const type = match?.[1]?.trim();
      const names = match?.[2];
      if (type === undefined || names === undefined) throw new SyntaxError(`not a field: ${declaration}`);
      return names.split(/, ?/).map((entry): StructureField => {
        const [field = '', count] = entry.split(/[[\]]/);
        return count === undefined ? { type, name: field } : { type, name: field, count: Number(count) };
      });
    });
}

export const structures: readonly Structure[] = [
  { name: 'CUuuid', header: 'cuda.h', fields: fields('char bytes[16]') },
  {
    name: 'CUctxCreateParams',
    header: 'cuda.h',
    fields: fields('void * execAffinityParams; int numExecAffinityParams; void * cigParams'),
  },
  {
    name: 'CUdevprop',
    header: 'cuda.h',
    fields: fields(`int maxThreadsPerBlock; int maxThreadsDim[3]; int maxGridSize[3]; int sharedMemPerBlock;
      int totalConstantMemory; int SIMDWidth; int memPitch; int regsPerBlock; int clockRate; int textureAlign`),
  },
  {
    name: 'CUDA_MEMCPY2D',
    header: 'cuda.h',
    fields:
      fields(`size_t srcXInBytes, srcY; CUmemorytype srcMemoryType; const void * srcHost; CUdeviceptr srcDevice;
      CUarray srcArray; size_t srcPitch; size_t dstXInBytes, dstY; CUmemorytype dstMemoryType; void * dstHost;
      CUdeviceptr dstDevice; CUarray dstArray; size_t dstPitch; size_t WidthInBytes, Height`),
  },
  {
    name: 'CUDA_MEMCPY3D',
    header: 'cuda.h',
    fields: fields(`size_t srcXInBytes, srcY, srcZ, srcLOD; CUmemorytype srcMemoryType; const void * srcHost;
      CUdeviceptr srcDevice; CUarray srcArray; void * reserved0; size_t srcPitch, srcHeight;
      size_t dstXInBytes, dstY, dstZ, dstLOD; CUmemorytype dstMemoryType; void * dstHost; CUdeviceptr dstDevice;
      CUarray dstArray; void * reserved1; size_t dstPitch, dstHeight; size_t WidthInBytes, Height, Depth`),
  },
  {
    name: 'CUDA_MEMCPY3D_PEER',
    header: 'cuda.h',
    fields: fields(`size_t srcXInBytes, srcY, srcZ, srcLOD; CUmemorytype srcMemoryType; const void * srcHost;
      CUdeviceptr srcDevice; CUarray srcArray; CUcontext srcContext; size_t srcPitch, srcHeight;
      size_t dstXInBytes, dstY, dstZ, dstLOD; CUmemorytype dstMemoryType; void * dstHost; CUdeviceptr dstDevice;
      CUarray dstArray; CUcontext dstContext; size_t dstPitch, dstHeight; size_t WidthInBytes, Height, Depth`),
  },
  {
    name: 'CUDA_ARRAY_DESCRIPTOR',
    header: 'cuda.h',
    fields: fields('size_t Width, Height; CUarray_format Format; unsigned int NumChannels'),
  },
  {
    name: 'CUDA_ARRAY3D_DESCRIPTOR',
    header: 'cuda.h',
    fields: fields('size_t Width, Height, Depth; CUarray_format Format; unsigned int NumChannels, Flags'),
  },
  { name: 'CUDA_RESOURCE_DESC_array', header: 'unnamed', fields: fields('CUarray hArray') },
  { name: 'CUDA_RESOURCE_DESC_mipmap', header: 'unnamed', fields: fields('void * hMipmappedArray') },
  {
    name: 'CUDA_RESOURCE_DESC_linear',
    header: 'unnamed',
    fields: fields('CUdeviceptr devPtr; CUarray_format format; unsigned int numChannels; size_t sizeInBytes'),
  },
  {
    name: 'CUDA_RESOURCE_DESC_pitch2D',
    header: 'unnamed',
    fields: fields(`CUdeviceptr devPtr; CUarray_format format; unsigned int numChannels;
      size_t width, height, pitchInBytes`),
  },
  { name: 'CUDA_RESOURCE_DESC_reserved', header: 'unnamed', fields: fields('int reserved[32]') },
  {
    name: 'CUDA_RESOURCE_DESC_res',
    header: 'unnamed',
    union: true,
    fields: fields(`CUDA_RESOURCE_DESC_array array; CUDA_RESOURCE_DESC_mipmap mipmap;
      CUDA_RESOURCE_DESC_linear linear; CUDA_RESOURCE_DESC_pitch2D pitch2D; CUDA_RESOURCE_DESC_reserved reserved`),
  },
  {
    name: 'CUDA_RESOURCE_DESC',
    header: 'cuda.h',
    fields: fields('CUresourcetype resType; CUDA_RESOURCE_DESC_res res; unsigned int flags'),
  },
  {
    name: 'CUDA_TEXTURE_DESC',
    header: 'cuda.h',
    fields:
      fields(`CUaddress_mode addressMode[3]; CUfilter_mode filterMode; unsigned int flags, maxAnisotropy;
      CUfilter_mode mipmapFilterMode; float mipmapLevelBias, minMipmapLevelClamp, maxMipmapLevelClamp,
      borderColor[4]; int reserved[12]`),
  },
  {
    name: 'CUDA_RESOURCE_VIEW_DESC',
    header: 'cuda.h',
    fields: fields(`CUresourceViewFormat format; size_t width, height, depth; unsigned int firstMipmapLevel,
      lastMipmapLevel, firstLayer, lastLayer, reserved[16]`),
  },
  { name: 'CUmemLocation', header: 'cuda.h', fields: fields('CUmemLocationType type; int id') },
  {
    name: 'CUmemAccessDesc',
    header: 'cuda.h',
    fields: fields('CUmemLocation location; CUmemAccess_flags flags'),
  },
  {
    name: 'CUmemAllocationProp',
    header: 'cuda.h',
    fields:
      fields(`CUmemAllocationType type; CUmemAllocationHandleType requestedHandleTypes; CUmemLocation location;
      void * win32HandleMetaData; unsigned char allocFlags[8]`),
  },
  {
    name: 'CUmemPoolProps',
    header: 'cuda.h',
    fields:
      fields(`CUmemAllocationType allocType; CUmemAllocationHandleType handleTypes; CUmemLocation location;
      void * win32SecurityAttributes; size_t maxSize; unsigned short usage; unsigned char reserved[54]`),
  },
  {
    name: 'CUDA_KERNEL_NODE_PARAMS',
    header: 'cuda.h',
    fields:
      fields(`CUfunction func; unsigned int gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ,
      sharedMemBytes; void ** kernelParams; void ** extra; CUkernel kern; CUcontext ctx`),
  },
  {
    name: 'CUDA_MEMSET_NODE_PARAMS',
    header: 'cuda.h',
    fields: fields('CUdeviceptr dst; size_t pitch; unsigned int value, elementSize; size_t width, height'),
  },
  {
    name: 'CUDA_MEM_ALLOC_NODE_PARAMS',
    header: 'cuda.h',
    fields:
      fields(`CUmemPoolProps poolProps; const CUmemAccessDesc * accessDescs; size_t accessDescCount, bytesize;
      CUdeviceptr dptr`),
  },
  { name: 'CUDA_HOST_NODE_PARAMS', header: 'cuda.h', fields: fields('CUhostFn fn; void * userData') },
  {
    name: 'CUgraphEdgeData',
    header: 'cuda.h',
    fields: fields('unsigned char from_port, to_port, type, reserved[5]'),
  },
  {
    name: 'CUgraphExecUpdateResultInfo',
    header: 'cuda.h',
    fields: fields('CUgraphExecUpdateResult result; CUgraphNode errorNode; CUgraphNode errorFromNode'),
  },
  {
    name: 'CUlaunchConfig',
    header: 'cuda.h',
    fields:
      fields(`unsigned int gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
      CUstream hStream; void * attrs; unsigned int numAttrs`),
  },
  { name: 'dim3', header: 'cuda_runtime_api.h', fields: fields('unsigned int x, y, z') },
  { name: 'uint3', header: 'cuda_runtime_api.h', fields: fields('unsigned int x, y, z') },
  {
    name: 'cudaExtent',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields('size_t width, height, depth'),
  },
  { name: 'cudaPos', tagged: true, header: 'cuda_runtime_api.h', fields: fields('size_t x, y, z') },
  {
    name: 'cudaPitchedPtr',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields('void * ptr; size_t pitch, xsize, ysize'),
  },
  {
    name: 'cudaFuncAttributes',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields:
      fields(`size_t sharedSizeBytes, constSizeBytes, localSizeBytes; int maxThreadsPerBlock, numRegs, ptxVersion,
      binaryVersion, cacheModeCA, maxDynamicSharedSizeBytes, preferredShmemCarveout, clusterDimMustBeSet,
      requiredClusterWidth, requiredClusterHeight, requiredClusterDepth, clusterSchedulingPolicyPreference,
      nonPortableClusterSizeAllowed, reserved[16]`),
  },
  {
    name: 'cudaPointerAttributes',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields(
      `enum cudaMemoryType type; int device; void * devicePointer; void * hostPointer; long reserved[8]`,
    ),
  },
  {
    name: 'cudaLaunchConfig_t',
    header: 'cuda_runtime_api.h',
    fields: fields(`dim3 gridDim, blockDim; size_t dynamicSmemBytes; cudaStream_t stream; void * attrs;
      unsigned int numAttrs`),
  },
  {
    name: 'cudaChannelFormatDesc',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields('int x, y, z, w; enum cudaChannelFormatKind f'),
  },
  { name: 'cudaResourceDesc_array', header: 'unnamed', fields: fields('cudaArray_t array') },
  { name: 'cudaResourceDesc_mipmap', header: 'unnamed', fields: fields('void * mipmap') },
  {
    name: 'cudaResourceDesc_linear',
    header: 'unnamed',
    fields: fields('void * devPtr; struct cudaChannelFormatDesc desc; size_t sizeInBytes'),
  },
  {
    name: 'cudaResourceDesc_pitch2D',
    header: 'unnamed',
    fields: fields('void * devPtr; struct cudaChannelFormatDesc desc; size_t width, height, pitchInBytes'),
  },
  { name: 'cudaResourceDesc_reserved', header: 'unnamed', fields: fields('int reserved[32]') },
  {
    name: 'cudaResourceDesc_res',
    header: 'unnamed',
    union: true,
    fields:
      fields(`cudaResourceDesc_array array; cudaResourceDesc_mipmap mipmap; cudaResourceDesc_linear linear;
      cudaResourceDesc_pitch2D pitch2D; cudaResourceDesc_reserved reserved`),
  },
  {
    name: 'cudaResourceDesc',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields('enum cudaResourceType resType; cudaResourceDesc_res res; unsigned int flags'),
  },
  {
    name: 'cudaTextureDesc',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields(`enum cudaTextureAddressMode addressMode[3]; enum cudaTextureFilterMode filterMode;
      enum cudaTextureReadMode readMode; int sRGB; float borderColor[4]; int normalizedCoords;
      unsigned int maxAnisotropy; enum cudaTextureFilterMode mipmapFilterMode; float mipmapLevelBias,
      minMipmapLevelClamp, maxMipmapLevelClamp; int disableTrilinearOptimization, seamlessCubemap`),
  },
  {
    name: 'cudaResourceViewDesc',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields:
      fields(`enum cudaResourceViewFormat format; size_t width, height, depth; unsigned int firstMipmapLevel,
      lastMipmapLevel, firstLayer, lastLayer, reserved[16]`),
  },
  {
    name: 'cudaDeviceProp',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields:
      fields(`char name[256]; CUuuid uuid; char luid[8]; unsigned int luidDeviceNodeMask; size_t totalGlobalMem;
      size_t sharedMemPerBlock; int regsPerBlock; int warpSize; size_t memPitch; int maxThreadsPerBlock;
      int maxThreadsDim[3]; int maxGridSize[3]; size_t totalConstMem; int major, minor; size_t textureAlignment;
      size_t texturePitchAlignment; int multiProcessorCount, integrated, canMapHostMemory, maxTexture1D,
      maxTexture1DMipmap, maxTexture2D[2], maxTexture2DMipmap[2], maxTexture2DLinear[3], maxTexture2DGather[2],
      maxTexture3D[3], maxTexture3DAlt[3], maxTextureCubemap, maxTexture1DLayered[2], maxTexture2DLayered[3],
      maxTextureCubemapLayered[2], maxSurface1D, maxSurface2D[2], maxSurface3D[3], maxSurface1DLayered[2],
      maxSurface2DLayered[3], maxSurfaceCubemap, maxSurfaceCubemapLayered[2]; size_t surfaceAlignment;
      int concurrentKernels, ECCEnabled, pciBusID, pciDeviceID, pciDomainID, tccDriver, asyncEngineCount,
      unifiedAddressing, memoryBusWidth, l2CacheSize, persistingL2CacheMaxSize, maxThreadsPerMultiProcessor,
      streamPrioritiesSupported, globalL1CacheSupported, localL1CacheSupported; size_t sharedMemPerMultiprocessor;
      int regsPerMultiprocessor, managedMemory, isMultiGpuBoard, multiGpuBoardGroupID, hostNativeAtomicSupported,
      pageableMemoryAccess, concurrentManagedAccess, computePreemptionSupported, canUseHostPointerForRegisteredMem,
      cooperativeLaunch; size_t sharedMemPerBlockOptin; int pageableMemoryAccessUsesHostPageTables,
      directManagedMemAccessFromHost, maxBlocksPerMultiProcessor, accessPolicyMaxWindowSize;
      size_t reservedSharedMemPerBlock; int hostRegisterSupported, sparseCudaArraySupported,
      hostRegisterReadOnlySupported, timelineSemaphoreInteropSupported, memoryPoolsSupported, gpuDirectRDMASupported;
      unsigned int gpuDirectRDMAFlushWritesOptions; int gpuDirectRDMAWritesOrdering;
      unsigned int memoryPoolSupportedHandleTypes; int deferredMappingCudaArraySupported, ipcEventSupported,
      clusterLaunch, unifiedFunctionPointers, deviceNumaConfig, deviceNumaId, mpsEnabled, hostNumaId;
      unsigned int gpuPciDeviceID, gpuPciSubsystemID; int hostNumaMultinodeIpcSupported, reserved[56]`),
  },
  {
    name: 'cudaMemcpy3DParms',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields:
      fields(`cudaArray_t srcArray; struct cudaPos srcPos; struct cudaPitchedPtr srcPtr; cudaArray_t dstArray;
      struct cudaPos dstPos; struct cudaPitchedPtr dstPtr; struct cudaExtent extent; enum cudaMemcpyKind kind`),
  },
  {
    name: 'cudaMemcpy3DPeerParms',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields(`cudaArray_t srcArray; struct cudaPos srcPos; struct cudaPitchedPtr srcPtr; int srcDevice;
      cudaArray_t dstArray; struct cudaPos dstPos; struct cudaPitchedPtr dstPtr; int dstDevice;
      struct cudaExtent extent`),
  },
  {
    name: 'cudaMemLocation',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields('enum cudaMemLocationType type; int id'),
  },
  {
    name: 'cudaMemAccessDesc',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields('struct cudaMemLocation location; enum cudaMemAccessFlags flags'),
  },
  {
    name: 'cudaMemPoolProps',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields(`enum cudaMemAllocationType allocType; enum cudaMemAllocationHandleType handleTypes;
      struct cudaMemLocation location; void * win32SecurityAttributes; size_t maxSize; unsigned short usage;
      unsigned char reserved[54]`),
  },
  {
    name: 'cudaKernelNodeParams',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields(
      'void * func; dim3 gridDim, blockDim; unsigned int sharedMemBytes; void ** kernelParams; void ** extra',
    ),
  },
  {
    name: 'cudaMemsetParams',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields('void * dst; size_t pitch; unsigned int value, elementSize; size_t width, height'),
  },
  {
    name: 'cudaMemAllocNodeParams',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields(`struct cudaMemPoolProps poolProps; const struct cudaMemAccessDesc * accessDescs;
      size_t accessDescCount, bytesize; void * dptr`),
  },
  {
    name: 'cudaHostNodeParams',
    tagged: true,
    header: 'cuda_runtime_api.h',
    fields: fields('cudaHostFn_t fn; void * userData'),
  },
  {
    name: 'cudaGraphEdgeData',
    header: 'cuda_runtime_api.h',
    fields: fields('unsigned char from_port, to_port, type, reserved[5]'),
  },
  {
    name: 'cudaGraphExecUpdateResultInfo',
    header: 'cuda_runtime_api.h',
    fields: fields(
      'enum cudaGraphExecUpdateResult result; cudaGraphNode_t errorNode; cudaGraphNode_t errorFromNode',
    ),
  },
  {
    // As CUDA 12.0 and 12.1 declare it. Later versions of 12 name some of what is reserved.
    name: 'cudaDeviceProp_12',
    tagged: true,
    header: 'of CUDA 12',
    fields:
      fields(`char name[256]; CUuuid uuid; char luid[8]; unsigned int luidDeviceNodeMask; size_t totalGlobalMem, sharedMemPerBlock;
int regsPerBlock, warpSize; size_t memPitch; int maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3], clockRate;
size_t totalConstMem; int major, minor; size_t textureAlignment, texturePitchAlignment; int deviceOverlap,
multiProcessorCount, kernelExecTimeoutEnabled, integrated, canMapHostMemory, computeMode, maxTexture1D,
maxTexture1DMipmap, maxTexture1DLinear, maxTexture2D[2], maxTexture2DMipmap[2], maxTexture2DLinear[3],
maxTexture2DGather[2], maxTexture3D[3], maxTexture3DAlt[3], maxTextureCubemap, maxTexture1DLayered[2],
maxTexture2DLayered[3], maxTextureCubemapLayered[2], maxSurface1D, maxSurface2D[2], maxSurface3D[3],
maxSurface1DLayered[2], maxSurface2DLayered[3], maxSurfaceCubemap, maxSurfaceCubemapLayered[2];
size_t surfaceAlignment; int concurrentKernels, ECCEnabled, pciBusID, pciDeviceID, pciDomainID, tccDriver,
asyncEngineCount, unifiedAddressing, memoryClockRate, memoryBusWidth, l2CacheSize, persistingL2CacheMaxSize,
maxThreadsPerMultiProcessor, streamPrioritiesSupported, globalL1CacheSupported, localL1CacheSupported;
size_t sharedMemPerMultiprocessor; int regsPerMultiprocessor, managedMemory, isMultiGpuBoard, multiGpuBoardGroupID,
hostNativeAtomicSupported, singleToDoublePrecisionPerfRatio, pageableMemoryAccess, concurrentManagedAccess,
computePreemptionSupported, canUseHostPointerForRegisteredMem, cooperativeLaunch, cooperativeMultiDeviceLaunch;
size_t sharedMemPerBlockOptin; int pageableMemoryAccessUsesHostPageTables, directManagedMemAccessFromHost,
maxBlocksPerMultiProcessor, accessPolicyMaxWindowSize; size_t reservedSharedMemPerBlock; int hostRegisterSupported,
sparseCudaArraySupported, hostRegisterReadOnlySupported, timelineSemaphoreInteropSupported, memoryPoolsSupported,
gpuDirectRDMASupported; unsigned int gpuDirectRDMAFlushWritesOptions; int gpuDirectRDMAWritesOrdering;
unsigned int memoryPoolSupportedHandleTypes; int deferredMappingCudaArraySupported, ipcEventSupported, clusterLaunch,
unifiedFunctionPointers, reserved[63]`),
  },
  {
    name: 'cudaPointerAttributes_12',
    tagged: true,
    header: 'of CUDA 12',
    fields: fields('enum cudaMemoryType type; int device; void * devicePointer; void * hostPointer'),
  },
  { name: 'nvmlMemory_t', header: 'nvml.h', fields: fields('unsigned long long total, free, used') },
  {
    name: 'nvmlMemory_v2_t',
    header: 'nvml.h',
    fields: fields('unsigned int version; unsigned long long total, reserved, free, used'),
  },
  {
    name: 'nvmlProcessInfo_v1_t',
    header: 'nvml.h',
    fields: fields('unsigned int pid; unsigned long long usedGpuMemory'),
  },
  {
    name: 'nvmlProcessInfo_t',
    header: 'nvml.h',
    fields: fields(
      'unsigned int pid; unsigned long long usedGpuMemory; unsigned int gpuInstanceId, computeInstanceId',
    ),
  },
  { name: 'nvmlUtilization_t', header: 'nvml.h', fields: fields('unsigned int gpu, memory') },
  {
    name: 'nvmlProcessUtilizationSample_t',
    header: 'nvml.h',
    fields: fields(
      'unsigned int pid; unsigned long long timeStamp; unsigned int smUtil, memUtil, encUtil, decUtil',
    ),
  },
  {
    name: 'nvmlEventData_v1_t',
    header: 'nvml.h',
    fields: fields('nvmlDevice_t device; unsigned long long eventType, eventData'),
  },
  {
    name: 'nvmlEventData_t',
    header: 'nvml.h',
    fields: fields(
      'nvmlDevice_t device; unsigned long long eventType, eventData; unsigned int gpuInstanceId, computeInstanceId',
    ),
  },
  {
    name: 'nvmlPciInfo_t',
    header: 'nvml.h',
    fields: fields(`char busIdLegacy[16]; unsigned int domain, bus, device, pciDeviceId, pciSubSystemId;
      char busId[32]`),
  },
];
