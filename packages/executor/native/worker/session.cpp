#include "worker/session.h"

#include <string>
#include <utility>

#include "executor_dispatch.h"
#include "worker/copy_stream.h"

namespace vgpu::executor {

bool is_sticky(CUresult result) {
  switch (result) {
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_CONTAINED:
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
    case CUDA_ERROR_TENSOR_MEMORY_LEAK:
    case CUDA_ERROR_MPS_CLIENT_TERMINATED:
    case CUDA_ERROR_EXTERNAL_DEVICE:
      return true;
    default:
      return false;
  }
}

namespace {

/// What is asked about a dead context: what its kernels printed, and what happened to the device.
bool outlives_the_context(std::uint32_t call) {
  return call == VGPU_CALL_vgpuOutputPending || call == VGPU_CALL_vgpuOutputTake ||
         call == VGPU_CALL_vgpuDeviceXid;
}

/// The calls at which CUDA shows what kernels have printed (CUDA C++ Programming Guide, "Formatted Output").
bool shows_output(std::uint32_t call) {
  switch (call) {
    case VGPU_CALL_vgpuModuleLoad:
    case VGPU_CALL_vgpuContextDestroy:
    case VGPU_CALL_cuDevicePrimaryCtxRelease_v2:
    case VGPU_CALL_cuDevicePrimaryCtxReset_v2:
      return true;
    default:
      return synchronises(call);
  }
}

}  // namespace

FaultInjector::KernelName kernel_name_of(Backend& backend) {
  return [&backend](std::uint64_t context, std::uint64_t function) {
    std::string name;
    try {
      std::uint64_t bytes = 0;
      if (backend.vgpuFunctionNameLength(context, bytes, function) == CUDA_SUCCESS) name.resize(bytes);
      if (backend.vgpuFunctionName(context, std::as_writable_bytes(std::span(name)), function) !=
          CUDA_SUCCESS)
        name.clear();
    } catch (const std::exception&) {
      name.clear();
    }
    return name;
  };
}

bool Session::obeys_protocol(const vgpu_frame& request) {
  const auto flags = static_cast<std::uint32_t>(request.status);
  std::string name(call_name(request.call));
  if (name.empty()) name = "call " + std::to_string(request.call);
  if ((flags & ~static_cast<std::uint32_t>(VGPU_FRAME_DEFERRED)) != 0) {
    log_.write(Level::error,
               name + ": unknown frame flags " + std::to_string(flags) + "; closing the connection");
    return false;
  }
  if ((flags & VGPU_FRAME_DEFERRED) != 0 && !may_be_deferred(request.call)) {
    log_.write(Level::error, name + " may not be deferred; closing the connection");
    return false;
  }
  return true;
}

CUresult Session::run(const vgpu_frame& request, std::span<const std::byte> payload, FrameReader* stream) {
  const std::string_view name = call_name(request.call);
  if (name.empty()) {
    log_.write(Level::warning, "call " + std::to_string(request.call) + " does not exist");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  if (const auto fault = faults_.before(request.call, request.context, payload)) {
    log_.write(Level::info, std::string(name) + " gives " + std::to_string(fault->result) + ": VGPU_FAULT");
    if (fault->xid != 0) account_.tell_xid(fault->xid);
    return fault->result;
  }
  try {
    PayloadReader reader(payload);
    const CUresult result = stream != nullptr
                                ? copy_stream(backend_, request.context, reader, *stream)
                                : dispatch(backend_, request.call, request.context, reader, response_);
    if (!reader.complete())
      log_.write(Level::warning, std::string(name) + ": malformed request: " + reader.problem());
    return result;
  } catch (const std::exception& error) {
    const CUresult result = backend_.result_of(error);
    log_.write(Level::warning, std::string(name) + " gives " + std::to_string(result) + ": " + error.what());
    return result;
  }
}

bool Session::end(std::chrono::milliseconds patience, const std::function<void()>& release) {
  const std::unique_lock handling(handling_, patience);
  if (!handling) return false;
  ended_ = true;
  sticky_error_ = CUDA_ERROR_MPS_CLIENT_TERMINATED;
  release();
  account_.settle_memory(0);
  account_.leave();
  return true;
}

Session::Reply Session::handle(const vgpu_frame& request, std::span<const std::byte> payload,
                               FrameReader* stream) {
  // Off the fast path: almost every request has no flag.
  if (request.status != 0 && !obeys_protocol(request)) return Reply::close;
  const std::lock_guard handling(handling_);
  ++requests_;
  account_.count_call(request.call == VGPU_CALL_vgpuLaunchKernel ||
                      request.call == VGPU_CALL_vgpuLaunchCooperativeKernel);
  response_.clear();

  CUresult result = sticky_error_;
  // After the end there is no backend to ask, not even for what kernels printed.
  if (!ended_ && (result == CUDA_SUCCESS || outlives_the_context(request.call))) {
    result = run(request, payload, stream);
    account_.settle_memory(backend_.memory_in_use());
    if (is_sticky(result) && sticky_error_ == CUDA_SUCCESS) {
      sticky_error_ = result;
      if (const auto xid = xid_of(result)) account_.tell_xid(*xid);
    }
  }
  if (request.status != 0) {
    if (deferred_error_ == CUDA_SUCCESS) deferred_error_ = result;
    return Reply::none;
  }
  if (result == CUDA_SUCCESS && synchronises(request.call)) {
    result = std::exchange(deferred_error_, CUDA_SUCCESS);
  }

  const int descriptor = ended_ ? -1 : backend_.take_descriptor();
  response_descriptor_ = result == CUDA_SUCCESS ? descriptor : -1;
  response_payload_ = result == CUDA_SUCCESS ? response_.written() : std::span<const std::byte>();
  response_header_ = {.payload_bytes = static_cast<std::uint32_t>(response_payload_.size()),
                      .call = request.call,
                      .sequence = request.sequence,
                      .status = static_cast<std::int32_t>(result),
                      .context = !ended_ && shows_output(request.call) && backend_.has_output()
                                     ? static_cast<std::uint64_t>(VGPU_RESPONSE_OUTPUT)
                                     : 0};
  return Reply::send;
}

}  // namespace vgpu::executor
