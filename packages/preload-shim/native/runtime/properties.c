// cudaGetDeviceProperties: the driver API's attributes under their runtime names.
#include <stdbool.h>
#include <string.h>

#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

struct property {
  size_t offset;  // in struct cudaDeviceProp
  CUdevice_attribute attribute;
  bool wide;  // a size_t there
};

#define INT(attribute, field) \
  { offsetof(struct cudaDeviceProp, field), CU_DEVICE_ATTRIBUTE_##attribute, false }
#define SIZE(attribute, field) \
  { offsetof(struct cudaDeviceProp, field), CU_DEVICE_ATTRIBUTE_##attribute, true }

static const struct property properties[] = {
    SIZE(MAX_SHARED_MEMORY_PER_BLOCK, sharedMemPerBlock),
    INT(MAX_REGISTERS_PER_BLOCK, regsPerBlock),
    INT(WARP_SIZE, warpSize),
    SIZE(MAX_PITCH, memPitch),
    INT(MAX_THREADS_PER_BLOCK, maxThreadsPerBlock),
    INT(MAX_BLOCK_DIM_X, maxThreadsDim[0]),
    INT(MAX_BLOCK_DIM_Y, maxThreadsDim[1]),
    INT(MAX_BLOCK_DIM_Z, maxThreadsDim[2]),
    INT(MAX_GRID_DIM_X, maxGridSize[0]),
    INT(MAX_GRID_DIM_Y, maxGridSize[1]),
    INT(MAX_GRID_DIM_Z, maxGridSize[2]),
    SIZE(TOTAL_CONSTANT_MEMORY, totalConstMem),
    INT(COMPUTE_CAPABILITY_MAJOR, major),
    INT(COMPUTE_CAPABILITY_MINOR, minor),
    SIZE(TEXTURE_ALIGNMENT, textureAlignment),
    SIZE(TEXTURE_PITCH_ALIGNMENT, texturePitchAlignment),
    INT(MULTIPROCESSOR_COUNT, multiProcessorCount),
    INT(INTEGRATED, integrated),
    INT(CAN_MAP_HOST_MEMORY, canMapHostMemory),
    INT(MAXIMUM_TEXTURE1D_WIDTH, maxTexture1D),
    INT(MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH, maxTexture1DMipmap),
    INT(MAXIMUM_TEXTURE2D_WIDTH, maxTexture2D[0]),
    INT(MAXIMUM_TEXTURE2D_HEIGHT, maxTexture2D[1]),
    INT(MAXIMUM_TEXTURE2D_MIPMAPPED_WIDTH, maxTexture2DMipmap[0]),
    INT(MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT, maxTexture2DMipmap[1]),
    INT(MAXIMUM_TEXTURE2D_LINEAR_WIDTH, maxTexture2DLinear[0]),
    INT(MAXIMUM_TEXTURE2D_LINEAR_HEIGHT, maxTexture2DLinear[1]),
    INT(MAXIMUM_TEXTURE2D_LINEAR_PITCH, maxTexture2DLinear[2]),
    INT(MAXIMUM_TEXTURE2D_GATHER_WIDTH, maxTexture2DGather[0]),
    INT(MAXIMUM_TEXTURE2D_GATHER_HEIGHT, maxTexture2DGather[1]),
    INT(MAXIMUM_TEXTURE3D_WIDTH, maxTexture3D[0]),
    INT(MAXIMUM_TEXTURE3D_HEIGHT, maxTexture3D[1]),
    INT(MAXIMUM_TEXTURE3D_DEPTH, maxTexture3D[2]),
    INT(MAXIMUM_TEXTURE3D_WIDTH_ALTERNATE, maxTexture3DAlt[0]),
    INT(MAXIMUM_TEXTURE3D_HEIGHT_ALTERNATE, maxTexture3DAlt[1]),
    INT(MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE, maxTexture3DAlt[2]),
    INT(MAXIMUM_TEXTURECUBEMAP_WIDTH, maxTextureCubemap),
    INT(MAXIMUM_TEXTURE1D_LAYERED_WIDTH, maxTexture1DLayered[0]),
    INT(MAXIMUM_TEXTURE1D_LAYERED_LAYERS, maxTexture1DLayered[1]),
    INT(MAXIMUM_TEXTURE2D_LAYERED_WIDTH, maxTexture2DLayered[0]),
    INT(MAXIMUM_TEXTURE2D_LAYERED_HEIGHT, maxTexture2DLayered[1]),
    INT(MAXIMUM_TEXTURE2D_LAYERED_LAYERS, maxTexture2DLayered[2]),
    INT(MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH, maxTextureCubemapLayered[0]),
    INT(MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS, maxTextureCubemapLayered[1]),
    INT(MAXIMUM_SURFACE1D_WIDTH, maxSurface1D),
    INT(MAXIMUM_SURFACE2D_WIDTH, maxSurface2D[0]),
    INT(MAXIMUM_SURFACE2D_HEIGHT, maxSurface2D[1]),
    INT(MAXIMUM_SURFACE3D_WIDTH, maxSurface3D[0]),
    INT(MAXIMUM_SURFACE3D_HEIGHT, maxSurface3D[1]),
    INT(MAXIMUM_SURFACE3D_DEPTH, maxSurface3D[2]),
    INT(MAXIMUM_SURFACE1D_LAYERED_WIDTH, maxSurface1DLayered[0]),
    INT(MAXIMUM_SURFACE1D_LAYERED_LAYERS, maxSurface1DLayered[1]),
    INT(MAXIMUM_SURFACE2D_LAYERED_WIDTH, maxSurface2DLayered[0]),
    INT(MAXIMUM_SURFACE2D_LAYERED_HEIGHT, maxSurface2DLayered[1]),
    INT(MAXIMUM_SURFACE2D_LAYERED_LAYERS, maxSurface2DLayered[2]),
    INT(MAXIMUM_SURFACECUBEMAP_WIDTH, maxSurfaceCubemap),
    INT(MAXIMUM_SURFACECUBEMAP_LAYERED_WIDTH, maxSurfaceCubemapLayered[0]),
    INT(MAXIMUM_SURFACECUBEMAP_LAYERED_LAYERS, maxSurfaceCubemapLayered[1]),
    SIZE(SURFACE_ALIGNMENT, surfaceAlignment),
    INT(CONCURRENT_KERNELS, concurrentKernels),
    INT(ECC_ENABLED, ECCEnabled),
    INT(PCI_BUS_ID, pciBusID),
    INT(PCI_DEVICE_ID, pciDeviceID),
    INT(PCI_DOMAIN_ID, pciDomainID),
    INT(TCC_DRIVER, tccDriver),
    INT(ASYNC_ENGINE_COUNT, asyncEngineCount),
    INT(UNIFIED_ADDRESSING, unifiedAddressing),
    INT(GLOBAL_MEMORY_BUS_WIDTH, memoryBusWidth),
    INT(L2_CACHE_SIZE, l2CacheSize),
    INT(MAX_PERSISTING_L2_CACHE_SIZE, persistingL2CacheMaxSize),
    INT(MAX_THREADS_PER_MULTIPROCESSOR, maxThreadsPerMultiProcessor),
    INT(STREAM_PRIORITIES_SUPPORTED, streamPrioritiesSupported),
    INT(GLOBAL_L1_CACHE_SUPPORTED, globalL1CacheSupported),
    INT(LOCAL_L1_CACHE_SUPPORTED, localL1CacheSupported),
    SIZE(MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, sharedMemPerMultiprocessor),
    INT(MAX_REGISTERS_PER_MULTIPROCESSOR, regsPerMultiprocessor),
    INT(MANAGED_MEMORY, managedMemory),
    INT(MULTI_GPU_BOARD, isMultiGpuBoard),
    INT(MULTI_GPU_BOARD_GROUP_ID, multiGpuBoardGroupID),
    INT(HOST_NATIVE_ATOMIC_SUPPORTED, hostNativeAtomicSupported),
    INT(PAGEABLE_MEMORY_ACCESS, pageableMemoryAccess),
    INT(CONCURRENT_MANAGED_ACCESS, concurrentManagedAccess),
    INT(COMPUTE_PREEMPTION_SUPPORTED, computePreemptionSupported),
    INT(CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM, canUseHostPointerForRegisteredMem),
    INT(COOPERATIVE_LAUNCH, cooperativeLaunch),
    SIZE(MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, sharedMemPerBlockOptin),
    INT(PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES, pageableMemoryAccessUsesHostPageTables),
    INT(DIRECT_MANAGED_MEM_ACCESS_FROM_HOST, directManagedMemAccessFromHost),
    INT(MAX_BLOCKS_PER_MULTIPROCESSOR, maxBlocksPerMultiProcessor),
    INT(MAX_ACCESS_POLICY_WINDOW_SIZE, accessPolicyMaxWindowSize),
    SIZE(RESERVED_SHARED_MEMORY_PER_BLOCK, reservedSharedMemPerBlock),
    INT(HOST_REGISTER_SUPPORTED, hostRegisterSupported),
    INT(SPARSE_CUDA_ARRAY_SUPPORTED, sparseCudaArraySupported),
    INT(READ_ONLY_HOST_REGISTER_SUPPORTED, hostRegisterReadOnlySupported),
    INT(TIMELINE_SEMAPHORE_INTEROP_SUPPORTED, timelineSemaphoreInteropSupported),
    INT(MEMORY_POOLS_SUPPORTED, memoryPoolsSupported),
    INT(GPU_DIRECT_RDMA_SUPPORTED, gpuDirectRDMASupported),
    INT(GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS, gpuDirectRDMAFlushWritesOptions),
    INT(GPU_DIRECT_RDMA_WRITES_ORDERING, gpuDirectRDMAWritesOrdering),
    INT(MEMPOOL_SUPPORTED_HANDLE_TYPES, memoryPoolSupportedHandleTypes),
    INT(DEFERRED_MAPPING_CUDA_ARRAY_SUPPORTED, deferredMappingCudaArraySupported),
    INT(IPC_EVENT_SUPPORTED, ipcEventSupported),
    INT(CLUSTER_LAUNCH, clusterLaunch),
    INT(UNIFIED_FUNCTION_POINTERS, unifiedFunctionPointers),
    INT(NUMA_CONFIG, deviceNumaConfig),
    INT(NUMA_ID, deviceNumaId),
    INT(MPS_ENABLED, mpsEnabled),
    INT(HOST_NUMA_ID, hostNumaId),
    INT(GPU_PCI_DEVICE_ID, gpuPciDeviceID),
    INT(GPU_PCI_SUBSYSTEM_ID, gpuPciSubsystemID),
    INT(HOST_NUMA_MULTINODE_IPC_SUPPORTED, hostNumaMultinodeIpcSupported),
};

static CUresult fill(struct cudaDeviceProp* prop, int device) {
  for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); ++i) {
    const struct property* property = &properties[i];
    int value = 0;
    const CUresult result = cuDeviceGetAttribute(&value, property->attribute, device);
    // An attribute that the driver does not know is one that the device does not have: it stays 0.
    if (result == CUDA_ERROR_INVALID_VALUE) continue;
    if (result != CUDA_SUCCESS) return result;
    char* field = (char*)prop + property->offset;
    if (property->wide) {
      const size_t size = (unsigned int)value;
      memcpy(field, &size, sizeof(size));
    } else {
      memcpy(field, &value, sizeof(value));
    }
  }
  return CUDA_SUCCESS;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp* prop, int device) {
  struct cudaDeviceProp found;
  if (prop == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  memset(&found, 0, sizeof(found));
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGetName(found.name, sizeof(found.name), device);
  if (result == CUDA_SUCCESS) result = cuDeviceGetUuid_v2(&found.uuid, device);
  if (result == CUDA_SUCCESS) result = cuDeviceTotalMem_v2(&found.totalGlobalMem, device);
  if (result == CUDA_SUCCESS) result = fill(&found, device);
  if (result == CUDA_SUCCESS) *prop = found;
  return vgpu_runtime_from_driver(result);
}
