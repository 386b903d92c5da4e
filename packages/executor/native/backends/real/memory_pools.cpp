// Stream-ordered allocation: the driver's pools, and the client's limit.
#include <limits>

#include "backends/real/real_backend.h"

namespace vgpu::executor {
namespace {

/// The attributes that say how memory may be reused are of type int, the others of 64 bits.
bool is_wide(std::int32_t attribute) {
  return attribute != CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES &&
         attribute != CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC &&
         attribute != CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES;
}

}  // namespace

CUresult RealBackend::vgpuMemAllocAsync(Handle current, std::uint64_t& address, std::uint64_t bytes,
                                        Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  require_budget(bytes);
  CUdeviceptr made = 0;
  const CUresult result = driver().cuMemAllocAsync(&made, bytes, queue);
  if (result != CUDA_SUCCESS) return result;
  own(current, made, bytes);
  address = made;
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuMemAllocFromPoolAsync(Handle current, std::uint64_t& address, std::uint64_t bytes,
                                                Handle pool, Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  const CUmemoryPool object = objects_.pools.at(pool);
  require_budget(bytes);
  CUdeviceptr made = 0;
  const CUresult result = driver().cuMemAllocFromPoolAsync(&made, bytes, object, queue);
  if (result != CUDA_SUCCESS) return result;
  own(current, made, bytes);
  address = made;
  return CUDA_SUCCESS;
}

// Counts as free at once, although the device frees it in the stream's order: what is allocated next in the
// stream may be the same memory.
CUresult RealBackend::vgpuMemFreeAsync(Handle current, std::uint64_t address, Handle stream) {
  enter(current);
  const CUstream queue = stream_at(stream);
  const auto allocation = allocations_.find(address);
  if (allocation == allocations_.end() || allocation->second.shared != nullptr) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, std::to_string(address) + " is not an allocation of a device");
  }
  const CUresult result = driver().cuMemFreeAsync(address, queue);
  if (result == CUDA_SUCCESS) disown(allocation);
  return result;
}

CUresult RealBackend::vgpuMemPoolCreate(Handle, Handle& pool, std::int32_t device,
                                        std::uint64_t maximum_bytes) {
  CUmemPoolProps properties{};
  properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.handleTypes = CU_MEM_HANDLE_TYPE_NONE;
  properties.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device_at(device)};
  properties.maxSize = maximum_bytes;
  CUmemoryPool made{};
  const CUresult result = driver().cuMemPoolCreate(&made, &properties);
  if (result == CUDA_SUCCESS) pool = objects_.pools.adopt(made, 0);
  return result;
}

CUresult RealBackend::vgpuMemPoolGetAttribute(Handle, Handle pool, std::int32_t attribute,
                                              std::uint64_t& value) {
  const CUmemoryPool object = objects_.pools.at(pool);
  cuuint64_t wide = 0;
  int narrow = 0;
  void* data = is_wide(attribute) ? static_cast<void*>(&wide) : &narrow;
  const CUresult result =
      driver().cuMemPoolGetAttribute(object, static_cast<CUmemPool_attribute>(attribute), data);
  if (result == CUDA_SUCCESS) value = is_wide(attribute) ? wide : static_cast<std::uint64_t>(narrow);
  return result;
}

CUresult RealBackend::vgpuMemPoolSetAttribute(Handle, Handle pool, std::int32_t attribute,
                                              std::uint64_t value) {
  const CUmemoryPool object = objects_.pools.at(pool);
  cuuint64_t wide = value;
  int narrow = static_cast<int>(value);
  void* data = is_wide(attribute) ? static_cast<void*>(&wide) : &narrow;
  return driver().cuMemPoolSetAttribute(object, static_cast<CUmemPool_attribute>(attribute), data);
}

}  // namespace vgpu::executor
