// cuLaunchKernelEx: attributes that only tune are accepted, those that change what the kernel does are
// refused.
#include <string.h>

#include "driver/launch.h"
#include "guest_api.h"
#include "log.h"

// CUlaunchAttribute in cuda.h: the identifier, then 64 bytes of value on an 8-byte boundary.
struct launch_attribute {
  CUlaunchAttributeID id;
  uint32_t padding;
  union {
    int number;
    unsigned int dimensions[3];
    unsigned char bytes[64];
  } value;
};
_Static_assert(sizeof(struct launch_attribute) == 72, "CUlaunchAttribute has 72 bytes");

static CUresult refuse(const char* what) {
  vgpu_log("cuLaunchKernelEx: %s is not implemented", what);
  return CUDA_ERROR_NOT_SUPPORTED;
}

static CUresult apply(const struct launch_attribute* attribute, struct vgpu_launch* launch) {
  const unsigned int* dimensions = attribute->value.dimensions;
  switch (attribute->id) {
    case CU_LAUNCH_ATTRIBUTE_IGNORE:
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    // Permits an earlier start; starting after the kernel before has ended is always allowed.
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    case CU_LAUNCH_ATTRIBUTE_NVLINK_UTIL_CENTRIC_SCHEDULING:
      return CUDA_SUCCESS;
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
      launch->cooperative = attribute->value.number != 0;
      return CUDA_SUCCESS;
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
      // A cluster of one block is no cluster.
      return dimensions[0] == 1 && dimensions[1] == 1 && dimensions[2] == 1 ? CUDA_SUCCESS
                                                                            : refuse("a cluster");
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
      return refuse("a programmatic event");
    case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
      return refuse("a launch completion event");
    case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE:
      return refuse("a device-updatable kernel node");
    default:
      return refuse("an unknown attribute");
  }
}

CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction f, void** kernelParams, void** extra) {
  if (config == NULL || (config->numAttrs != 0 && config->attrs == NULL)) return CUDA_ERROR_INVALID_VALUE;
  struct vgpu_launch launch = {
      .function = f,
      .grid = {config->gridDimX, config->gridDimY, config->gridDimZ},
      .block = {config->blockDimX, config->blockDimY, config->blockDimZ},
      .dynamic_shared_bytes = config->sharedMemBytes,
      .stream = config->hStream,
      .parameters = kernelParams,
      .extra = extra,
  };
  for (unsigned int i = 0; i < config->numAttrs; ++i) {
    struct launch_attribute attribute;
    memcpy(&attribute, (const char*)config->attrs + i * sizeof(attribute), sizeof(attribute));
    const CUresult result = apply(&attribute, &launch);
    if (result != CUDA_SUCCESS) return result;
  }
  return vgpu_launch_kernel(&launch);
}

CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig* config, CUfunction f, void** kernelParams,
                               void** extra) {
  if (config == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUlaunchConfig own = *config;
  // CU_STREAM_PER_THREAD
  if (own.hStream == NULL) own.hStream = (CUstream)2;
  return cuLaunchKernelEx(&own, f, kernelParams, extra);
}

CUresult cuLaunchCooperativeKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY,
                                   unsigned int gridDimZ, unsigned int blockDimX, unsigned int blockDimY,
                                   unsigned int blockDimZ, unsigned int sharedMemBytes, CUstream hStream,
                                   void** kernelParams) {
  struct launch_attribute attribute = {.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value = {.number = 1}};
  const CUlaunchConfig config = {
      .gridDimX = gridDimX,
      .gridDimY = gridDimY,
      .gridDimZ = gridDimZ,
      .blockDimX = blockDimX,
      .blockDimY = blockDimY,
      .blockDimZ = blockDimZ,
      .sharedMemBytes = sharedMemBytes,
      .hStream = hStream,
      .attrs = &attribute,
      .numAttrs = 1,
  };
  return cuLaunchKernelEx(&config, f, kernelParams, NULL);
}

CUresult cuFuncSetCacheConfig(CUfunction hfunc, CUfunc_cache config) {
  int unused;
  if ((int)config < CU_FUNC_CACHE_PREFER_NONE || config > CU_FUNC_CACHE_PREFER_EQUAL)
    return CUDA_ERROR_INVALID_VALUE;
  // A hint, but one for a function that exists.
  return cuFuncGetAttribute(&unused, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, hfunc);
}
