#include "worker/socket_channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "worker/socket_io.h"

namespace vgpu::executor {

std::size_t SocketChannel::read(std::span<std::byte> buffer) {
  if (rest_owed_) wait_for_rest(socket_);
  for (;;) {
    const ssize_t received = recv(socket_, buffer.data(), buffer.size(), 0);
    if (received >= 0) return static_cast<std::size_t>(received);
    // A client that was killed with answers unread resets the connection: an end like any other.
    if (is_gone(errno)) return 0;
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "cannot receive from the client");
  }
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
