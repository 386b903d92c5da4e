// Virtual memory management. The driver keeps reservations and mappings; here is what the client's limit and
// checks of ranges need to know of them.
#include "backends/real/real_backend.h"

namespace vgpu::executor {

RealBackend::PhysicalMemory& RealBackend::physical_memory_at(Handle handle) {
  PhysicalMemory* found = physical_memory_.find(handle);
  // What is only mapped has no handle any more.
  if (found != nullptr && found->references != 0) return *found;
  throw CallError(CUDA_ERROR_INVALID_VALUE,
                  found == nullptr ? physical_memory_.describe(handle)
                                   : "memory handle " + std::to_string(handle) + " has been released");
}

void RealBackend::forget_unused(Handle handle) {
  const PhysicalMemory* memory = physical_memory_.find(handle);
  if (memory == nullptr || memory->references != 0 || memory->mappings != 0) return;
  memory_used_ -= memory->bytes;
  physical_memory_.erase(handle);
}

void RealBackend::release_physical_memory() {
  // A kernel may still be using it.
  for (const Handle context : objects_.contexts.owned_by(0)) {
    if (mappings_.empty()) break;
    if (context == primary_ && primary_retained_ == 0) continue;
    enter(context);
    static_cast<void>(driver().cuCtxSynchronize());
  }
  for (const auto& [address, mapping] : mappings_) {
    static_cast<void>(driver().cuMemUnmap(address, mapping.bytes));
  }
  for (const auto& [handle, memory] : physical_memory_) {
    for (std::uint32_t i = 0; i < memory.references; ++i)
      static_cast<void>(driver().cuMemRelease(memory.object));
  }
  mappings_.clear();
}

std::uint64_t RealBackend::end_of_mapping_at(std::uint64_t address) const {
  auto behind = mappings_.upper_bound(address);
  if (behind == mappings_.begin()) return 0;
  const auto& [base, mapping] = *--behind;
  return address - base < mapping.bytes ? base + mapping.bytes : 0;
}

CUresult RealBackend::cuMemAddressReserve(Handle, std::uint64_t& address, std::uint64_t bytes,
                                          std::uint64_t alignment, std::uint64_t wish, std::uint64_t flags) {
  CUdeviceptr made = 0;
  const CUresult result = driver().cuMemAddressReserve(&made, bytes, alignment, wish, flags);
  if (result != CUDA_SUCCESS) return result;
  try {
    address = visible_address(made);
  } catch (const CallError&) {
    static_cast<void>(driver().cuMemAddressFree(made, bytes));
    throw;
  }
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuMemAddressFree(Handle, std::uint64_t address, std::uint64_t bytes) {
  return driver().cuMemAddressFree(address, bytes);
}

CUresult RealBackend::vgpuMemCreate(Handle, Handle& handle, std::uint64_t bytes, std::int32_t device) {
  CUmemAllocationProp properties{};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_NONE;
  properties.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device_at(device)};
  require_budget(bytes);
  CUmemGenericAllocationHandle made = 0;
  const CUresult result = driver().cuMemCreate(&made, bytes, &properties, 0);
  if (result != CUDA_SUCCESS) return result;
  memory_used_ += bytes;
  handle =
      physical_memory_.insert(PhysicalMemory{.object = made, .bytes = bytes, .references = 1, .mappings = 0});
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuMemRelease(Handle, Handle handle) {
  PhysicalMemory& memory = physical_memory_at(handle);
  const CUresult result = driver().cuMemRelease(memory.object);
  if (result != CUDA_SUCCESS) return result;
  --memory.references;
  forget_unused(handle);
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuMemMap(Handle, std::uint64_t address, std::uint64_t bytes, std::uint64_t offset,
                               Handle handle, std::uint64_t flags) {
  PhysicalMemory& memory = physical_memory_at(handle);
  const CUresult result = driver().cuMemMap(address, bytes, offset, memory.object, flags);
  if (result != CUDA_SUCCESS) return result;
  ++memory.mappings;
  mappings_.insert_or_assign(address, Mapping{bytes, handle});
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuMemUnmap(Handle, std::uint64_t address, std::uint64_t bytes) {
  const CUresult result = driver().cuMemUnmap(address, bytes);
  if (result != CUDA_SUCCESS) return result;
  for (auto mapping = mappings_.lower_bound(address);
       mapping != mappings_.end() && mapping->first - address < bytes;) {
    const Handle handle = mapping->second.memory;
    mapping = mappings_.erase(mapping);
    if (PhysicalMemory* memory = physical_memory_.find(handle)) --memory->mappings;
    forget_unused(handle);
  }
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuMemSetAccess(Handle, std::uint64_t address, std::uint64_t bytes,
                                       std::int32_t access) {
  const CUmemAccessDesc description{.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device_at(0)},
                                    .flags = static_cast<CUmemAccess_flags>(access)};
  return driver().cuMemSetAccess(address, bytes, &description, 1);
}

CUresult RealBackend::vgpuMemGetAccess(Handle, std::uint64_t& access, std::uint64_t address) {
  const CUmemLocation location{.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device_at(0)};
  unsigned long long flags = 0;
  const CUresult result = driver().cuMemGetAccess(&flags, &location, address);
  if (result == CUDA_SUCCESS) access = flags;
  return result;
}

CUresult RealBackend::vgpuMemHandleDevice(Handle, std::int32_t& device, Handle handle) {
  static_cast<void>(physical_memory_at(handle));
  device = 0;  // there is only one
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuMemRetainHandle(Handle, Handle& handle, std::uint64_t address) {
  auto behind = mappings_.upper_bound(address);
  if (behind == mappings_.begin() || end_of_mapping_at(address) == 0) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "no memory is mapped at " + std::to_string(address));
  }
  const Handle found = (--behind)->second.memory;
  CUmemGenericAllocationHandle object = 0;
  const CUresult result = driver().cuMemRetainAllocationHandle(&object, reinterpret_cast<void*>(address));
  if (result != CUDA_SUCCESS) return result;
  PhysicalMemory& memory = *physical_memory_.find(found);
  memory.object = object;
  ++memory.references;
  handle = found;
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
