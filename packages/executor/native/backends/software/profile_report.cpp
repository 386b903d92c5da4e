#include "backends/software/profile_report.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "backends/errors.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {
namespace {

std::string event(const char* name) {
  return std::string("{\"event\":\"") + name + "\",\"client\":" + std::to_string(getpid());
}

}  // namespace

ProfileReport::ProfileReport(const std::string& path)
    : file_(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {
  if (!file_ || !append(event("begin") + "}")) {
    throw CallError(CUDA_ERROR_OPERATING_SYSTEM,
                    "cannot write profiles to " + path + ": " + std::strerror(errno));
  }
  if (std::signal(SIGTERM, SIG_IGN) == SIG_ERR) {
    throw CallError(CUDA_ERROR_OPERATING_SYSTEM, "cannot ignore SIGTERM");
  }
}

/// A full disk must not end the program; the reader notices that the end is missing.
ProfileReport::~ProfileReport() {
  const std::vector<software::KernelProfile> profiles = profiler_->profiles();
  const bool whole = std::all_of(profiles.begin(), profiles.end(), [this](const auto& profile) {
    return append(event("kernel") + ",\"kernel\":" + software::to_json(profile) + "}");
  });
  if (!whole || !append(event("end") + "}")) std::perror("vgpu-executor: a profile is lost");
}

bool ProfileReport::append(const std::string& line) {
  const std::string text = line + "\n";
  ssize_t written = 0;
  do {
    written = write(file_.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(text.size());
}

}  // namespace vgpu::executor
