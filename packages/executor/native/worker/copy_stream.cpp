#include "worker/copy_stream.h"

namespace vgpu::executor {

CUresult copy_stream(BackendCalls& backend, std::uint64_t context, PayloadReader& head, FrameReader& frames) {
  const auto destination = head.read<std::uint64_t>();
  const auto total_bytes = head.read<std::uint64_t>();
  const auto stream = head.read<std::uint64_t>();
  const auto bytes = head.read_length();
  if (!head.complete() || bytes != frames.streaming() || bytes > total_bytes) return CUDA_ERROR_INVALID_VALUE;
  for (std::uint64_t done = 0; done < bytes;) {
    const auto piece = frames.next_piece();
    // The client has left, which the next frame will tell; there is nobody to hear of this one.
    if (piece.empty()) return CUDA_ERROR_UNKNOWN;
    const CUresult result =
        backend.vgpuCopyToDevice(context, destination + done, piece, total_bytes - done, stream);
    if (result != CUDA_SUCCESS) return result;
    done += piece.size();
  }
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
