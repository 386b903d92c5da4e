// Contexts: the primary one and those that cuCtxCreate makes.
#include <algorithm>

#include "backends/software/software_backend.h"

namespace vgpu::executor {
namespace {

void require_device(std::int32_t device) {
  if (device != 0) throw CallError(CUDA_ERROR_INVALID_DEVICE, "device " + std::to_string(device) + " of 1");
}

void require_context_flags(std::uint32_t flags) {
  // The scheduling policies exclude each other.
  const std::uint32_t scheduling = flags & CU_CTX_SCHED_MASK;
  const bool one_policy = (scheduling & (scheduling - 1)) == 0;
  if ((flags & ~static_cast<std::uint32_t>(CU_CTX_FLAGS_MASK)) != 0 || !one_policy) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "context flags " + std::to_string(flags));
  }
}

/// Of a device without device-side launches and without control over its L2 cache. Throws CallError.
std::uint64_t& limit_of(Context& context, std::int32_t limit) {
  software::RuntimeLimits& limits = context.runtime->limits;
  switch (limit) {
    case CU_LIMIT_STACK_SIZE:
      return limits.stack;
    case CU_LIMIT_PRINTF_FIFO_SIZE:
      return limits.output;
    case CU_LIMIT_MALLOC_HEAP_SIZE:
      return limits.heap;
    default:
      break;
  }
  const bool known = limit >= 0 && limit <= CU_LIMIT_CIG_SHMEM_FALLBACK_ENABLED;
  throw CallError(known ? CUDA_ERROR_UNSUPPORTED_LIMIT : CUDA_ERROR_INVALID_VALUE,
                  "context limit " + std::to_string(limit));
}

/// What a thread can have of local memory (CUDA C++ Programming Guide, "Compute Capabilities"); the
/// documentation of cuCtxSetLimit allows the driver to clamp.
constexpr std::uint64_t kLargestStack = 512 << 10;

}  // namespace

Context& SoftwareBackend::live_context(Handle context) {
  if (context == 0) throw CallError(CUDA_ERROR_INVALID_CONTEXT, "no current context");
  Context* found = contexts_.find(context);
  const bool inactive = context == primary_.handle && !primary_is_active();
  if (found != nullptr && !inactive) return *found;
  if (inactive) throw CallError(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the primary context is not active");
  throw CallError(
      contexts_.was_issued(context) ? CUDA_ERROR_CONTEXT_IS_DESTROYED : CUDA_ERROR_INVALID_CONTEXT,
      contexts_.describe(context));
}

void SoftwareBackend::clear_context(Handle context) {
  const auto belongs = [context](const auto& object) { return object.context == context; };
  functions_.erase_if(belongs);
  modules_.erase_if(belongs);
  streams_.erase_if(belongs);
  events_.erase_if(belongs);
  clear_textures(context);
  clear_arrays(context);
  std::erase_if(allocations_, [&](const auto& allocation) {
    if (allocation.second.context != context) return false;
    free_allocation(allocation.first, allocation.second);
    return true;
  });
  Context& cleared = contexts_.at(context);
  cleared.runtime = std::make_unique<software::DeviceRuntime>(gpu_->memory());
  cleared.has_printed = false;
}

CUresult SoftwareBackend::cuDevicePrimaryCtxRetain(Handle, Handle& context, std::int32_t device) {
  require_device(device);
  ++primary_.retained;
  context = primary_.handle;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuDevicePrimaryCtxRelease_v2(Handle, std::int32_t device) {
  require_device(device);
  if (!primary_is_active()) {
    throw CallError(CUDA_ERROR_INVALID_CONTEXT, "the primary context is released more often than retained");
  }
  if (--primary_.retained == 0) clear_context(primary_.handle);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuDevicePrimaryCtxReset_v2(Handle, std::int32_t device) {
  require_device(device);
  // Resetting frees what the context owns; whoever retains it still has to release it.
  clear_context(primary_.handle);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuDevicePrimaryCtxGetState(Handle, std::int32_t device, std::uint32_t& flags,
                                                     std::int32_t& active) {
  require_device(device);
  flags = contexts_.at(primary_.handle).flags;
  active = primary_is_active() ? 1 : 0;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuDevicePrimaryCtxSetFlags_v2(Handle, std::int32_t device, std::uint32_t flags) {
  require_device(device);
  require_context_flags(flags);
  contexts_.at(primary_.handle).flags = flags;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuContextCreate(Handle, Handle& context, std::uint32_t flags,
                                            std::int32_t device) {
  require_device(device);
  require_context_flags(flags);
  auto runtime = std::make_unique<software::DeviceRuntime>(gpu_->memory());
  context = contexts_.insert(Context{flags, std::move(runtime)});
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuContextDestroy(Handle, Handle context) {
  if (context == primary_.handle) {
    throw CallError(CUDA_ERROR_INVALID_CONTEXT, "the primary context cannot be destroyed, only released");
  }
  require_context(context);
  clear_context(context);
  contexts_.erase(context);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuContextDevice(Handle, std::int32_t& device, Handle context) {
  require_context(context);
  device = 0;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuCtxSynchronize(Handle current) {
  require_context(current);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuContextSynchronize(Handle current) {
  return cuCtxSynchronize(current);
}

CUresult SoftwareBackend::cuCtxGetFlags(Handle current, std::uint32_t& flags) {
  flags = live_context(current).flags;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuCtxSetLimit(Handle current, std::int32_t limit, std::uint64_t value) {
  Context& context = live_context(current);
  std::uint64_t& place = limit_of(context, limit);
  const bool in_use = (limit == CU_LIMIT_PRINTF_FIFO_SIZE && context.has_printed) ||
                      (limit == CU_LIMIT_MALLOC_HEAP_SIZE && context.runtime->heap.is_reserved());
  if (in_use) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "context limit " + std::to_string(limit) +
                                                  " cannot change after a kernel that depends on it");
  }
  place = limit == CU_LIMIT_STACK_SIZE ? std::min(value, kLargestStack) : value;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuCtxGetLimit(Handle current, std::uint64_t& value, std::int32_t limit) {
  value = limit_of(live_context(current), limit);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
