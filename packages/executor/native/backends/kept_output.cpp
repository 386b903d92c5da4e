#include "backends/kept_output.h"

#include <cstring>

#include "backends/errors.h"

namespace vgpu::executor {

void KeptOutput::append(int stream, std::string text) {
  if (text.empty()) return;
  texts_.push_back({stream, std::move(text)});
  cost_ += cost(texts_.back());
  while (cost_ > kMaximumBytes) drop_oldest();
}

void KeptOutput::drop_oldest() {
  cost_ -= cost(texts_.front());
  texts_.pop_front();
  taken_ = 0;
}

KeptOutput::Pending KeptOutput::pending() const {
  if (texts_.empty()) return {};
  return {texts_.front().text.size() - taken_, texts_.front().stream};
}

void KeptOutput::take(std::span<std::byte> bytes) {
  if (bytes.size() > pending().bytes)
    throw CallError(CUDA_ERROR_INVALID_VALUE, std::to_string(bytes.size()) + " bytes of output do not wait");
  if (bytes.empty()) return;
  const std::string& oldest = texts_.front().text;
  std::memcpy(bytes.data(), oldest.data() + taken_, bytes.size());
  taken_ += bytes.size();
  if (taken_ == oldest.size()) drop_oldest();
}

}  // namespace vgpu::executor
