// What is seen of kernels, on its way to the command line.
#pragma once

#include <string>

#include "support/file_descriptor.h"

namespace vgpu::executor {

/// Appends lines of JSON to a file, each in one write, as several clients may do so at once:
///
///     {"event":"begin","client":PID,…}
class EventFile {
 public:
  /// `content`, such as "findings", is for the error. Throws CallError with CUDA_ERROR_OPERATING_SYSTEM when
  /// the file cannot be written. From here on this process ignores SIGTERM: it ends when its client does, and
  /// only then is the file whole.
  EventFile(const std::string& path, const char* content);

  /// `members` begin with a comma. Whether the line was written: a full disk must not end the program, and
  /// the reader notices that the end is missing.
  bool append(const char* event, const std::string& members = "");

 private:
  FileDescriptor file_;
};

}  // namespace vgpu::executor
