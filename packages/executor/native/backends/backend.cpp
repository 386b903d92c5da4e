#include "backends/backend.h"

#include <algorithm>
#include <new>

#include "backends/real/address_window.h"
#include "backends/real/real_backend.h"
#include "backends/software/software_backend.h"
#include "support/machine.h"

namespace vgpu::executor {
namespace {

/// Initialising the driver takes a second or two on a machine with many devices.
constexpr std::chrono::milliseconds kDriverDeadline{8000};

// Heterogeneous memory management, or a GPU that uses the processor's page tables.
constexpr std::string_view kReachesHostMemory =
    "kernels can read and write all memory of their worker process, which runs as this user: serve only "
    "programs "
    "that you trust, or turn this off (options nvidia-uvm uvm_disable_hmm=1 in /etc/modprobe.d)";

constexpr std::size_t kLeastMemory = std::size_t{1} << 20;

/// What one client may have of the real device; 0: all.
std::size_t memory_of(const BackendOptions& options) {
  if (options.memory_bytes == 0 || options.client_memory_bytes == 0) {
    return std::max(options.memory_bytes, options.client_memory_bytes);
  }
  return std::min(options.memory_bytes, options.client_memory_bytes);
}

/// "NVIDIA H200, driver 580.95.05 (CUDA 13.0)"
std::string describe(const DriverSnapshot& snapshot) {
  constexpr std::int32_t kMajor = 1000;
  constexpr std::int32_t kMinor = 10;
  const std::string release = snapshot.release[0] == '\0' ? "" : std::string(" ") + snapshot.release;
  return std::string(snapshot.device.name) + ", driver" + release + " (CUDA " +
         std::to_string(snapshot.driver_version / kMajor) + "." +
         std::to_string(snapshot.driver_version % kMajor / kMinor) + ")";
}

}  // namespace

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

void settle_backend(BackendOptions& options, Log& log) {
  const std::string driver = options.driver.path.empty() ? installed_driver() : options.driver.path;
  if (options.kind == BackendKind::automatic && driver.empty()) {
    log.write(Level::info, "no NVIDIA driver on this machine: using the software backend");
    options.kind = BackendKind::software;
  }
  if (options.check.any() || !options.profile_path.empty()) {
    if (options.kind == BackendKind::real) {
      throw BackendUnavailable(std::string(options.check.any() ? "--check" : "--profile") +
                               " needs the software backend: a real GPU does not tell what its kernels do");
    }
    options.kind = BackendKind::software;
  }
  if (options.kind != BackendKind::software) {
    try {
      options.driver_snapshot = probe_driver(options.driver, kDriverDeadline);
      options.kind = BackendKind::real;
      log.write(Level::info, "using the real backend: " + describe(*options.driver_snapshot));
      if (options.driver_snapshot->reaches_host_memory) log.write(Level::warning, kReachesHostMemory);
    } catch (const BackendUnavailable& error) {
      if (options.kind == BackendKind::real) throw;
      log.write(Level::warning, std::string("using the software backend: ") + error.what());
      options.kind = BackendKind::software;
    }
  }
  if (options.kind == BackendKind::real && options.client_fraction != 1) {
    throw BackendUnavailable(
        "--client-fraction needs the software backend: only the driver's own service for several processes "
        "(MPS) "
        "divides a real GPU");
  }
  if (options.kind == BackendKind::software && options.memory_bytes == 0) {
    // Half of what there is: the rest is for the programs themselves, whose data mostly exists a second time.
    options.memory_bytes = std::max(kLeastMemory, usable_memory_bytes() / 2);
  }
}

std::unique_ptr<Backend> create_backend(const BackendOptions& options) {
  if (!options.driver_snapshot) return std::make_unique<SoftwareBackend>(options);
  keep_to_address_window();
  return std::make_unique<RealBackend>(RealOptions{.driver = options.driver,
                                                   .snapshot = *options.driver_snapshot,
                                                   .memory_limit = memory_of(options),
                                                   .shares_memory = options.shares_memory,
                                                   .account = options.account,
                                                   .cublas_path = options.cublas_path,
                                                   .capture_output = true,
                                                   .log = options.log});
}

}  // namespace vgpu::executor
