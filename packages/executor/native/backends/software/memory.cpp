// Device memory: allocation, and what is known of an address.
#include "backends/software/software_backend.h"
#include "clients/process_list.h"
#include "support/hexadecimal.h"

namespace vgpu::executor {
namespace {

std::uint64_t checked_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY, std::to_string(a) + " times " + std::to_string(b) + " bytes");
  }
  return product;
}

}  // namespace

CUresult SoftwareBackend::cuMemGetInfo_v2(Handle current, std::uint64_t& free, std::uint64_t& total) {
  require_context(current);
  free = space_.free_bytes();
  total = space_.total_bytes();
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuDeviceMemory(Handle, std::uint64_t& free, std::uint64_t& total,
                                           std::int32_t /*device: there is one*/) {
  free = space_.free_bytes();
  total = space_.total_bytes();
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuDeviceUtilization(Handle, std::uint32_t& percent, std::int32_t /*device*/) {
  percent = account_.table() == nullptr ? 0 : account_.table()->utilization();
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuDeviceXid(Handle, std::uint64_t& next, std::uint32_t& xid, std::uint64_t seen,
                                        std::int32_t /*device*/) {
  const XidEntry found = account_.table() == nullptr ? XidEntry{} : account_.table()->xids().after(seen);
  next = found.next;
  xid = found.xid;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuDeviceProcesses(Handle, std::span<std::byte> processes,
                                              std::int32_t /*device*/) {
  list_processes(account_.table(), processes);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemAlloc_v2(Handle current, std::uint64_t& address, std::uint64_t bytes) {
  require_context(current);
  address = space_.allocate(bytes);
  if (check_) check_->checker().allocated(address, bytes, false);
  allocations_.emplace(address, Allocation{.context = current});
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemAllocPitch_v2(Handle current, std::uint64_t& address, std::uint64_t& pitch,
                                             std::uint64_t width, std::uint64_t height,
                                             std::uint32_t element_bytes) {
  // The element sizes that coalesce; the driver API knows no others.
  if (element_bytes != 4 && element_bytes != 8 && element_bytes != 16) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "elements of " + std::to_string(element_bytes) + " bytes");
  }
  constexpr std::uint64_t kPitchAlignment = software::DeviceMemory::kAlignment;
  if (width > space_.total_bytes()) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY, "rows of " + std::to_string(width) + " bytes");
  }
  pitch = (width + kPitchAlignment - 1) / kPitchAlignment * kPitchAlignment;
  return cuMemAlloc_v2(current, address, checked_product(pitch, height));
}

CUresult SoftwareBackend::vgpuMemAllocShared(Handle current, std::uint64_t& address,
                                             std::uint64_t& mapped_bytes, std::uint64_t bytes) {
  require_context(current);
  if (bytes == 0) throw CallError(CUDA_ERROR_INVALID_VALUE, "shared memory of 0 bytes");
  if (!shares_memory_) {
    throw CallError(CUDA_ERROR_NOT_SUPPORTED,
                    "managed and mapped memory need a program on the executor's own machine");
  }
  const SharedMemory shared = space_.allocate_shared(bytes);
  if (check_) check_->checker().allocated(shared.address, bytes, true);  // the program may write to it unseen
  allocations_.emplace(shared.address, Allocation{.context = current, .shared = true});
  passed_descriptor_ = shared.descriptor;
  address = shared.address;
  mapped_bytes = shared.bytes;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuMemFree(Handle current, std::uint64_t address) {
  require_context(current);
  // Asking the memory would also free a module's variable.
  const auto allocation = allocations_.find(address);
  if (allocation == allocations_.end()) {
    if (check_) check_->checker().freed(address);
    throw CallError(CUDA_ERROR_INVALID_VALUE, hexadecimal(address) + " is not an allocation");
  }
  free_allocation(address, allocation->second);
  allocations_.erase(allocation);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuMemGetAddressRange_v2(Handle current, std::uint64_t& base, std::uint64_t& bytes,
                                                  std::uint64_t address) {
  require_context(current);
  const auto allocation = space_.find(address);
  if (!allocation) throw CallError(CUDA_ERROR_NOT_FOUND, hexadecimal(address) + " is in no allocation");
  base = allocation->base;
  bytes = allocation->bytes;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuRequireRange(Handle current, std::uint64_t address, std::uint64_t bytes) {
  require_context(current);
  static_cast<void>(space_.readable(address, bytes));
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuPointerContext(Handle, Handle& context, std::uint64_t pointer) {
  const auto allocation = space_.find(pointer);
  if (!allocation) throw CallError(CUDA_ERROR_INVALID_VALUE, hexadecimal(pointer) + " is in no allocation");
  if (space_.is_reserved(pointer) && !allocations_.contains(allocation->base)) {
    // Such memory belongs to no context; the primary one reaches it like every other.
    context = primary_.handle;
    return CUDA_SUCCESS;
  }
  if (const auto owner = allocations_.find(allocation->base); owner != allocations_.end()) {
    context = owner->second.context;
    return CUDA_SUCCESS;
  }
  const auto variable = variables_.find(allocation->base);
  const Module* module = variable == variables_.end() ? nullptr : modules_.find(variable->second);
  if (module == nullptr) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, hexadecimal(pointer) + " is in no variable that was asked for");
  }
  context = module->context;
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
