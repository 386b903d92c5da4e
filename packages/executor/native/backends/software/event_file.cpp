#include "backends/software/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "backends/errors.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

EventFile::EventFile(const std::string& path, const char* content)
    : file_(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {
  if (!file_) {
    throw CallError(CUDA_ERROR_OPERATING_SYSTEM,
                    std::string("cannot write ") + content + " to " + path + ": " + std::strerror(errno));
  }
  if (std::signal(SIGTERM, SIG_IGN) == SIG_ERR) {
    throw CallError(CUDA_ERROR_OPERATING_SYSTEM, "cannot ignore SIGTERM");
  }
}

bool EventFile::append(const char* event, const std::string& members) {
  const std::string line =
      std::string("{\"event\":\"") + event + "\",\"client\":" + std::to_string(getpid()) + members + "}\n";
  ssize_t written = 0;
  do {
    written = write(file_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(line.size());
}

}  // namespace vgpu::executor
