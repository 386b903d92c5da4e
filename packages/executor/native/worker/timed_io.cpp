#include "worker/timed_io.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace vgpu::executor {
namespace {

using Clock = std::chrono::steady_clock;

/// False when the deadline has come. What poll() says beyond that shows when the socket is used.
bool wait_for(int socket, short events, Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() <= 0) return false;
  pollfd ready{.fd = socket, .events = events, .revents = 0};
  static_cast<void>(poll(&ready, 1, static_cast<int>(left.count())));
  return true;
}

}  // namespace

Receipt receive_until(int socket, std::span<std::byte> buffer, Clock::time_point deadline) {
  while (!buffer.empty()) {
    // First, since who was itself stopped until after the deadline must not take what has come for silence.
    const ssize_t count = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) {
      buffer = buffer.subspan(static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
      return Receipt::end;
    } else if (!wait_for(socket, POLLIN, deadline)) {
      return Receipt::silence;
    }
  }
  return Receipt::complete;
}

bool send_until(int socket, std::span<const std::byte> bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if ((errno != EINTR && errno != EAGAIN) || !wait_for(socket, POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}

}  // namespace vgpu::executor
