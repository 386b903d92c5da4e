// What kernels have printed and the client has not fetched yet.
#include <algorithm>
#include <cstring>

#include "backends/software/software_backend.h"

namespace vgpu::executor {
namespace {

/// A client that never synchronises loses its oldest output, as it does when CUDA's own buffer is full.
constexpr std::uint64_t kMaximumBytes = std::uint64_t{64} << 20;

}  // namespace

void SoftwareBackend::keep_output(software::DeviceOutput& printed) {
  for (software::DeviceOutput::Text& text : printed.take()) {
    if (text.text.empty()) continue;
    output_bytes_ += text.text.size();
    output_.push_back(std::move(text));
  }
  while (output_bytes_ > kMaximumBytes) {
    output_bytes_ -= output_.front().text.size();
    output_.pop_front();
  }
}

CUresult SoftwareBackend::vgpuOutputPending(Handle, std::uint64_t& bytes, std::int32_t& stream) {
  bytes = output_.empty() ? 0 : output_.front().text.size();
  stream = !output_.empty() && output_.front().stream == software::DeviceOutput::Stream::error ? 2 : 1;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuOutputTake(Handle, std::span<std::byte> text) {
  if (output_.empty() || text.size() > output_.front().text.size()) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, std::to_string(text.size()) + " bytes of output do not wait");
  }
  std::string& waiting = output_.front().text;
  std::memcpy(text.data(), waiting.data(), text.size());
  output_bytes_ -= text.size();
  if (text.size() == waiting.size()) {
    output_.pop_front();
  } else {
    waiting.erase(0, text.size());
  }
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
