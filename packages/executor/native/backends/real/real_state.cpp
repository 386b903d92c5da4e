#include "backends/real/real_state.h"

#include <utility>

#include "backends/real/address_window.h"
#include "support/hexadecimal.h"

namespace vgpu::executor {
namespace {

// CU_STREAM_LEGACY and CU_STREAM_PER_THREAD; 0 means the first.
constexpr Handle kLastDefaultStream = 2;

}  // namespace

RealState::RealState(DriverChoice choice, const DriverSnapshot& snapshot)
    : snapshot_(snapshot), choice_(std::move(choice)) {}

const DriverFunctions& RealState::driver() {
  if (!library_) {
    DriverLibrary library(choice_);
    require(library.functions().cuInit(0), "cuInit");
    require(library.functions().cuDeviceGet(&device_, 0), "cuDeviceGet");
    library_ = library;
  }
  return library_->functions();
}

void RealState::enter(Handle context) {
  if (context == 0) throw CallError(CUDA_ERROR_INVALID_CONTEXT, "no current context");
  if (context == primary_ && primary_retained_ == 0) {
    throw CallError(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the primary context is not active");
  }
  if (!objects_.contexts.has(context)) {
    const bool destroyed = objects_.contexts.was_issued(context);
    throw CallError(destroyed ? CUDA_ERROR_CONTEXT_IS_DESTROYED : CUDA_ERROR_INVALID_CONTEXT,
                    objects_.contexts.describe(context));
  }
  if (context == current_) return;
  require(driver().cuCtxSetCurrent(objects_.contexts.at(context)), "cuCtxSetCurrent");
  current_ = context;
}

void RealState::enter_if_any(Handle context) {
  if (context != 0) enter(context);
}

CUdevice RealState::device_at(std::int32_t device) {
  if (device != 0) throw CallError(CUDA_ERROR_INVALID_DEVICE, "device " + std::to_string(device) + " of 1");
  static_cast<void>(driver());
  return device_;
}

CUstream RealState::stream_at(Handle stream) {
  if (stream <= kLastDefaultStream) return reinterpret_cast<CUstream>(stream);
  return objects_.streams.at(stream);
}

CUdeviceptr RealState::visible_address(CUdeviceptr address) {
  if (in_address_window(address)) return address;
  throw CallError(CUDA_ERROR_NOT_SUPPORTED, "the driver put memory at " + hexadecimal(address) +
                                                ", outside " + hexadecimal(kWindowBegin) + " to " +
                                                hexadecimal(kWindowEnd) +
                                                ", where programs have memory of their own");
}

void RealState::require(CUresult result, const char* call) {
  if (result != CUDA_SUCCESS) {
    throw CallError(result, std::string("the driver's ") + call + " gives " + std::to_string(result));
  }
}

}  // namespace vgpu::executor
