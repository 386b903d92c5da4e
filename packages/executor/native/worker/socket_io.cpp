#include "worker/socket_io.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

#include "clients/peer.h"

namespace vgpu::executor {
namespace {

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

/// By a signal or in a debugger.
bool is_stopped(const Peer& peer) {
  if (peer.process_id == 0) return false;
  std::ifstream file("/proc/" + std::to_string(peer.process_id) + "/stat");
  std::string line;
  std::getline(file, line);
  // The state follows the name, which may contain anything.
  const std::size_t name_end = line.rfind(") ");
  return name_end != std::string::npos && line.find_first_of("Tt", name_end) == name_end + 2;
}

}  // namespace

bool is_gone(int error) {
  return error == EPIPE || error == ECONNRESET;
}

iovec part(std::span<const std::byte> bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

bool send_all(int socket, std::span<iovec> parts, int descriptor) {
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

void wait_for_rest(int socket) {
  constexpr std::chrono::milliseconds kLocalSilence{900};
  constexpr std::chrono::milliseconds kNetworkSilence{10'000};
  const Peer peer = peer_of(socket);
  const auto silence = peer.local ? kLocalSilence : kNetworkSilence;
  const auto deadline = std::chrono::steady_clock::now() + silence;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd readable{.fd = socket, .events = POLLIN, .revents = 0};
    const int ready = poll(&readable, 1, left.count() > 0 ? static_cast<int>(left.count()) : 100);
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (std::chrono::steady_clock::now() < deadline || is_stopped(peer)) continue;
    throw std::runtime_error("the client has sent half a request and then nothing for " +
                             std::to_string(silence.count()) + " ms");
  }
}

}  // namespace vgpu::executor
