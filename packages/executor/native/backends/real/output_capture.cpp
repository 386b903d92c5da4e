#include "backends/real/output_capture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <system_error>

namespace vgpu::executor {
namespace {

constexpr std::size_t kPipeBytes = std::size_t{64} << 10;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Until the pipe is empty.
void read_all(int descriptor, int stream, std::span<char> buffer, KeptOutput& kept) {
  for (;;) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    kept.append(stream, std::string(buffer.data(), static_cast<std::size_t>(count)));
  }
}

}  // namespace

OutputCapture::Stream OutputCapture::replace(int number) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail("capture what kernels print");
  Stream stream{.number = number, .original = {}, .reading = FileDescriptor(ends[0])};
  const FileDescriptor writing(ends[1]);
  stream.original = FileDescriptor(fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  // Who writes waits for the reader; the reader waits for nobody.
  if (!stream.original || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || dup2(writing.get(), number) < 0)
    fail("capture what kernels print");
  return stream;
}

void OutputCapture::restore(const Stream& stream) {
  // Cannot fail for two open descriptors.
  if (stream.original) static_cast<void>(dup2(stream.original.get(), stream.number));
}

OutputCapture::OutputCapture() : buffer_(kPipeBytes), stop_(eventfd(0, EFD_CLOEXEC)) {
  if (!stop_) fail("capture what kernels print");
  static_cast<void>(std::fflush(stdout));
  try {
    streams_[0] = replace(STDOUT_FILENO);
    streams_[1] = replace(STDERR_FILENO);
    reader_ = std::thread([this] { read_until_stopped(); });
  } catch (...) {
    for (const Stream& stream : streams_) restore(stream);
    throw;
  }
}

OutputCapture::~OutputCapture() {
  static_cast<void>(std::fflush(stdout));
  for (const Stream& stream : streams_) restore(stream);
  const std::uint64_t one = 1;
  // An eventfd takes one number without waiting.
  static_cast<void>(!write(stop_.get(), &one, sizeof(one)));
  reader_.join();
}

void OutputCapture::read_until_stopped() {
  for (;;) {
    std::array<pollfd, 3> readable{{{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                                    {.fd = streams_[0].reading.get(), .events = POLLIN, .revents = 0},
                                    {.fd = streams_[1].reading.get(), .events = POLLIN, .revents = 0}}};
    if (poll(readable.data(), readable.size(), -1) < 0 && errno != EINTR) return;
    if (readable[0].revents != 0) return;
    drain();
  }
}

void OutputCapture::drain() {
  const std::lock_guard lock(mutex_);
  for (const Stream& stream : streams_) read_all(stream.reading.get(), stream.number, buffer_, kept_);
}

bool OutputCapture::waiting() {
  // Through the same C library as ours, which keeps it in stdout's buffer.
  static_cast<void>(std::fflush(stdout));
  drain();
  const std::lock_guard lock(mutex_);
  return !kept_.empty();
}

KeptOutput::Pending OutputCapture::pending() {
  const std::lock_guard lock(mutex_);
  return kept_.pending();
}

void OutputCapture::take(std::span<std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  kept_.take(bytes);
}

}  // namespace vgpu::executor
