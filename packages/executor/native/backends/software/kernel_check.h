// The memory checker of one client, and the file that its findings go to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "backends/software/event_file.h"
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

/// Appends to the report:
///
///     {"event":"begin","client":PID}
///     {"event":"finding","client":PID,"number":N,"finding":{…}}   as soon as it is found, with count 1
///     {"event":"end","client":PID,"counts":[…],"dropped":N}       when the client has gone: counts by number
class KernelCheck {
 public:
  /// Throws as EventFile does.
  explicit KernelCheck(const CheckOptions& options);
  ~KernelCheck();
  KernelCheck(const KernelCheck&) = delete;
  KernelCheck& operator=(const KernelCheck&) = delete;

  software::MemoryChecker& checker() { return *checker_; }

 private:
  void append(const char* event, const std::string& members = "");

  EventFile report_;
  std::unique_ptr<software::MemoryChecker> checker_;
};

}  // namespace vgpu::executor
