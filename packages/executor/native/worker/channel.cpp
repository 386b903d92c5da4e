#include "worker/channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace vgpu::executor {
namespace {

bool is_gone(int error) {
  return error == EPIPE || error == ECONNRESET;
}

void skip(std::span<iovec>& parts, std::size_t bytes) {
  while (!parts.empty() && bytes >= parts.front().iov_len) {
    bytes -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (bytes != 0) {
    parts.front().iov_base = static_cast<std::byte*>(parts.front().iov_base) + bytes;
    parts.front().iov_len -= bytes;
  }
}

/// Sends all of `parts`. False when the client is gone.
bool send_all(int socket, std::span<iovec> parts, int descriptor = -1) {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
  while (!parts.empty()) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    if (descriptor >= 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    const ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      // It went with the first byte.
      if (sent > 0) descriptor = -1;
      skip(parts, static_cast<std::size_t>(sent));
    } else if (is_gone(errno)) {
      return false;
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "cannot send to the client");
    }
  }
  return true;
}

/// sendmsg() only reads, but its structure is shared with recvmsg().
iovec part(std::span<const std::byte> bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

}  // namespace

std::size_t Channel::read(std::span<std::byte> buffer) {
  for (;;) {
    const ssize_t received = recv(socket_, buffer.data(), buffer.size(), 0);
    if (received >= 0) return static_cast<std::size_t>(received);
    // A client that was killed with answers unread resets the connection: an end like any other.
    if (is_gone(errno)) return 0;
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "cannot receive from the client");
  }
}

bool Channel::send(const vgpu_frame& header, std::span<const std::byte> payload, int descriptor) {
  const std::lock_guard lock(sending_);
  std::array parts = {part(std::as_bytes(std::span(&header, 1))), part(payload)};
  return send_all(socket_, std::span(parts).first(payload.empty() ? 1 : 2), descriptor);
}

bool Channel::send_alive() {
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
