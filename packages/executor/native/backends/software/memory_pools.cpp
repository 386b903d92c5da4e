// Stream-ordered allocation. Work runs when it arrives, so memory is there at once and goes back at once: a
// pool is a limit, settings, and counts.
#include <algorithm>

#include "backends/software/software_backend.h"

namespace vgpu::executor {
namespace {

void require_first_device(std::int32_t device) {
  if (device != 0) throw CallError(CUDA_ERROR_INVALID_DEVICE, "device " + std::to_string(device) + " of 1");
}

[[noreturn]] void refuse_value(std::int32_t attribute, std::uint64_t value) {
  throw CallError(CUDA_ERROR_INVALID_VALUE, "memory pool attribute " + std::to_string(attribute) +
                                                " cannot be " + std::to_string(value));
}

}  // namespace

CUresult SoftwareBackend::cuDeviceGetDefaultMemPool(Handle, Handle& pool, std::int32_t device) {
  require_first_device(device);
  pool = default_pool_;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuDeviceGetMemPool(Handle, Handle& pool, std::int32_t device) {
  require_first_device(device);
  pool = current_pool_;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuDeviceSetMemPool(Handle, std::int32_t device, Handle pool) {
  require_first_device(device);
  static_cast<void>(pool_at(pool));
  current_pool_ = pool;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuMemPoolCreate(Handle, Handle& pool, std::int32_t device,
                                            std::uint64_t maximum_bytes) {
  require_first_device(device);
  pool = pools_.insert(MemoryPool{.maximum_bytes = maximum_bytes});
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemPoolDestroy(Handle, Handle pool) {
  static_cast<void>(pool_at(pool));
  if (pool == default_pool_) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "the device's default memory pool cannot be destroyed");
  }
  // Its allocations live on and are freed as any other; only nobody counts them any more.
  pools_.erase(pool);
  if (current_pool_ == pool) current_pool_ = default_pool_;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemPoolTrimTo(Handle, Handle pool, std::uint64_t /*bytes_to_keep*/) {
  // A pool keeps no memory that nobody uses.
  static_cast<void>(pool_at(pool));
  return CUDA_SUCCESS;
}

MemoryPool& SoftwareBackend::pool_at(Handle pool) {
  if (MemoryPool* found = pools_.find(pool)) return *found;
  throw CallError(CUDA_ERROR_INVALID_VALUE, pools_.describe(pool));
}

CUresult SoftwareBackend::vgpuMemPoolGetAttribute(Handle, Handle pool, std::int32_t attribute,
                                                  std::uint64_t& value) {
  const MemoryPool& object = pool_at(pool);
  switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      value = object.reuse.at(
          static_cast<std::size_t>(attribute - CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES));
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      value = object.release_threshold;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
    case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
      value = object.used_bytes;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
      value = object.reserved_high;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
      value = object.used_high;
      return CUDA_SUCCESS;
    default:
      throw CallError(CUDA_ERROR_INVALID_VALUE, "memory pool attribute " + std::to_string(attribute));
  }
}

CUresult SoftwareBackend::vgpuMemPoolSetAttribute(Handle, Handle pool, std::int32_t attribute,
                                                  std::uint64_t value) {
  MemoryPool& object = pool_at(pool);
  switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      if (value > 1) refuse_value(attribute, value);
      object.reuse.at(static_cast<std::size_t>(attribute - CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES)) =
          value != 0;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      object.release_threshold = value;
      return CUDA_SUCCESS;
    // A high mark can be set back, to where the pool stands now.
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
      if (value != 0) refuse_value(attribute, value);
      object.reserved_high = object.used_bytes;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
      if (value != 0) refuse_value(attribute, value);
      object.used_high = object.used_bytes;
      return CUDA_SUCCESS;
    default:
      refuse_value(attribute, value);
  }
}

CUresult SoftwareBackend::vgpuMemAllocAsync(Handle current, std::uint64_t& address, std::uint64_t bytes,
                                            Handle stream) {
  return vgpuMemAllocFromPoolAsync(current, address, bytes, current_pool_, stream);
}

CUresult SoftwareBackend::vgpuMemAllocFromPoolAsync(Handle current, std::uint64_t& address,
                                                    std::uint64_t bytes, Handle pool, Handle stream) {
  require_stream(current, stream);
  MemoryPool& object = pool_at(pool);
  if (object.maximum_bytes != 0 && bytes > object.maximum_bytes - object.used_bytes) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY, std::to_string(bytes) + " bytes from a pool that has " +
                                                  std::to_string(object.maximum_bytes - object.used_bytes));
  }
  address = space_.allocate(bytes);
  if (check_) check_->checker().allocated(address, bytes, false);
  allocations_.emplace(address, Allocation{.context = current, .pool = pool});
  object.used_bytes += bytes;
  object.used_high = std::max(object.used_high, object.used_bytes);
  object.reserved_high = std::max(object.reserved_high, object.used_bytes);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuMemFreeAsync(Handle current, std::uint64_t address, Handle stream) {
  require_stream(current, stream);
  return vgpuMemFree(current, address);
}

void SoftwareBackend::free_allocation(std::uint64_t address, const Allocation& allocation) {
  if (check_) check_->checker().freed(address);
  if (MemoryPool* pool = pools_.find(allocation.pool)) {
    pool->used_bytes -= space_.find(address)->bytes;
  }
  if (allocation.shared) {
    space_.free_shared(address);
  } else {
    space_.free(address);
  }
}

}  // namespace vgpu::executor
