#include "driver/memory_pool.h"

#include <stdbool.h>
#include <string.h>

#include "guest_api.h"
#include "log.h"
#include "transport/session.h"

CUresult cuMemPoolCreate(CUmemoryPool* pool, const CUmemPoolProps* poolProps) {
  if (pool == NULL || poolProps == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (poolProps->allocType != CU_MEM_ALLOCATION_TYPE_PINNED) return CUDA_ERROR_INVALID_VALUE;
  if (poolProps->handleTypes != CU_MEM_HANDLE_TYPE_NONE) {
    vgpu_log("memory pools that other processes can use are not implemented");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  if (poolProps->location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
    vgpu_log("memory pools outside a device are not implemented");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  return vgpuMemPoolCreate(pool, poolProps->location.id, poolProps->maxSize);
}

// The attributes that say how memory may be reused are of type int, the others of 64 bits.
static bool is_wide(CUmemPool_attribute attribute) {
  switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      return false;
    default:
      return true;
  }
}

CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attr, void* value) {
  if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
  const uint64_t sent = is_wide(attr) ? *(const uint64_t*)value : (uint64_t) * (const int*)value;
  return vgpuMemPoolSetAttribute(pool, attr, sent);
}

CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attr, void* value) {
  uint64_t found = 0;
  if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpuMemPoolGetAttribute(pool, attr, &found);
  if (result != CUDA_SUCCESS) return result;
  if (is_wide(attr)) {
    memcpy(value, &found, sizeof(found));
  } else {
    *(int*)value = (int)found;
  }
  return CUDA_SUCCESS;
}

// The executor keeps the pools; here the structures of the API become numbers. A pool's memory is accessible
// from its own device, and from no other.
CUresult vgpu_pool_check(CUmemoryPool pool) {
  uint64_t unused;
  return vgpuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &unused);
}

CUresult vgpu_pool_access_check(const CUmemAccessDesc* map, size_t count) {
  const struct vgpu_device* device = NULL;
  CUresult result = CUDA_SUCCESS;
  if (map == NULL && count != 0) return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < count && result == CUDA_SUCCESS; ++i) {
    if (map[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE) return CUDA_ERROR_INVALID_VALUE;
    result = vgpu_session_device(map[i].location.id, &device);
    // Access from the pool's own device cannot be taken away.
    if (result == CUDA_SUCCESS && map[i].flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
      return CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS && map[i].location.id != 0) return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
  }
  return result;
}

CUresult cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc* map, size_t count) {
  const CUresult result = vgpu_pool_check(pool);
  return result == CUDA_SUCCESS ? vgpu_pool_access_check(map, count) : result;
}

CUresult cuMemPoolGetAccess(CUmemAccess_flags* flags, CUmemoryPool memPool, CUmemLocation* location) {
  const struct vgpu_device* device = NULL;
  if (flags == NULL || location == NULL || location->type != CU_MEM_LOCATION_TYPE_DEVICE)
    return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_pool_check(memPool);
  if (result == CUDA_SUCCESS) result = vgpu_session_device(location->id, &device);
  if (result != CUDA_SUCCESS) return result;
  *flags = location->id == 0 ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE : CU_MEM_ACCESS_FLAGS_PROT_NONE;
  return CUDA_SUCCESS;
}

static CUresult check_location(const CUmemLocation* location, CUmemAllocationType type) {
  if (location == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (location->type == CU_MEM_LOCATION_TYPE_DEVICE && type == CU_MEM_ALLOCATION_TYPE_PINNED)
    return CUDA_SUCCESS;
  vgpu_log("memory pools of location %d and allocation type %d are not implemented", (int)location->type,
           (int)type);
  return CUDA_ERROR_NOT_SUPPORTED;
}

CUresult cuMemGetDefaultMemPool(CUmemoryPool* pool_out, CUmemLocation* location, CUmemAllocationType type) {
  const CUresult result = check_location(location, type);
  return result == CUDA_SUCCESS ? cuDeviceGetDefaultMemPool(pool_out, location->id) : result;
}

CUresult cuMemGetMemPool(CUmemoryPool* pool, CUmemLocation* location, CUmemAllocationType type) {
  const CUresult result = check_location(location, type);
  return result == CUDA_SUCCESS ? cuDeviceGetMemPool(pool, location->id) : result;
}

CUresult cuMemSetMemPool(CUmemLocation* location, CUmemAllocationType type, CUmemoryPool pool) {
  const CUresult result = check_location(location, type);
  return result == CUDA_SUCCESS ? cuDeviceSetMemPool(location->id, pool) : result;
}
