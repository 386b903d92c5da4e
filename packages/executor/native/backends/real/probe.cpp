// A driver can hang, or end the process that asks it: so a child asks.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "backends/real/driver_snapshot.h"
#include "support/file_descriptor.h"

namespace vgpu::executor {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kReapDeadline = std::chrono::milliseconds(500);

// A snapshot, or why there is none.
enum : char { kAnswer = 'A', kRefusal = 'R' };

void send(int descriptor, char kind, const void* bytes, std::size_t length) {
  std::vector<char> message(1 + length);
  message[0] = kind;
  std::memcpy(message.data() + 1, bytes, length);
  // Fits into the pipe. A parent that has gone does not miss it.
  static_cast<void>(!write(descriptor, message.data(), message.size()));
}

[[noreturn]] void ask(int descriptor, const DriverChoice& choice) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "vgpu-probe");
  try {
    const DriverLibrary driver(choice);
    const DriverSnapshot snapshot = describe_driver(driver.functions());
    send(descriptor, kAnswer, &snapshot, sizeof(snapshot));
  } catch (const std::exception& error) {
    send(descriptor, kRefusal, error.what(), std::strlen(error.what()));
  }
  // Not exit(): the driver may have registered something that hangs.
  _exit(0);
}

/// What the child writes until it ends, or until the deadline has passed; then complete is false.
std::vector<char> receive(int descriptor, Clock::time_point deadline, bool& complete) {
  std::vector<char> received;
  complete = false;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return received;
    pollfd readable{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, static_cast<int>(left.count())) <= 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      complete = count == 0;
      return received;
    }
    received.insert(received.end(), buffer.begin(), buffer.begin() + count);
  }
}

/// Ends the child; one that hangs in the kernel is left to the daemon, which reaps all its children.
void end(pid_t child) {
  kill(child, SIGKILL);
  const auto deadline = Clock::now() + kReapDeadline;
  while (waitpid(child, nullptr, WNOHANG) == 0 && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

DriverSnapshot probe_driver(const DriverChoice& choice, std::chrono::milliseconds deadline) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw BackendUnavailable(std::string("the driver cannot be asked: ") + std::strerror(errno));
  }
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  const pid_t child = fork();
  if (child == 0) ask(writing.get(), choice);
  if (child < 0) throw BackendUnavailable(std::string("the driver cannot be asked: ") + std::strerror(errno));
  writing.reset();
  bool complete = false;
  const std::vector<char> message = receive(reading.get(), Clock::now() + deadline, complete);
  end(child);

  DriverSnapshot snapshot{};
  if (message.size() == 1 + sizeof(snapshot) && message[0] == kAnswer) {
    std::memcpy(&snapshot, message.data() + 1, sizeof(snapshot));
    return snapshot;
  }
  if (!message.empty() && message[0] == kRefusal) {
    throw BackendUnavailable(std::string(message.begin() + 1, message.end()));
  }
  if (complete) throw BackendUnavailable("the driver ended the process that asked it");
  throw BackendUnavailable("the driver does not answer within " + std::to_string(deadline.count()) + " ms");
}

}  // namespace vgpu::executor
