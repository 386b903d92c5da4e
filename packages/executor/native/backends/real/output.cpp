// What kernels have printed: the driver wrote it to this process's stdout and stderr.
#include "backends/real/real_backend.h"

namespace vgpu::executor {

bool RealBackend::has_output() {
  return output_ != nullptr && output_->waiting();
}

CUresult RealBackend::vgpuOutputPending(Handle, std::uint64_t& bytes, std::int32_t& stream) {
  const KeptOutput::Pending pending = output_ == nullptr ? KeptOutput::Pending{} : output_->pending();
  bytes = pending.bytes;
  stream = pending.stream;
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuOutputTake(Handle, std::span<std::byte> text) {
  if (output_ == nullptr) throw CallError(CUDA_ERROR_INVALID_VALUE, "output is not captured");
  output_->take(text);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
