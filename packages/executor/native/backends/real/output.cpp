// The driver itself writes what kernels print, to this process's stdout; there is nothing that a guest could
// fetch, and has_output() never tells it to.
#include "backends/real/real_backend.h"

namespace vgpu::executor {

CUresult RealBackend::vgpuOutputPending(Handle, std::uint64_t& /*bytes*/, std::int32_t& /*stream*/) {
  throw CallError(CUDA_ERROR_NOT_SUPPORTED, "kernels' output goes to the executor's own stdout");
}

CUresult RealBackend::vgpuOutputTake(Handle, std::span<std::byte> /*text*/) {
  throw CallError(CUDA_ERROR_NOT_SUPPORTED, "kernels' output goes to the executor's own stdout");
}

}  // namespace vgpu::executor
