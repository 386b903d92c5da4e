// The profiler of one client, and the file that its kernels' profiles go to.
#pragma once

#include <memory>
#include <string>

#include "support/file_descriptor.h"
#include "vgpu/software_gpu/profiler.h"

namespace vgpu::executor {

/// Appends lines of JSON to the file, each in one write, as several clients may do so at once:
///
///     {"event":"begin","client":PID}
///     {"event":"kernel","client":PID,"kernel":{…}}   each kernel, when the client has gone
///     {"event":"end","client":PID}
class ProfileReport {
 public:
  /// Throws CallError with CUDA_ERROR_OPERATING_SYSTEM when the file cannot be written. From here on this
  /// process ignores SIGTERM: it ends when its client does, and only then is the report whole.
  explicit ProfileReport(const std::string& path);
  ~ProfileReport();
  ProfileReport(const ProfileReport&) = delete;
  ProfileReport& operator=(const ProfileReport&) = delete;

  software::Observer& observer() { return profiler_->observer(); }

 private:
  /// Whether the line was written.
  bool append(const std::string& line);

  FileDescriptor file_;
  std::unique_ptr<software::Profiler> profiler_ = software::Profiler::create();
};

}  // namespace vgpu::executor
