// Device memory: the client's limit, and what belongs to it.
#include <algorithm>

#include "backends/real/real_backend.h"
#include "clients/process_list.h"

namespace vgpu::executor {
namespace {

// CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP
constexpr unsigned int kForDevices = 3;

}  // namespace

void RealBackend::require_budget(std::uint64_t bytes) {
  const bool within = memory_limit_ == 0 || bytes <= memory_limit_ - std::min(memory_used_, memory_limit_);
  if (!within) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY,
                    std::to_string(bytes) + " bytes more than the " + std::to_string(memory_used_) +
                        " in use; the client may have " + std::to_string(memory_limit_));
  }
  std::uint64_t after = 0;
  if (__builtin_add_overflow(memory_used_, bytes, &after) || !account_.claim_memory(after)) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY,
                    std::to_string(bytes) + " bytes more than all clients together may have");
  }
}

void RealBackend::own(Handle context, std::uint64_t address, std::uint64_t bytes) {
  try {
    visible_address(address);
  } catch (const CallError&) {
    static_cast<void>(driver().cuMemFree_v2(address));
    throw;
  }
  allocations_.insert_or_assign(address, Allocation{.context = context, .bytes = bytes, .shared = nullptr});
  memory_used_ += bytes;
}

void RealBackend::disown(std::map<std::uint64_t, Allocation>::iterator allocation) {
  memory_used_ -= allocation->second.bytes;
  allocations_.erase(allocation);
}

CUresult RealBackend::cuMemGetInfo_v2(Handle current, std::uint64_t& free, std::uint64_t& total) {
  enter(current);
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  const CUresult result = driver().cuMemGetInfo_v2(&free_bytes, &total_bytes);
  if (result != CUDA_SUCCESS) return result;
  free = std::min<std::uint64_t>(free_bytes, account_.free_memory());
  total = total_bytes;
  if (memory_limit_ != 0) {
    total = std::min<std::uint64_t>(total, memory_limit_);
    free = std::min(free, memory_limit_ - std::min(memory_used_, memory_limit_));
  }
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuDeviceProcesses(Handle, std::span<std::byte> processes,
                                          std::int32_t /*device: there is one*/) {
  list_processes(account_.table(), processes);
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuMemAlloc_v2(Handle current, std::uint64_t& address, std::uint64_t bytes) {
  enter(current);
  require_budget(bytes);
  CUdeviceptr made = 0;
  const CUresult result = driver().cuMemAlloc_v2(&made, bytes);
  if (result != CUDA_SUCCESS) return result;
  own(current, made, bytes);
  address = made;
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuMemAllocPitch_v2(Handle current, std::uint64_t& address, std::uint64_t& pitch,
                                         std::uint64_t width, std::uint64_t height,
                                         std::uint32_t element_bytes) {
  enter(current);
  std::uint64_t least = 0;
  if (__builtin_mul_overflow(width, height, &least)) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY,
                    std::to_string(height) + " rows of " + std::to_string(width) + " bytes");
  }
  // The driver chooses the pitch, so the whole size is only known afterwards.
  require_budget(least);
  CUdeviceptr made = 0;
  size_t made_pitch = 0;
  const CUresult result = driver().cuMemAllocPitch_v2(&made, &made_pitch, width, height, element_bytes);
  if (result != CUDA_SUCCESS) return result;
  own(current, made, made_pitch * height);
  address = made;
  pitch = made_pitch;
  return CUDA_SUCCESS;
}

// Managed memory of the driver cannot be mapped into another process. This is the host's memory, which
// kernels reach over the bus: slower than the device's own, and coherent.
CUresult RealBackend::vgpuMemAllocShared(Handle current, std::uint64_t& address, std::uint64_t& mapped_bytes,
                                         std::uint64_t bytes) {
  enter(current);
  if (bytes == 0) throw CallError(CUDA_ERROR_INVALID_VALUE, "shared memory of 0 bytes");
  if (!shares_memory_) {
    throw CallError(CUDA_ERROR_NOT_SUPPORTED,
                    "managed and mapped memory need a program on the executor's own machine");
  }
  require_budget(bytes);
  auto region = std::make_unique<SharedRegion>(bytes);
  require(driver().cuMemHostRegister_v2(region->memory(), region->bytes(), kForDevices), "cuMemHostRegister");
  CUdeviceptr device_address = 0;
  const CUresult result = driver().cuMemHostGetDevicePointer_v2(&device_address, region->memory(), 0);
  if (result != CUDA_SUCCESS || device_address != region->address()) {
    static_cast<void>(driver().cuMemHostUnregister(region->memory()));
    require(result, "cuMemHostGetDevicePointer");
    throw CallError(
        CUDA_ERROR_NOT_SUPPORTED,
        "managed and mapped memory: this device sees host memory at other addresses than the host");
  }
  address = region->address();
  mapped_bytes = region->bytes();
  passed_descriptor_ = region->descriptor();
  memory_used_ += bytes;
  allocations_.emplace(address, Allocation{.context = current, .bytes = bytes, .shared = std::move(region)});
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuMemFree(Handle current, std::uint64_t address) {
  enter(current);
  const auto allocation = allocations_.find(address);
  if (allocation == allocations_.end()) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, std::to_string(address) + " is not an allocation");
  }
  if (const SharedRegion* shared = allocation->second.shared.get()) {
    // As cuMemFree waits for the device; taking the memory away from under a kernel ends the context.
    CUresult result = driver().cuCtxSynchronize();
    if (result == CUDA_SUCCESS) result = driver().cuMemHostUnregister(shared->memory());
    if (result != CUDA_SUCCESS) return result;
  } else {
    const CUresult result = driver().cuMemFree_v2(address);
    if (result != CUDA_SUCCESS) return result;
  }
  disown(allocation);
  return CUDA_SUCCESS;
}

