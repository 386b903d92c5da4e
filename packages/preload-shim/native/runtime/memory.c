// Allocation, filling, and what is known of a pointer.
#include <stdbool.h>

#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

cudaError_t cudaMalloc(void** devPtr, size_t size) {
  CUdeviceptr address = 0;
  if (devPtr == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  // Nothing is not an error here, as it is for the driver API.
  if (result == CUDA_SUCCESS && size != 0) result = cuMemAlloc_v2(&address, size);
  if (result == CUDA_SUCCESS) *devPtr = (void*)(uintptr_t)address;
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMallocManaged(void** devPtr, size_t size, unsigned int flags) {
  CUdeviceptr address = 0;
  if (devPtr == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuMemAllocManaged(&address, size, flags);
  if (result == CUDA_SUCCESS) *devPtr = (void*)(uintptr_t)address;
  return vgpu_runtime_from_driver(result);
}

static CUmemLocation driver_location(struct cudaMemLocation location) {
  return (CUmemLocation){.type = (CUmemLocationType)location.type, .id = location.id};
}

cudaError_t cudaMemPrefetchAsync(const void* devPtr, size_t count, struct cudaMemLocation location,
                                 unsigned int flags, cudaStream_t stream) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) {
    result = cuMemPrefetchAsync_v2((CUdeviceptr)(uintptr_t)devPtr, count, driver_location(location), flags,
                                   stream);
  }
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMemAdvise(const void* devPtr, size_t count, enum cudaMemoryAdvise advice,
                          struct cudaMemLocation location) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) {
    result = cuMemAdvise_v2((CUdeviceptr)(uintptr_t)devPtr, count, (CUmem_advise)advice,
                            driver_location(location));
  }
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaFree(void* devPtr) {
  // Programs call cudaFree(NULL) to have the context made.
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS && devPtr != NULL) result = cuMemFree_v2((CUdeviceptr)(uintptr_t)devPtr);
  return vgpu_runtime_from_driver(result);
}

static CUresult allocate_pitched(CUdeviceptr* address, size_t* pitch, size_t width, size_t height) {
  // The finest alignment the driver API offers for rows.
  enum { ELEMENT_BYTES = 4 };
  const CUresult result = vgpu_runtime_enter();
  *address = 0;
  *pitch = 0;
  if (result != CUDA_SUCCESS || width == 0 || height == 0) return result;
  return cuMemAllocPitch_v2(address, pitch, width, height, ELEMENT_BYTES);
}

cudaError_t cudaMallocPitch(void** devPtr, size_t* pitch, size_t width, size_t height) {
  CUdeviceptr address;
  size_t allocated_pitch;
  if (devPtr == NULL || pitch == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  const CUresult result = allocate_pitched(&address, &allocated_pitch, width, height);
  if (result == CUDA_SUCCESS) {
    *devPtr = (void*)(uintptr_t)address;
    *pitch = allocated_pitch;
  }
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMalloc3D(struct cudaPitchedPtr* pitchedDevPtr, struct cudaExtent extent) {
  CUdeviceptr address;
  size_t pitch;
  if (pitchedDevPtr == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  if (extent.depth != 0 && extent.height > SIZE_MAX / extent.depth) {
    return vgpu_runtime_result(cudaErrorMemoryAllocation);
  }
  const CUresult result = allocate_pitched(&address, &pitch, extent.width, extent.height * extent.depth);
  if (result == CUDA_SUCCESS) {
    *pitchedDevPtr = (struct cudaPitchedPtr){
        .ptr = (void*)(uintptr_t)address,
        .pitch = pitch,
        .xsize = extent.width,
        .ysize = extent.height,
    };
  }
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaHostAlloc(void** pHost, size_t size, unsigned int flags) {
  if (pHost == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS && size == 0) {
    *pHost = NULL;
  } else if (result == CUDA_SUCCESS) {
    result = cuMemHostAlloc(pHost, size, flags);
  }
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaMallocHost(void** ptr, size_t size) {
  return cudaHostAlloc(ptr, size, 0);
}

cudaError_t cudaFreeHost(void* ptr) {
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS && ptr != NULL) result = cuMemFreeHost(ptr);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaHostGetDevicePointer(void** pDevice, void* pHost, unsigned int flags) {
  CUdeviceptr address = 0;
  if (pDevice == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuMemHostGetDevicePointer_v2(&address, pHost, flags);
  if (result == CUDA_SUCCESS) *pDevice = (void*)(uintptr_t)address;
  return vgpu_runtime_from_driver(result);
}

static CUresult fill(void* pointer, size_t pitch, int value, size_t width, size_t height,
                     const cudaStream_t* stream) {
  const CUdeviceptr address = (CUdeviceptr)(uintptr_t)pointer;
  const unsigned char byte = (unsigned char)value;
  const CUresult result = vgpu_runtime_enter();
  if (result != CUDA_SUCCESS) return result;
  if (stream == NULL) return cuMemsetD2D8_v2(address, pitch, byte, width, height);
  return cuMemsetD2D8Async(address, pitch, byte, width, height, *stream);
}

cudaError_t cudaMemset(void* devPtr, int value, size_t count) {
  return vgpu_runtime_from_driver(fill(devPtr, count, value, count, 1, NULL));
}

cudaError_t cudaMemsetAsync(void* devPtr, int value, size_t count, cudaStream_t stream) {
  return vgpu_runtime_from_driver(fill(devPtr, count, value, count, 1, &stream));
}

cudaError_t cudaMemset2D(void* devPtr, size_t pitch, int value, size_t width, size_t height) {
  return vgpu_runtime_from_driver(fill(devPtr, pitch, value, width, height, NULL));
}

cudaError_t cudaMemset2DAsync(void* devPtr, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t stream) {
  return vgpu_runtime_from_driver(fill(devPtr, pitch, value, width, height, &stream));
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes* attributes, const void* ptr) {
  CUmemorytype type = (CUmemorytype)0;
  unsigned char managed = 0;
  struct cudaPointerAttributes found = {.type = cudaMemoryTypeUnregistered};
  CUpointer_attribute names[] = {
      CU_POINTER_ATTRIBUTE_MEMORY_TYPE,    CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
      CU_POINTER_ATTRIBUTE_DEVICE_POINTER, CU_POINTER_ATTRIBUTE_HOST_POINTER,
      CU_POINTER_ATTRIBUTE_IS_MANAGED,
  };
  void* values[] = {&type, &found.device, &found.devicePointer, &found.hostPointer, &managed};
  enum { COUNT = sizeof(names) / sizeof(names[0]) };
  if (attributes == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS)
    result = cuPointerGetAttributes(COUNT, names, values, (CUdeviceptr)(uintptr_t)ptr);
  if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  if (managed != 0) {
    found.type = cudaMemoryTypeManaged;
  } else if (type == CU_MEMORYTYPE_DEVICE) {
    found.type = cudaMemoryTypeDevice;
  } else if (type == CU_MEMORYTYPE_HOST) {
    found.type = cudaMemoryTypeHost;
  } else {
    // Memory that CUDA does not know is the host's.
    found.hostPointer = (void*)(uintptr_t)ptr;
  }
  *attributes = found;
  return cudaSuccess;
}
