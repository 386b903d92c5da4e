// Virtual memory management: the client's handles for physical memory.
#include "backends/software/software_backend.h"

namespace vgpu::executor {

MemoryHandle& SoftwareBackend::memory_handle_at(Handle handle) {
  if (MemoryHandle* found = memory_handles_.find(handle)) return *found;
  throw CallError(CUDA_ERROR_INVALID_VALUE, memory_handles_.describe(handle));
}

CUresult SoftwareBackend::cuMemAddressReserve(Handle, std::uint64_t& address, std::uint64_t bytes,
                                              std::uint64_t alignment, std::uint64_t /*wish*/,
                                              std::uint64_t flags) {
  if (flags != 0) throw CallError(CUDA_ERROR_INVALID_VALUE, "reservation flags " + std::to_string(flags));
  address = space_.reserve(bytes, alignment);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemAddressFree(Handle, std::uint64_t address, std::uint64_t bytes) {
  space_.release(address, bytes);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuMemCreate(Handle, Handle& handle, std::uint64_t bytes, std::int32_t device) {
  if (device != 0) throw CallError(CUDA_ERROR_INVALID_DEVICE, "device " + std::to_string(device) + " of 1");
  handle = memory_handles_.insert(MemoryHandle{space_.create(bytes), 1});
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemRelease(Handle, Handle handle) {
  // What is mapped stays, and so does its memory.
  if (--memory_handle_at(handle).references == 0) memory_handles_.erase(handle);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemMap(Handle, std::uint64_t address, std::uint64_t bytes, std::uint64_t offset,
                                   Handle handle, std::uint64_t flags) {
  if (offset != 0 || flags != 0) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "a mapping with offset " + std::to_string(offset) +
                                                  " and flags " + std::to_string(flags));
  }
  space_.map(address, bytes, memory_handle_at(handle).memory, handle);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemUnmap(Handle, std::uint64_t address, std::uint64_t bytes) {
  space_.unmap(address, bytes);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuMemSetAccess(Handle, std::uint64_t address, std::uint64_t bytes,
                                           std::int32_t access) {
  space_.set_access(address, bytes, static_cast<std::uint32_t>(access));
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuMemGetAccess(Handle, std::uint64_t& access, std::uint64_t address) {
  access = space_.access(address);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuMemHandleDevice(Handle, std::int32_t& device, Handle handle) {
  static_cast<void>(memory_handle_at(handle));
  device = 0;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuMemRetainHandle(Handle, Handle& handle, std::uint64_t address) {
  const Handle found = space_.handle_at(address);
  // The program may have released it, which took nothing but the number away.
  MemoryHandle* known = memory_handles_.find(found);
  if (known == nullptr) {
    throw CallError(CUDA_ERROR_NOT_SUPPORTED, "a handle that was released cannot be retained again");
  }
  ++known->references;
  handle = found;
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
