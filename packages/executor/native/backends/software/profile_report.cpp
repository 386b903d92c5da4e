#include "backends/software/profile_report.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "backends/errors.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

ProfileReport::ProfileReport(const std::string& path) : file_(path, "profiles") {
  if (!file_.append("begin")) {
    throw CallError(CUDA_ERROR_OPERATING_SYSTEM,
                    "cannot write profiles to " + path + ": " + std::strerror(errno));
  }
}

ProfileReport::~ProfileReport() {
  const std::vector<software::KernelProfile> profiles = profiler_->profiles();
  const bool whole = std::all_of(profiles.begin(), profiles.end(), [this](const auto& profile) {
    return file_.append("kernel", ",\"kernel\":" + software::to_json(profile));
  });
  if (!whole || !file_.append("end")) std::perror("vgpu-executor: a profile is lost");
}

}  // namespace vgpu::executor
