// What runs the calls of one client: the generated methods, and what the handshake has to say.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/errors.h"
#include "backends/real/driver_snapshot.h"
#include "backends/software/kernel_check.h"
#include "clients/client_account.h"
#include "executor_backend.h"
#include "support/log.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// One object per client, in the client's own process. Besides returning a CUresult, methods may throw:
/// CallError, or anything that result_of() knows.
class Backend : public BackendCalls {
 public:
  /// "software" or "real".
  [[nodiscard]] virtual std::string name() const = 0;
  /// As cuDriverGetVersion reports it.
  [[nodiscard]] virtual std::int32_t driver_version() const = 0;
  /// As NVML reports it.
  [[nodiscard]] virtual std::string driver_release() const = 0;
  [[nodiscard]] virtual std::vector<vgpu_device> devices() = 0;

  /// A file that goes with the response to the call that was just made; -1 for none. It stays the backend's.
  [[nodiscard]] virtual int take_descriptor() { return -1; }

  /// Device memory that the client has taken.
  [[nodiscard]] virtual std::uint64_t memory_in_use() const = 0;

  /// What the client has loaded, for the log; empty where the backend does not know.
  [[nodiscard]] virtual std::string loaded_code() { return {}; }

  /// Whether kernels have printed something that vgpuOutputTake would give.
  [[nodiscard]] virtual bool has_output() { return false; }

  /// What the program is told about an exception that a method threw.
  [[nodiscard]] virtual CUresult result_of(const std::exception& error) const;
};

enum class BackendKind { automatic, real, software };
/// What multiplies matrices on the software GPU: OpenBLAS where it is installed, or the device's own kernel.
enum class BlasChoice { automatic, own };
enum class VectorPathChoice { automatic, portable, avx2, avx512 };
/// Whether the software GPU compiles straight-line code of kernels.
enum class CompiledCodeChoice { automatic, never, always };

struct BackendOptions {
  BackendKind kind = BackendKind::automatic;
  /// Of the software GPU, 0: half of the machine's; of a real one that all clients may have, 0: all.
  std::size_t memory_bytes = 0;
  std::size_t client_memory_bytes = 0;            // what one client may take of it; 0: all
  bool shares_memory = true;                      // the client can be given files, being on this machine
  ClientAccount account{};                        // to ask before memory is taken
  unsigned threads = 0;                           // 0: one per core
  double client_fraction = 1;                     // of the device; the software GPU's is in its threads
  std::chrono::milliseconds kernel_time_limit{};  // 0: none
  VectorPathChoice vector_path = VectorPathChoice::automatic;
  CompiledCodeChoice compiled_code = CompiledCodeChoice::automatic;
  CheckOptions check{};        // of the software GPU
  std::string profile_path{};  // absolute: where the software GPU profiles its kernels; empty: it does not
  DriverChoice driver{};
  std::optional<DriverSnapshot> driver_snapshot{};  // what settle_backend() found
  BlasChoice blas = BlasChoice::automatic;
  std::string cublas_path{};  // of the real backend, absolute; empty: the installed one
  Log* log = nullptr;         // for what is decided later; outlives the backend
};

/// As it is spelled on the command line.
std::string_view name_of(BackendKind kind);

/// Turns `automatic` into what this machine has, and logs why. For the real backend it asks the driver, in a
/// child process and for some seconds at most. Throws BackendUnavailable when `real` is asked for and is not
/// there.
void settle_backend(BackendOptions& options, Log& log);

/// Throws what result_of() of the backend would understand; here only std::exception can be relied upon.
std::unique_ptr<Backend> create_backend(const BackendOptions& options);

}  // namespace vgpu::executor
