// The profiler of one client, and the file that its kernels' profiles go to.
#pragma once

#include <memory>
#include <string>

#include "backends/software/event_file.h"
#include "vgpu/software_gpu/profiler.h"

namespace vgpu::executor {

/// Appends to the file:
///
///     {"event":"begin","client":PID}
///     {"event":"kernel","client":PID,"kernel":{…}}   each kernel, when the client has gone
///     {"event":"end","client":PID}
class ProfileReport {
 public:
  /// Throws as EventFile does, also when the first line cannot be written.
  explicit ProfileReport(const std::string& path);
  ~ProfileReport();
  ProfileReport(const ProfileReport&) = delete;
  ProfileReport& operator=(const ProfileReport&) = delete;

  software::Observer& observer() { return profiler_->observer(); }

 private:
  EventFile file_;
  std::unique_ptr<software::Profiler> profiler_ = software::Profiler::create();
};

}  // namespace vgpu::executor
