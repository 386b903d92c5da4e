// Contexts. The driver destroys with a context what it owns; the numbers of those objects must go with them.
#include "backends/real/real_backend.h"

namespace vgpu::executor {

void RealBackend::clear_context(Handle context) {
  // Nothing of a context that a fault has ended can be given back; it all goes with the process.
  const auto ignore_faults = [](auto work) {
    try {
      work();
    } catch (const CallError&) {
    }
  };
  if (const auto found = cublas_handles_.find(context); found != cublas_handles_.end()) {
    ignore_faults([&] {
      enter(context);
      found->second.release();
    });
    cublas_handles_.erase(found);
  }
  if (const auto found = staging_.find(context); found != staging_.end()) {
    ignore_faults([&] {
      enter(context);
      found->second.release();
    });
    staging_.erase(found);
  }
  clear_arrays(context);
  std::erase_if(textures_, [context](const auto& texture) { return texture.first.first == context; });
  for (auto allocation = allocations_.begin(); allocation != allocations_.end();) {
    const auto next = std::next(allocation);
    if (allocation->second.context == context) {
      if (allocation->second.shared != nullptr) {
        ignore_faults([&] {
          enter(context);
          require(driver().cuCtxSynchronize(), "cuCtxSynchronize");
          require(driver().cuMemHostUnregister(allocation->second.shared->memory()), "cuMemHostUnregister");
        });
      }
      disown(allocation);
    }
    allocation = next;
  }
  objects_.release_owned_by(context);
}

RealBackend::~RealBackend() {
  // Throwing is for calls; here the process is about to end, and the driver then takes everything back
  // anyway.
  try {
    // What is current is so for the thread of the calls, which need not be this one.
    forget_current();
    release_physical_memory();
    for (const Handle context : objects_.contexts.owned_by(0)) {
      if (context == primary_) continue;
      clear_context(context);
      static_cast<void>(driver().cuCtxDestroy_v2(objects_.contexts.at(context)));
    }
    if (primary_retained_ == 0) return;
    clear_context(primary_);
    static_cast<void>(driver().cuDevicePrimaryCtxRelease_v2(device_at(0)));
  } catch (const std::exception&) {
  }
}

// The client's count is kept here, and the driver's is 1 while it is not 0: so that a context which the
// driver makes anew, after a reset, keeps its number.
CUresult RealBackend::cuDevicePrimaryCtxRetain(Handle, Handle& context, std::int32_t device) {
  const CUdevice number = device_at(device);
  if (primary_retained_ == 0) {
    CUcontext made{};
    const CUresult result = driver().cuDevicePrimaryCtxRetain(&made, number);
    if (result != CUDA_SUCCESS) return result;
    if (primary_ == 0) {
      primary_ = objects_.contexts.adopt(made, 0);
    } else {
      objects_.contexts.replace(primary_, made);
    }
    forget_current();
  }
  ++primary_retained_;
  context = primary_;
  return CUDA_SUCCESS;
}

CUresult RealBackend::cuDevicePrimaryCtxRelease_v2(Handle, std::int32_t device) {
  const CUdevice number = device_at(device);
  if (primary_retained_ == 0) {
    throw CallError(CUDA_ERROR_INVALID_CONTEXT, "the primary context is released more often than retained");
  }
  if (primary_retained_ > 1) {
    --primary_retained_;
    return CUDA_SUCCESS;
  }
  clear_context(primary_);
  forget_current();
  primary_retained_ = 0;
  return driver().cuDevicePrimaryCtxRelease_v2(number);
}

CUresult RealBackend::cuDevicePrimaryCtxReset_v2(Handle, std::int32_t device) {
  const CUdevice number = device_at(device);
  if (primary_retained_ == 0) return driver().cuDevicePrimaryCtxReset_v2(number);
  clear_context(primary_);
  forget_current();
  CUresult result = driver().cuDevicePrimaryCtxReset_v2(number);
  if (result != CUDA_SUCCESS) return result;
  // Releasing what was reset may be an error or not, by the driver's version; what counts is the next line.
  static_cast<void>(driver().cuDevicePrimaryCtxRelease_v2(number));
  CUcontext made{};
  result = driver().cuDevicePrimaryCtxRetain(&made, number);
  if (result == CUDA_SUCCESS) objects_.contexts.replace(primary_, made);
  return result;
}

CUresult RealBackend::vgpuContextCreate(Handle, Handle& context, std::uint32_t flags, std::int32_t device) {
  CUcontext made{};
  CUcontext popped{};
  const CUresult result = driver().cuCtxCreate_v2(&made, flags, device_at(device));
  if (result != CUDA_SUCCESS) return result;
  // Which context is current in which thread is the guest's business.
  static_cast<void>(driver().cuCtxPopCurrent_v2(&popped));
  forget_current();
  context = objects_.contexts.adopt(made, 0);
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuContextDestroy(Handle, Handle context) {
  if (context == primary_ && context != 0) {
    throw CallError(CUDA_ERROR_INVALID_CONTEXT, "the primary context cannot be destroyed, only released");
  }
  enter(context);
  clear_context(context);
  const CUresult result = driver().cuCtxDestroy_v2(objects_.contexts.at(context));
  forget_current();
  objects_.contexts.erase(context);
  return result;
}

CUresult RealBackend::vgpuContextDevice(Handle, std::int32_t& device, Handle context) {
  enter(context);
  device = 0;  // there is only one
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
