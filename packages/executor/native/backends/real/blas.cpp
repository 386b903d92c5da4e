// cuBLAS by the host's own library, opened when a client first asks for it.
#include "backends/description.h"
#include "backends/real/loader_cache.h"
#include "backends/real/real_backend.h"
#include "support/log.h"

namespace vgpu::executor {

CublasHandle& RealBackend::cublas(Handle current) {
  enter(current);
  if (const auto found = cublas_handles_.find(current); found != cublas_handles_.end()) return found->second;
  if (!cublas_) {
    const auto paths = cublas_path_.empty() ? cublas_candidates(read_loader_cache(), snapshot_.driver_version)
                                            : std::vector{cublas_path_};
    cublas_ = std::make_unique<CublasLibrary>(paths, allow_guest_);
    if (log_ != nullptr) log_->write(Level::info, "matrix products by " + cublas_->path());
  }
  return cublas_handles_.try_emplace(current, cublas_->functions()).first->second;
}

CUresult RealBackend::vgpuBlasOpen(Handle current) {
  static_cast<void>(cublas(current));
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuBlasMultiply(Handle current, std::span<const std::byte> description,
                                       Handle stream) {
  const auto product = read_description<vgpu_blas_product>(description);
  cublas(current).multiply(product, stream_at(stream));
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuBlasSolve(Handle current, std::span<const std::byte> description, Handle stream) {
  const auto system = read_description<vgpu_blas_solve>(description);
  cublas(current).solve(system, stream_at(stream));
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuBlasVector(Handle current, std::span<const std::byte> description, Handle stream) {
  const auto vector = read_description<vgpu_blas_vector>(description);
  cublas(current).change(vector, stream_at(stream));
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuBlasReduce(Handle current, std::uint64_t& bits,
                                     std::span<const std::byte> description, Handle stream) {
  const auto vector = read_description<vgpu_blas_vector>(description);
  bits = cublas(current).reduce(vector, stream_at(stream));
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
