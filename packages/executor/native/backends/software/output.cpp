// What kernels have printed.
#include "backends/software/software_backend.h"

namespace vgpu::executor {

void SoftwareBackend::keep_output(software::DeviceOutput& printed) {
  for (software::DeviceOutput::Text& text : printed.take()) {
    output_.append(text.stream == software::DeviceOutput::Stream::error ? 2 : 1, std::move(text.text));
  }
}

CUresult SoftwareBackend::vgpuOutputPending(Handle, std::uint64_t& bytes, std::int32_t& stream) {
  const KeptOutput::Pending pending = output_.pending();
  bytes = pending.bytes;
  stream = pending.stream;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuOutputTake(Handle, std::span<std::byte> text) {
  output_.take(text);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
