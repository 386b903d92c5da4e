// Virtual memory management. The executor keeps reservations and mappings; here the structures of the API
// become numbers.
#include <string.h>

#include "guest_api.h"
#include "log.h"
#include "transport/session.h"

// What a mapping is made of: the size of a large page, as on the originals.
enum { GRANULARITY = 2 << 20 };

static CUresult check(const CUmemAllocationProp* prop) {
  const struct vgpu_device* device = NULL;
  if (prop == NULL || prop->type != CU_MEM_ALLOCATION_TYPE_PINNED) return CUDA_ERROR_INVALID_VALUE;
  if (prop->location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
    vgpu_log("cuMemCreate for location %d is not implemented", (int)prop->location.type);
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  if (prop->requestedHandleTypes != CU_MEM_HANDLE_TYPE_NONE) {
    vgpu_log("memory that other processes can map is not implemented");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  return vgpu_session_device(prop->location.id, &device);
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* handle, size_t size, const CUmemAllocationProp* prop,
                     unsigned long long flags) {
  if (handle == NULL || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = check(prop);
  return result == CUDA_SUCCESS ? vgpuMemCreate(handle, size, prop->location.id) : result;
}

CUresult cuMemGetAllocationGranularity(size_t* granularity, const CUmemAllocationProp* prop,
                                       CUmemAllocationGranularity_flags option) {
  if (granularity == NULL || (unsigned int)option > CU_MEM_ALLOC_GRANULARITY_RECOMMENDED)
    return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = check(prop);
  if (result == CUDA_SUCCESS) *granularity = GRANULARITY;
  return result;
}

CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp* prop,
                                                CUmemGenericAllocationHandle handle) {
  CUdevice device = 0;
  if (prop == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuMemHandleDevice(&device, handle);
  if (result != CUDA_SUCCESS) return result;
  // What cuMemCreate accepts.
  *prop = (CUmemAllocationProp){
      .type = CU_MEM_ALLOCATION_TYPE_PINNED,
      .requestedHandleTypes = CU_MEM_HANDLE_TYPE_NONE,
      .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device},
  };
  return CUDA_SUCCESS;
}

CUresult cuMemSetAccess(CUdeviceptr ptr, size_t size, const CUmemAccessDesc* desc, size_t count) {
  const struct vgpu_device* device = NULL;
  if (desc == NULL || count == 0) return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < count; ++i) {
    if (desc[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE) return CUDA_ERROR_INVALID_VALUE;
    const CUresult result = vgpu_session_device(desc[i].location.id, &device);
    if (result != CUDA_SUCCESS) return result;
    // Memory lies on the first device, and no device reaches another.
    if (desc[i].location.id != 0) return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
  }
  return vgpuMemSetAccess(ptr, size, desc[count - 1].flags);
}

CUresult cuMemGetAccess(unsigned long long* flags, const CUmemLocation* location, CUdeviceptr ptr) {
  const struct vgpu_device* device = NULL;
  if (flags == NULL || location == NULL || location->type != CU_MEM_LOCATION_TYPE_DEVICE)
    return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_device(location->id, &device);
  return result == CUDA_SUCCESS ? vgpuMemGetAccess(flags, ptr) : result;
}

CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle* handle, void* addr) {
  return vgpuMemRetainHandle(handle, (CUdeviceptr)(uintptr_t)addr);
}

// What cuMemCreate makes is for no kind of handle, so asking for one is a wrong value.
CUresult cuMemExportToShareableHandle(void* shareableHandle, CUmemGenericAllocationHandle handle,
                                      CUmemAllocationHandleType handleType, unsigned long long flags) {
  CUdevice device = 0;
  if (shareableHandle == NULL || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuMemHandleDevice(&device, handle);
  if (result == CUDA_SUCCESS) vgpu_log("memory cannot be exported as a handle of type %d", (int)handleType);
  return result == CUDA_SUCCESS ? CUDA_ERROR_INVALID_VALUE : result;
}

CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle* handle, void* osHandle,
                                        CUmemAllocationHandleType shHandleType) {
  (void)osHandle;
  const CUresult result = vgpu_session_check();
  if (handle == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (result == CUDA_SUCCESS)
    vgpu_log("memory cannot be imported from a handle of type %d", (int)shHandleType);
  return result == CUDA_SUCCESS ? CUDA_ERROR_INVALID_VALUE : result;
}
