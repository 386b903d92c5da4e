#include "worker/socket_channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "worker/socket_io.h"
#include "worker/spin.h"

namespace vgpu::executor {

SocketChannel::SocketChannel(int socket) : socket_(socket), spin_(make_spin()) {}

std::size_t SocketChannel::read(std::span<std::byte> buffer) {
  int flags = MSG_DONTWAIT;
  for (;;) {
    const ssize_t received = recv(socket_, buffer.data(), buffer.size(), flags);
    if (received >= 0) return static_cast<std::size_t>(received);
    if (errno == EAGAIN && flags != 0) {
      if (!spin(spin_, 1, [this] { return has_bytes(); }) && rest_owed_) wait_for_rest(socket_);
      flags = 0;
      continue;
    }
    // A client that was killed with answers unread resets the connection: an end like any other.
    if (is_gone(errno)) return 0;
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "cannot receive from the client");
  }
}

/// Or the end, or an error: whatever recv() would not wait for.
bool SocketChannel::has_bytes() const {
  std::byte next{};
  return recv(socket_, &next, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

bool SocketChannel::send(const vgpu_frame& header, std::span<const std::byte> payload, int descriptor) {
  const std::lock_guard lock(sending_);
  std::array parts = {part(std::as_bytes(std::span(&header, 1))), part(payload)};
  return send_all(socket_, std::span(parts).first(payload.empty() ? 1 : 2), descriptor);
}

bool SocketChannel::send_alive() {
  // While an answer is on its way nobody needs a sign of life, and one in its middle would break it.
  const std::unique_lock lock(sending_, std::try_to_lock);
  if (!lock) return true;
  const vgpu_frame alive{};
  const auto bytes = std::as_bytes(std::span(&alive, 1));
  const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(bytes.size())) return true;
  // A client that does not read is not waiting for us either.
  if (sent < 0) return !is_gone(errno);
  std::array parts = {part(bytes.subspan(static_cast<std::size_t>(sent)))};
  return send_all(socket_, parts);
}

}  // namespace vgpu::executor
