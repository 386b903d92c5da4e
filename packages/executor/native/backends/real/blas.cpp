// cuBLAS's operations are not passed on yet: a program that uses them is told so by name.
#include "backends/real/real_backend.h"

namespace vgpu::executor {
namespace {

[[noreturn]] void refuse() {
  throw CallError(CUDA_ERROR_NOT_SUPPORTED, "cuBLAS is not implemented by the real backend");
}

}  // namespace

CUresult RealBackend::vgpuBlasMultiply(Handle, std::span<const std::byte>, Handle) {
  refuse();
}

CUresult RealBackend::vgpuBlasSolve(Handle, std::span<const std::byte>, Handle) {
  refuse();
}

CUresult RealBackend::vgpuBlasVector(Handle, std::span<const std::byte>, Handle) {
  refuse();
}

CUresult RealBackend::vgpuBlasReduce(Handle, std::uint64_t&, std::span<const std::byte>, Handle) {
  refuse();
}

}  // namespace vgpu::executor
