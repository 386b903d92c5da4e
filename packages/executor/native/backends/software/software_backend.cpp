#include "backends/software/software_backend.h"

#include <algorithm>

#include "backends/software/device_description.h"

namespace vgpu::executor {
namespace {

software::VectorPath vector_path(VectorPathChoice choice) {
  switch (choice) {
    case VectorPathChoice::portable:
      return software::VectorPath::portable;
    case VectorPathChoice::avx2:
      return software::VectorPath::avx2;
    case VectorPathChoice::avx512:
      return software::VectorPath::avx512;
    case VectorPathChoice::automatic:
      break;
  }
  return software::VectorPath::automatic;
}

software::CompiledCode compiled_code(CompiledCodeChoice choice) {
  switch (choice) {
    case CompiledCodeChoice::never:
      return software::CompiledCode::never;
    case CompiledCodeChoice::always:
      return software::CompiledCode::always;
    case CompiledCodeChoice::automatic:
      break;
  }
  return software::CompiledCode::automatic;
}

/// What the client sees as the device's memory.
std::size_t memory_of(const BackendOptions& options) {
  if (options.client_memory_bytes == 0) return options.memory_bytes;
  return std::min(options.client_memory_bytes, options.memory_bytes);
}

}  // namespace

SoftwareBackend::SoftwareBackend(const BackendOptions& options)
    : profile_(options.profile_path.empty() ? nullptr
                                            : std::make_unique<ProfileReport>(options.profile_path)),
      check_(options.check.any() ? std::make_unique<KernelCheck>(options.check) : nullptr),
      gpu_(software::Gpu::create({.memory_bytes = DeviceSpace::address_bytes(memory_of(options)),
                                  .threads = options.threads,
                                  .vector_path = vector_path(options.vector_path),
                                  .compiled_code = compiled_code(options.compiled_code),
                                  .observer = observer(),
                                  .guarded_memory = check_ != nullptr})),
      space_(gpu_->memory(), memory_of(options), options.account),
      account_(options.account),
      log_(options.log),
      use_open_blas_(options.blas == BlasChoice::automatic),
      shares_memory_(options.shares_memory),
      kernel_time_limit_(options.kernel_time_limit) {
  if (log_ != nullptr && !gpu_->why_interpreted().empty()) {
    log_->write(Level::info, "kernels are not compiled: " + gpu_->why_interpreted());
  }
  if (check_) {
    check_->checker().watch(gpu_->memory());
    space_.watch(&check_->checker());
  }
  auto runtime = std::make_unique<software::DeviceRuntime>(gpu_->memory());
  primary_.handle = contexts_.insert(Context{0, std::move(runtime)});
  default_pool_ = current_pool_ = pools_.insert(MemoryPool{});
}

/// Of the GPU; the options name one at most.
software::Observer* SoftwareBackend::observer() const {
  if (profile_) return &profile_->observer();
  return check_ ? &check_->checker().observer() : nullptr;
}

std::vector<vgpu_device> SoftwareBackend::devices() {
  return {describe_device(*gpu_, space_.total_bytes(), kernel_time_limit_, shares_memory_)};
}

CUresult SoftwareBackend::result_of(const std::exception& error) const {
  if (const auto* gpu_error = dynamic_cast<const software::Error*>(&error)) {
    return static_cast<CUresult>(gpu_error->status());
  }
  return Backend::result_of(error);
}

}  // namespace vgpu::executor
