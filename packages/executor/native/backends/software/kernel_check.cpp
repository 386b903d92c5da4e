#include "backends/software/kernel_check.h"

#include <cstdio>

namespace vgpu::executor {

KernelCheck::KernelCheck(const CheckOptions& options) : report_(options.report_path, "findings") {
  append("begin");
  checker_ = software::MemoryChecker::create({
      .memory = options.memory,
      .races = options.races,
      .initialization = options.initialization,
      .synchronization = options.synchronization,
      .most_findings = options.most_findings,
      .on_finding =
          [this](std::size_t number, const software::Finding& finding) {
            append("finding",
                   ",\"number\":" + std::to_string(number) + ",\"finding\":" + software::to_json(finding));
          },
  });
}

KernelCheck::~KernelCheck() {
  checker_->finish();
  std::string counts;
  for (const software::Finding& finding : checker_->findings()) {
    counts += (counts.empty() ? "" : ",") + std::to_string(finding.count);
  }
  append("end", ",\"counts\":[" + counts + "],\"dropped\":" + std::to_string(checker_->dropped()));
}

void KernelCheck::append(const char* event, const std::string& members) {
  if (!report_.append(event, members)) std::perror("vgpu-executor: a finding is lost");
}

}  // namespace vgpu::executor
