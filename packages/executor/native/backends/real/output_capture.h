// The driver writes what kernels print to stdout and stderr of the process that calls it. From here it goes
// to the client, whose kernels they are.
#pragma once

#include <array>
#include <mutex>
#include <thread>
#include <vector>

#include "backends/kept_output.h"
#include "support/file_descriptor.h"

namespace vgpu::executor {

/// While it lives, stdout and stderr of this process are pipes. A thread reads them, so that the driver never
/// waits for a client.
class OutputCapture {
 public:
  /// Throws std::system_error.
  OutputCapture();
  ~OutputCapture();
  OutputCapture(const OutputCapture&) = delete;
  OutputCapture& operator=(const OutputCapture&) = delete;

  /// Whether anything is there that was written before this call, in any thread. Costs three system calls.
  [[nodiscard]] bool waiting();
  [[nodiscard]] KeptOutput::Pending pending();
  /// As KeptOutput::take().
  void take(std::span<std::byte> bytes);

 private:
  struct Stream {
    int number = -1;  // 1 or 2
    FileDescriptor original;
    FileDescriptor reading;
  };
  static Stream replace(int number);
  static void restore(const Stream& stream);
  void read_until_stopped();
  /// Takes over what the pipes hold.
  void drain();

  std::mutex mutex_;  // of the following two
  std::vector<char> buffer_;
  KeptOutput kept_;
  std::array<Stream, 2> streams_;
  FileDescriptor stop_;
  std::thread reader_;
};

}  // namespace vgpu::executor
