#include "runtime/cuda12.h"

#include <stddef.h>
#include <string.h>

#include "guest_api.h"
#include "runtime/last_error.h"

// The last version of CUDA 12.
enum { RUNTIME_VERSION = 12090 };

// What programs that were built for CUDA 12 have set aside.
_Static_assert(sizeof(struct cudaDeviceProp_12) == 1032, "the size in CUDA 12");
_Static_assert(sizeof(struct cudaPointerAttributes_12) == 24, "the size in CUDA 12");
_Static_assert(offsetof(struct cudaPointerAttributes_12, devicePointer) == 8, "the place in CUDA 12");

// Programs read fields at these places; what CUDA 13 left out lies between them.
#define PLACE(field, offset) \
  _Static_assert(offsetof(struct cudaDeviceProp_12, field) == (offset), "the place in CUDA 12")
PLACE(uuid, 256);
PLACE(totalGlobalMem, 288);
PLACE(sharedMemPerBlock, 296);
PLACE(warpSize, 308);
PLACE(maxThreadsDim, 324);
PLACE(maxGridSize, 336);
PLACE(clockRate, 348);
PLACE(totalConstMem, 352);
PLACE(major, 360);
PLACE(minor, 364);
PLACE(textureAlignment, 368);
PLACE(deviceOverlap, 384);
PLACE(multiProcessorCount, 388);
PLACE(integrated, 396);
PLACE(canMapHostMemory, 400);
PLACE(computeMode, 404);
PLACE(maxTexture1D, 408);
#undef PLACE

static void copy_properties(struct cudaDeviceProp_12* to, const struct cudaDeviceProp* from) {
#define COPY(field)                                                                     \
  _Static_assert(sizeof(to->field) == sizeof(from->field), "a field of the same type"); \
  memcpy(&to->field, &from->field, sizeof(to->field))
  COPY(name);
  COPY(uuid);
  COPY(luid);
  COPY(luidDeviceNodeMask);
  COPY(totalGlobalMem);
  COPY(sharedMemPerBlock);
  COPY(regsPerBlock);
  COPY(warpSize);
  COPY(memPitch);
  COPY(maxThreadsPerBlock);
  COPY(maxThreadsDim);
  COPY(maxGridSize);
  COPY(totalConstMem);
  COPY(major);
  COPY(minor);
  COPY(textureAlignment);
  COPY(texturePitchAlignment);
  COPY(multiProcessorCount);
  COPY(integrated);
  COPY(canMapHostMemory);
  COPY(maxTexture1D);
  COPY(maxTexture1DMipmap);
  COPY(maxTexture2D);
  COPY(maxTexture2DMipmap);
  COPY(maxTexture2DLinear);
  COPY(maxTexture2DGather);
  COPY(maxTexture3D);
  COPY(maxTexture3DAlt);
  COPY(maxTextureCubemap);
  COPY(maxTexture1DLayered);
  COPY(maxTexture2DLayered);
  COPY(maxTextureCubemapLayered);
  COPY(maxSurface1D);
  COPY(maxSurface2D);
  COPY(maxSurface3D);
  COPY(maxSurface1DLayered);
  COPY(maxSurface2DLayered);
  COPY(maxSurfaceCubemap);
  COPY(maxSurfaceCubemapLayered);
  COPY(surfaceAlignment);
  COPY(concurrentKernels);
  COPY(ECCEnabled);
  COPY(pciBusID);
  COPY(pciDeviceID);
  COPY(pciDomainID);
  COPY(tccDriver);
  COPY(asyncEngineCount);
  COPY(unifiedAddressing);
  COPY(memoryBusWidth);
  COPY(l2CacheSize);
  COPY(persistingL2CacheMaxSize);
  COPY(maxThreadsPerMultiProcessor);
  COPY(streamPrioritiesSupported);
  COPY(globalL1CacheSupported);
  COPY(localL1CacheSupported);
  COPY(sharedMemPerMultiprocessor);
  COPY(regsPerMultiprocessor);
  COPY(managedMemory);
  COPY(isMultiGpuBoard);
  COPY(multiGpuBoardGroupID);
  COPY(hostNativeAtomicSupported);
  COPY(pageableMemoryAccess);
  COPY(concurrentManagedAccess);
  COPY(computePreemptionSupported);
  COPY(canUseHostPointerForRegisteredMem);
  COPY(cooperativeLaunch);
  COPY(sharedMemPerBlockOptin);
  COPY(pageableMemoryAccessUsesHostPageTables);
  COPY(directManagedMemAccessFromHost);
  COPY(maxBlocksPerMultiProcessor);
  COPY(accessPolicyMaxWindowSize);
  COPY(reservedSharedMemPerBlock);
  COPY(hostRegisterSupported);
  COPY(sparseCudaArraySupported);
  COPY(hostRegisterReadOnlySupported);
  COPY(timelineSemaphoreInteropSupported);
  COPY(memoryPoolsSupported);
  COPY(gpuDirectRDMASupported);
  COPY(gpuDirectRDMAFlushWritesOptions);
  COPY(gpuDirectRDMAWritesOrdering);
  COPY(memoryPoolSupportedHandleTypes);
  COPY(deferredMappingCudaArraySupported);
  COPY(ipcEventSupported);
  COPY(clusterLaunch);
  COPY(unifiedFunctionPointers);
#undef COPY
}

