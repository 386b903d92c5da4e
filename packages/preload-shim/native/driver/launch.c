// Launching: checks the configuration, packs the arguments by the kernel's layout, and does not wait.
#include "driver/launch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "driver/context_stack.h"
#include "driver/function_layout.h"
#include "driver/graph/work.h"
#include "driver/library.h"
#include "guest_api.h"
#include "log.h"
#include "transport/session.h"

// Markers in the `extra` list of cuLaunchKernel, as CU_LAUNCH_PARAM_… in cuda.h.
enum { EXTRA_END = 0, EXTRA_BUFFER_POINTER = 1, EXTRA_BUFFER_SIZE = 2 };

// Nearly every kernel's parameters fit; larger ones go through malloc.
enum { PARAMETERS_ON_STACK = 1024 };

static bool within(unsigned int value, const struct vgpu_device* device, CUdevice_attribute limit) {
  return value != 0 && value <= (unsigned int)device->attributes[limit];
}

static CUresult check_dimensions(const struct vgpu_launch* launch, const struct vgpu_device* device) {
  const dim3 grid = launch->grid;
  const dim3 block = launch->block;
  if (!within(grid.x, device, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X) ||
      !within(grid.y, device, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y) ||
      !within(grid.z, device, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z) ||
      !within(block.x, device, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X) ||
      !within(block.y, device, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y) ||
      !within(block.z, device, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const uint64_t threads = (uint64_t)block.x * block.y * block.z;
  const int limit = device->attributes[CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK];
  return threads <= (uint64_t)limit ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult check_function(const struct vgpu_launch* launch, struct vgpu_function_layout* layout,
                               const struct vgpu_device* device) {
  if (launch->block.x * launch->block.y * launch->block.z > (unsigned int)layout->threads_per_block) {
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  }
  const uint64_t shared = (uint64_t)launch->dynamic_shared_bytes + (uint64_t)layout->static_shared_bytes;
  if (shared <= (uint64_t)device->attributes[CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK])
    return CUDA_SUCCESS;
  // More than that only after cuFuncSetAttribute, whose value the executor knows. Programs that raise it
  // launch often, so a yes is remembered; should they lower it again, the executor's own check remains.
  if (launch->dynamic_shared_bytes <= atomic_load(&layout->dynamic_shared_permitted)) return CUDA_SUCCESS;
  int permitted = 0;
  const CUresult result =
      cuFuncGetAttribute(&permitted, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, launch->function);
  if (result != CUDA_SUCCESS) return result;
  if (permitted < 0 || launch->dynamic_shared_bytes > (unsigned int)permitted)
    return CUDA_ERROR_INVALID_VALUE;
  atomic_store(&layout->dynamic_shared_permitted, (unsigned int)permitted);
  return CUDA_SUCCESS;
}

// Blocks that wait for each other must all be there.
static CUresult check_residence(const struct vgpu_launch* launch, const struct vgpu_device* device) {
  int blocks = 0;
  if (!launch->cooperative) return CUDA_SUCCESS;
  const CUresult result = cuOccupancyMaxActiveBlocksPerMultiprocessor(
      &blocks, launch->function, (int)(launch->block.x * launch->block.y * launch->block.z),
      launch->dynamic_shared_bytes);
  if (result != CUDA_SUCCESS) return result;
  const uint64_t most =
      (uint64_t)blocks * (uint64_t)device->attributes[CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT];
  // Two factors below 2^16 and one below 2^31: no overflow.
  const uint64_t wanted = (uint64_t)launch->grid.x * launch->grid.y * launch->grid.z;
  return wanted <= most ? CUDA_SUCCESS : CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
}

CUresult vgpu_launch_packed(const struct vgpu_launch* launch, const void* packed, size_t bytes,
                            CUstream stream) {
  const dim3 grid = launch->grid;
  const dim3 block = launch->block;
  return launch->cooperative
             ? vgpuLaunchCooperativeKernel(launch->function, grid.x, grid.y, grid.z, block.x, block.y,
                                           block.z, launch->dynamic_shared_bytes, stream, packed, bytes)
             : vgpuLaunchKernel(launch->function, grid.x, grid.y, grid.z, block.x, block.y, block.z,
                                launch->dynamic_shared_bytes, stream, packed, bytes);
}

static CUresult pack(const struct vgpu_launch* launch, const struct vgpu_function_layout* layout,
                     vgpu_packed_launch* then, void* argument) {
  unsigned char on_stack[PARAMETERS_ON_STACK];
  unsigned char* packed = on_stack;
  const size_t bytes = layout->parameter_bytes;
  if (layout->parameter_count != 0 && launch->parameters == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (bytes > sizeof(on_stack)) packed = malloc(bytes);
  if (packed == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  // Gaps between parameters would otherwise carry whatever lies on this stack.
  memset(packed, 0, bytes);
  CUresult result = CUDA_SUCCESS;
  for (uint32_t i = 0; i < layout->parameter_count && result == CUDA_SUCCESS; ++i) {
    const struct vgpu_parameter parameter = layout->parameters[i];
    if (launch->parameters[i] == NULL) {
      result = CUDA_ERROR_INVALID_VALUE;
    } else {
      memcpy(packed + parameter.offset, launch->parameters[i], parameter.bytes);
    }
  }
  if (result == CUDA_SUCCESS) result = then(launch, packed, bytes, argument);
  if (packed != on_stack) free(packed);
  return result;
}

// The caller has packed the parameters: a list of marker and value, ended by EXTRA_END.
static CUresult take_extra(const struct vgpu_launch* launch, const struct vgpu_function_layout* layout,
                           vgpu_packed_launch* then, void* argument) {
  const void* buffer = NULL;
  const size_t* bytes = NULL;
  if (launch->parameters != NULL) return CUDA_ERROR_INVALID_VALUE;
  for (void** item = launch->extra; (uintptr_t)*item != EXTRA_END; item += 2) {
    if ((uintptr_t)*item == EXTRA_BUFFER_POINTER) {
      buffer = item[1];
    } else if ((uintptr_t)*item == EXTRA_BUFFER_SIZE) {
      bytes = item[1];
    } else {
      return CUDA_ERROR_INVALID_VALUE;
    }
  }
  if (bytes == NULL || (buffer == NULL && *bytes != 0)) return CUDA_ERROR_INVALID_VALUE;
  // Callers round the size up; less than the kernel reads is a mistake.
  if (*bytes < layout->parameter_bytes) return CUDA_ERROR_INVALID_VALUE;
  return then(launch, buffer, layout->parameter_bytes, argument);
}

CUresult vgpu_launch_pack(const struct vgpu_launch* given, vgpu_packed_launch* then, void* argument) {
  const struct vgpu_device* device = NULL;
  struct vgpu_function_layout* layout = NULL;
  struct vgpu_launch launch = *given;
  CUdevice number = 0;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS) result = vgpu_context_current_device(&number);
  if (result == CUDA_SUCCESS) result = vgpu_session_device(number, &device);
  if (result == CUDA_SUCCESS && launch.function == NULL) result = CUDA_ERROR_INVALID_HANDLE;
  if (result == CUDA_SUCCESS) result = vgpu_library_resolve(&launch.function);
  if (result == CUDA_SUCCESS) result = check_dimensions(&launch, device);
  if (result == CUDA_SUCCESS) result = vgpu_function_layout(launch.function, &layout);
  if (result == CUDA_SUCCESS) result = check_function(&launch, layout, device);
  if (result == CUDA_SUCCESS) result = check_residence(&launch, device);
  if (result != CUDA_SUCCESS) return result;
  return launch.extra == NULL ? pack(&launch, layout, then, argument)
                              : take_extra(&launch, layout, then, argument);
}

static CUresult submit(const struct vgpu_launch* launch, const void* packed, size_t bytes, void* argument) {
  (void)argument;
  const struct vgpu_work work = {
      .type = CU_GRAPH_NODE_TYPE_KERNEL,
      // Whoever reads the arguments does not write them.
      .kernel = {.launch = *launch, .packed = (void*)(uintptr_t)packed, .packed_bytes = bytes},
  };
  return vgpu_submit(&work, launch->stream);
}

CUresult vgpu_launch_kernel(const struct vgpu_launch* launch) {
  return vgpu_launch_pack(launch, submit, NULL);
}

CUresult cuLaunchKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY, unsigned int gridDimZ,
                        unsigned int blockDimX, unsigned int blockDimY, unsigned int blockDimZ,
                        unsigned int sharedMemBytes, CUstream hStream, void** kernelParams, void** extra) {
  const struct vgpu_launch launch = {
      .function = f,
      .grid = {gridDimX, gridDimY, gridDimZ},
      .block = {blockDimX, blockDimY, blockDimZ},
      .dynamic_shared_bytes = sharedMemBytes,
      .stream = hStream,
      .parameters = kernelParams,
      .extra = extra,
  };
  return vgpu_launch_kernel(&launch);
}
