// The memory checker of one client, and the file that its findings go to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "support/file_descriptor.h"
#include "vgpu/software_gpu/memory_checker.h"

namespace vgpu::executor {

/// What to check; nothing where no report is named.
struct CheckOptions {
  bool memory = false;
  bool races = false;
  bool initialization = false;
  bool synchronization = false;
  std::size_t most_findings = 1000;
  std::string report_path;  // absolute

  [[nodiscard]] bool any() const { return memory || races || initialization || synchronization; }
};

/// Appends lines of JSON to the report, each in one write, as several clients may do so at once:
///
///     {"event":"begin","client":PID}
///     {"event":"finding","client":PID,"number":N,"finding":{…}}   as soon as it is found, with count 1
///     {"event":"end","client":PID,"counts":[…],"dropped":N}       when the client has gone: counts by number
class KernelCheck {
 public:
  /// Throws CallError with CUDA_ERROR_OPERATING_SYSTEM when the report cannot be written. From here on this
  /// process ignores SIGTERM: it ends when its client does, and only then is the report whole.
  explicit KernelCheck(const CheckOptions& options);
  ~KernelCheck();
  KernelCheck(const KernelCheck&) = delete;
  KernelCheck& operator=(const KernelCheck&) = delete;

  software::MemoryChecker& checker() { return *checker_; }

 private:
  void append(const std::string& line);

  FileDescriptor report_;
  std::unique_ptr<software::MemoryChecker> checker_;
};

}  // namespace vgpu::executor
