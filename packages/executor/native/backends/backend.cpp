#include "backends/backend.h"

#include <unistd.h>

#include <new>

#include "backends/software/software_backend.h"

namespace vgpu::executor {

CUresult Backend::result_of(const std::exception& error) const {
  if (const auto* call_error = dynamic_cast<const CallError*>(&error)) return call_error->result();
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
  return CUDA_ERROR_UNKNOWN;
}

std::string_view name_of(BackendKind kind) {
  switch (kind) {
    case BackendKind::automatic:
      return "auto";
    case BackendKind::real:
      return "real";
    case BackendKind::software:
      return "software";
  }
  return "?";
}

BackendKind choose_backend(BackendKind wanted, Log& log) {
  switch (wanted) {
    case BackendKind::real:
      throw BackendUnavailable("the real backend is not part of this build");
    case BackendKind::software:
      return BackendKind::software;
    case BackendKind::automatic:
      break;
  }
  // The driver's own files tell as much as loading its library would, without running its code here.
  const bool driver = access("/proc/driver/nvidia/version", F_OK) == 0 || access("/dev/nvidiactl", F_OK) == 0;
  log.write(
      driver ? Level::warning : Level::info,
      driver ? "this machine has an NVIDIA driver, but the real backend is not part of this build: using the "
               "software backend"
             : "no NVIDIA driver on this machine: using the software backend");
  return BackendKind::software;
}

std::unique_ptr<Backend> create_backend(const BackendOptions& options) {
  return std::make_unique<SoftwareBackend>(options);
}

}  // namespace vgpu::executor
