#include "backends/software/kernel_check.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "backends/errors.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {
namespace {

std::string event(const char* name) {
  return std::string("{\"event\":\"") + name + "\",\"client\":" + std::to_string(getpid());
}

}  // namespace

KernelCheck::KernelCheck(const CheckOptions& options)
    : report_(open(options.report_path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {
  if (!report_) {
    throw CallError(CUDA_ERROR_OPERATING_SYSTEM,
                    "cannot write findings to " + options.report_path + ": " + std::strerror(errno));
  }
  if (std::signal(SIGTERM, SIG_IGN) == SIG_ERR) {
    throw CallError(CUDA_ERROR_OPERATING_SYSTEM, "cannot ignore SIGTERM");
  }
  append(event("begin") + "}");
  checker_ = software::MemoryChecker::create({
      .memory = options.memory,
      .races = options.races,
      .initialization = options.initialization,
      .synchronization = options.synchronization,
      .most_findings = options.most_findings,
      .on_finding =
          [this](std::size_t number, const software::Finding& finding) {
            append(event("finding") + ",\"number\":" + std::to_string(number) +
                   ",\"finding\":" + software::to_json(finding) + "}");
          },
  });
}

KernelCheck::~KernelCheck() {
  checker_->finish();
  std::string counts;
  for (const software::Finding& finding : checker_->findings()) {
    counts += (counts.empty() ? "" : ",") + std::to_string(finding.count);
  }
  append(event("end") + ",\"counts\":[" + counts + "],\"dropped\":" + std::to_string(checker_->dropped()) +
         "}");
}

/// A full disk must not end the program; its reader notices that the end is missing.
void KernelCheck::append(const std::string& line) {
  const std::string text = line + "\n";
  ssize_t written = 0;
  do {
    written = write(report_.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(text.size())) std::perror("vgpu-executor: a finding is lost");
}

}  // namespace vgpu::executor