cudaError_t vgpu_cuda12_get_device_properties(struct cudaDeviceProp_12* prop, int device) {
  struct cudaDeviceProp newer;
  struct cudaDeviceProp_12 found;
  if (prop == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const cudaError_t error = cudaGetDeviceProperties(&newer, device);
  if (error != cudaSuccess) return error;
  memset(&found, 0, sizeof(found));
  copy_properties(&found, &newer);
  // CUDA 13 dropped these.
  const struct {
    CUdevice_attribute attribute;
    int* field;
  } dropped[] = {
      {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, &found.clockRate},
      {CU_DEVICE_ATTRIBUTE_GPU_OVERLAP, &found.deviceOverlap},
      {CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT, &found.kernelExecTimeoutEnabled},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, &found.computeMode},
      {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH, &found.maxTexture1DLinear},
      {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, &found.memoryClockRate},
      {CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO, &found.singleToDoublePrecisionPerfRatio},
      {CU_DEVICE_ATTRIBUTE_COOPERATIVE_MULTI_DEVICE_LAUNCH, &found.cooperativeMultiDeviceLaunch},
  };
  for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); ++i) {
    const CUresult result = cuDeviceGetAttribute(dropped[i].field, dropped[i].attribute, device);
    // An attribute that the driver does not know is one that the device does not have: it stays 0.
    if (result != CUDA_SUCCESS && result != CUDA_ERROR_INVALID_VALUE) return vgpu_runtime_from_driver(result);
  }
  *prop = found;
  return cudaSuccess;
}

cudaError_t vgpu_cuda12_pointer_get_attributes(struct cudaPointerAttributes_12* attributes, const void* ptr) {
  struct cudaPointerAttributes newer;
  if (attributes == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const cudaError_t error = cudaPointerGetAttributes(&newer, ptr);
  if (error != cudaSuccess) return error;
  *attributes = (struct cudaPointerAttributes_12){
      .type = newer.type,
      .device = newer.device,
      .devicePointer = newer.devicePointer,
      .hostPointer = newer.hostPointer,
  };
  return cudaSuccess;
}

cudaError_t vgpu_cuda12_runtime_get_version(int* version) {
  if (version == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  *version = RUNTIME_VERSION;
  return cudaSuccess;
}

// The caller knows functions in the form that they had in CUDA 12.
cudaError_t vgpu_cuda12_get_driver_entry_point(const char* symbol, void** function, unsigned long long flags,
                                               enum cudaDriverEntryPointQueryResult* status) {
  return cudaGetDriverEntryPointByVersion(symbol, function, RUNTIME_VERSION, flags, status);
}

cudaError_t vgpu_cuda12_get_driver_entry_point_ptsz(const char* symbol, void** function,
                                                    unsigned long long flags,
                                                    enum cudaDriverEntryPointQueryResult* status) {
  return cudaGetDriverEntryPointByVersion_ptsz(symbol, function, RUNTIME_VERSION, flags, status);
}

// Edges had no data yet.
cudaError_t vgpu_cuda12_stream_get_capture_info(cudaStream_t stream, enum cudaStreamCaptureStatus* status,
                                                unsigned long long* id, cudaGraph_t* graph,
                                                const cudaGraphNode_t** dependencies, size_t* count) {
  return cudaStreamGetCaptureInfo(stream, status, id, graph, dependencies, NULL, count);
}

cudaError_t vgpu_cuda12_graph_get_edges(cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to,
                                        size_t* count) {
  return cudaGraphGetEdges(graph, from, to, NULL, count);
}

cudaError_t vgpu_cuda12_graph_node_get_dependencies(cudaGraphNode_t node, cudaGraphNode_t* dependencies,
                                                    size_t* count) {
  return cudaGraphNodeGetDependencies(node, dependencies, NULL, count);
}

cudaError_t vgpu_cuda12_graph_add_dependencies(cudaGraph_t graph, const cudaGraphNode_t* from,
                                               const cudaGraphNode_t* to, size_t count) {
  return cudaGraphAddDependencies(graph, from, to, NULL, count);
}

static struct cudaMemLocation location_of(int device) {
  return device == -1 ? (struct cudaMemLocation){.type = cudaMemLocationTypeHost}
                      : (struct cudaMemLocation){.type = cudaMemLocationTypeDevice, .id = device};
}

cudaError_t vgpu_cuda12_mem_prefetch_async(const void* pointer, size_t count, int device,
                                           cudaStream_t stream) {
  return cudaMemPrefetchAsync(pointer, count, location_of(device), 0, stream);
}

cudaError_t vgpu_cuda12_mem_advise(const void* pointer, size_t count, enum cudaMemoryAdvise advice,
                                   int device) {
  return cudaMemAdvise(pointer, count, advice, location_of(device));
}
