// Pointer attributes: what the executor knows of device memory, and the guest of host memory.
#include <stdbool.h>
#include <string.h>

#include "driver/address.h"
#include "driver/host_memory.h"
#include "driver/shared_memory.h"
#include "guest_api.h"
#include "log.h"
#include "transport/session.h"

struct pointer {
  CUdeviceptr address;
  bool known;
  bool on_device;
  CUdevice device;
  struct vgpu_host_range host;
};

static CUresult classify(CUdeviceptr address, struct pointer* pointer) {
  *pointer = (struct pointer){.address = address};
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (vgpu_host_memory_find((const void*)(uintptr_t)address, &pointer->host)) {
    pointer->known = true;
    pointer->device = pointer->host.device;
  } else if (vgpu_is_device_address(address, &pointer->device)) {
    // In the device's range, but perhaps in no allocation.
    CUcontext context;
    const CUresult found = vgpuPointerContext(&context, address);
    if (found != CUDA_SUCCESS && found != CUDA_ERROR_INVALID_VALUE) return found;
    pointer->known = pointer->on_device = found == CUDA_SUCCESS;
  }
  return CUDA_SUCCESS;
}

// Attributes that tell host from device.
static CUresult read_identity(const struct pointer* pointer, CUpointer_attribute attribute, void* data) {
  CUcontext context = pointer->host.context;
  const CUmemorytype type = pointer->on_device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
      if (pointer->on_device) {
        const CUresult result = vgpuPointerContext(&context, pointer->address);
        if (result != CUDA_SUCCESS) return result;
      }
      *(CUcontext*)data = context;
      return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
      memcpy(data, &type, sizeof(type));
      return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
      // Kernels cannot reach other host memory, so that has no device address.
      if (!pointer->on_device && !pointer->host.mapped) return CUDA_ERROR_INVALID_VALUE;
      memcpy(data, &pointer->address, sizeof(pointer->address));
      return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      if (pointer->on_device && !vgpu_is_managed(pointer->address, 1)) return CUDA_ERROR_INVALID_VALUE;
      memcpy(data, &pointer->address, sizeof(pointer->address));
      return CUDA_SUCCESS;
    default:
      memcpy(data, &pointer->device, sizeof(pointer->device));
      return CUDA_SUCCESS;
  }
}

static CUresult read_range(const struct pointer* pointer, CUpointer_attribute attribute, void* data) {
  CUdeviceptr start = pointer->host.start;
  size_t bytes = pointer->host.bytes;
  if (pointer->on_device) {
    const CUresult result = cuMemGetAddressRange_v2(&start, &bytes, pointer->address);
    if (result != CUDA_SUCCESS) return result;
  }
  if (attribute == CU_POINTER_ATTRIBUTE_RANGE_START_ADDR) {
    memcpy(data, &start, sizeof(start));
  } else {
    memcpy(data, &bytes, sizeof(bytes));
  }
  return CUDA_SUCCESS;
}

static CUresult read_attribute(const struct pointer* pointer, CUpointer_attribute attribute, void* data) {
  static const unsigned int no = 0;
  static const bool mapped = true;
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
      return read_identity(pointer, attribute, data);
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
      return read_range(pointer, attribute, data);
    case CU_POINTER_ATTRIBUTE_MAPPED:
      memcpy(data, &mapped, sizeof(mapped));
      return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED: {
      const bool managed = vgpu_is_managed(pointer->address, 1);
      memcpy(data, &managed, 1);
      return CUDA_SUCCESS;
    }
    // Booleans of one byte: there is no IPC, no RDMA.
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
    case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
      memcpy(data, &no, 1);
      return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
      memcpy(data, &no, sizeof(no));
      return CUDA_SUCCESS;
    default:
      vgpu_log("pointer attribute %d is not implemented", (int)attribute);
      return CUDA_ERROR_NOT_SUPPORTED;
  }
}

CUresult cuPointerGetAttribute(void* data, CUpointer_attribute attribute, CUdeviceptr ptr) {
  struct pointer pointer;
  if (data == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = classify(ptr, &pointer);
  if (result != CUDA_SUCCESS) return result;
  return pointer.known ? read_attribute(&pointer, attribute, data) : CUDA_ERROR_INVALID_VALUE;
}

static size_t attribute_bytes(CUpointer_attribute attribute) {
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
      return sizeof(int);
    case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
      return sizeof(unsigned int);
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
    case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
    case CU_POINTER_ATTRIBUTE_MAPPED:
      return 1;
    default:
      return sizeof(uint64_t);
  }
}

CUresult cuPointerGetAttributes(unsigned int numAttributes, CUpointer_attribute* attributes, void** data,
                                CUdeviceptr ptr) {
  static const int no_device = -2;
  struct pointer pointer;
  if (numAttributes == 0 || attributes == NULL || data == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult classified = classify(ptr, &pointer);
  if (classified != CUDA_SUCCESS) return classified;
  for (unsigned int i = 0; i < numAttributes; ++i) {
    if (data[i] == NULL) return CUDA_ERROR_INVALID_VALUE;
    const CUresult result =
        pointer.known ? read_attribute(&pointer, attributes[i], data[i]) : CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS) continue;
    if (result != CUDA_ERROR_INVALID_VALUE) return result;
    // This form answers with zeros where the other one has an error, and a device that is none.
    memset(data[i], 0, attribute_bytes(attributes[i]));
    if (attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL) memcpy(data[i], &no_device, sizeof(no_device));
  }
  return CUDA_SUCCESS;
}