const std::pair<const std::uint64_t, RealBackend::Allocation>* RealBackend::allocation_at(
    std::uint64_t address) const {
  auto behind = allocations_.upper_bound(address);
  if (behind == allocations_.begin()) return nullptr;
  const auto& found = *--behind;
  return address - found.first < found.second.bytes ? &found : nullptr;
}

// Known here for most, and for all that the driver does not know as the device's: shared memory.
CUresult RealBackend::cuMemGetAddressRange_v2(Handle current, std::uint64_t& base, std::uint64_t& bytes,
                                              std::uint64_t address) {
  enter(current);
  if (const auto* allocation = allocation_at(address)) {
    base = allocation->first;
    bytes = allocation->second.bytes;
    return CUDA_SUCCESS;
  }
  CUdeviceptr found = 0;
  size_t found_bytes = 0;
  const CUresult result = driver().cuMemGetAddressRange_v2(&found, &found_bytes, address);
  if (result != CUDA_SUCCESS) return result;
  base = found;
  bytes = found_bytes;
  return CUDA_SUCCESS;
}

std::uint64_t RealBackend::end_of_allocation_at(std::uint64_t address) {
  if (const auto* allocation = allocation_at(address)) return allocation->first + allocation->second.bytes;
  // A variable of a module.
  CUdeviceptr base = 0;
  size_t bytes = 0;
  const CUresult result = driver().cuMemGetAddressRange_v2(&base, &bytes, address);
  return result == CUDA_SUCCESS && base <= address && address - base < bytes ? base + bytes : 0;
}

void RealBackend::require_range(std::uint64_t address, std::uint64_t bytes) {
  std::uint64_t end = 0;
  const bool valid = !__builtin_add_overflow(address, bytes, &end);
  // Mappings that touch are one range; allocations that happen to touch are not.
  std::uint64_t reached = 0;
  for (std::uint64_t next = end_of_mapping_at(address); next != 0 && reached < end;) {
    reached = next;
    next = end_of_mapping_at(reached);
  }
  if (reached == 0) reached = end_of_allocation_at(address);
  if (valid && reached >= end) return;
  throw CallError(CUDA_ERROR_INVALID_VALUE, std::to_string(bytes) + " bytes at " + std::to_string(address) +
                                                " are not inside one allocation");
}

CUresult RealBackend::vgpuRequireRange(Handle current, std::uint64_t address, std::uint64_t bytes) {
  enter(current);
  require_range(address, bytes);
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuPointerContext(Handle, Handle& context, std::uint64_t pointer) {
  if (const auto* allocation = allocation_at(pointer)) {
    context = allocation->second.context;
    return CUDA_SUCCESS;
  }
  CUcontext owner{};
  const CUresult result = driver().cuPointerGetAttribute(&owner, CU_POINTER_ATTRIBUTE_CONTEXT, pointer);
  if (result != CUDA_SUCCESS) return result;
  // Mapped memory belongs to no context; the primary one reaches it like every other.
  context = owner == nullptr ? primary_ : objects_.contexts.adopt(owner, 0);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
