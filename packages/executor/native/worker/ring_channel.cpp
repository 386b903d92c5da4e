#include "worker/ring_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "worker/socket_io.h"
#include "worker/spin.h"

namespace vgpu::executor {
namespace {

// Looking at the clock takes longer than looking at the ring.
constexpr int kLooksPerClock = 8;

vgpu_ring_stretch believable(vgpu_ring_stretch stretch) {
  if (stretch.broken)
    throw std::runtime_error("the client has written impossible positions into the shared memory");
  return stretch;
}

}  // namespace

RingChannel::RingChannel(int socket, vgpu_shared_rings& rings)
    : socket_(socket),
      requests_{&rings.requests, 0, 0},
      responses_{&rings.responses, 0, 0},
      spin_(make_spin()) {}

bool RingChannel::has_request() {
  return believable(vgpu_ring_content(&requests_)).length != 0;
}

bool RingChannel::has_room() {
  return believable(vgpu_ring_room(&responses_)).length != 0;
}

/// Until a byte comes. False when the client is gone.
bool RingChannel::sleep_at_socket() {
  if (rest_owed_) wait_for_rest(socket_);
  pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, -1) < 0) {
    if (errno == EINTR) return true;
    throw std::system_error(errno, std::generic_category(), "cannot wait for the client");
  }
  std::array<std::byte, 64> bells;
  const ssize_t received = recv(socket_, bells.data(), bells.size(), MSG_DONTWAIT);
  if (received > 0 || (received < 0 && (errno == EAGAIN || errno == EINTR))) return true;
  if (received == 0 || is_gone(errno)) return false;
  throw std::system_error(errno, std::generic_category(), "cannot receive from the client");
}

/// False when the client is gone and what is waited for will not come any more.
template <typename Came>
bool RingChannel::wait_until(std::uint32_t& sleeps, Came came) {
  if (spin(spin_, kLooksPerClock, came)) return true;
  bool there = true;
  while (there) {
    vgpu_ring_set_sleeps(&sleeps, true);
    if (came()) break;
    there = sleep_at_socket();
  }
  vgpu_ring_set_sleeps(&sleeps, false);
  // What a client said before it left still counts.
  return there || came();
}

/// False at the end.
bool RingChannel::wait_for_request() {
  return has_request() || wait_until(requests_.ring->reader_sleeps, [this] { return has_request(); });
}

void RingChannel::release() {
  requests_.read += std::exchange(borrowed_bytes_, 0);
  // A client that is gone is noticed when there is nothing more to read.
  if (vgpu_ring_release(&requests_)) static_cast<void>(ring_bell());
}

std::size_t RingChannel::read(std::span<std::byte> buffer) {
  if (borrowed_bytes_ != 0) release();
  if (!wait_for_request()) return 0;
  // Copied before anybody looks at it: the client may go on writing there.
  std::size_t taken = 0;
  while (taken < buffer.size() && has_request()) {
    const vgpu_ring_stretch content = vgpu_ring_content(&requests_);
    const std::size_t length = std::min(content.length, buffer.size() - taken);
    std::memcpy(buffer.data() + taken, content.bytes, length);
    requests_.read += length;
    taken += length;
  }
  release();
  return taken;
}

std::span<const std::byte> RingChannel::borrow(std::size_t most) {
  if (borrowed_bytes_ != 0) release();
  if (!wait_for_request()) return {};
  const vgpu_ring_stretch content = vgpu_ring_content(&requests_);
  // In pieces, so that the client has room for the next one while this one is copied.
  borrowed_bytes_ = std::min({content.length, most, std::size_t{VGPU_RING_PIECE_BYTES}});
  return std::as_bytes(std::span(content.bytes, borrowed_bytes_));
}

bool RingChannel::ring_bell() {
  constexpr std::byte kBell{};
  while (::send(socket_, &kBell, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (is_gone(errno)) return false;
    // A socket that is full of such bytes wakes by itself.
    if (errno == EAGAIN) return true;
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "cannot wake the client");
  }
  return true;
}

bool RingChannel::publish() {
  return !vgpu_ring_publish(&responses_) || ring_bell();
}

bool RingChannel::put(std::span<const std::byte> bytes, std::size_t& unpublished) {
  while (!bytes.empty()) {
    if (!has_room()) {
      unpublished = 0;
      if (!publish() || !wait_until(responses_.ring->writer_sleeps, [this] { return has_room(); }))
        return false;
    }
    const vgpu_ring_stretch room = vgpu_ring_room(&responses_);
    const std::size_t length = std::min({bytes.size(), room.length, VGPU_RING_PIECE_BYTES - unpublished});
    std::memcpy(room.bytes, bytes.data(), length);
    responses_.written += length;
    bytes = bytes.subspan(length);
    unpublished += length;
    if (unpublished == VGPU_RING_PIECE_BYTES) {
      unpublished = 0;
      if (!publish()) return false;
    }
  }
  return true;
}

bool RingChannel::send(const vgpu_frame& header, std::span<const std::byte> payload, int descriptor) {
  if (descriptor >= 0) {
    constexpr std::array<std::byte, 1> kBell{};
    std::array parts = {part(kBell)};
    // Before the response, so that it is there when the client looks for it.
    if (!send_all(socket_, parts, descriptor)) return false;
  }
  std::size_t unpublished = 0;
  return put(std::as_bytes(std::span(&header, 1)), unpublished) && put(payload, unpublished) && publish();
}

bool RingChannel::send_alive() {
  return ring_bell();
}

}  // namespace vgpu::executor
