// The client's end of shared memory, as a guest has it, but it can also lie.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <stdexcept>

#include "shared_ring.h"
#include "support/file_descriptor.h"
#include "worker/shared_rings.h"

namespace vgpu::executor::test {

/// Two ends of a connection: [0] the client's, [1] the worker's.
inline std::array<FileDescriptor, 2> connected_sockets() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::runtime_error("socketpair");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

class RingClient {
 public:
  explicit RingClient(vgpu_shared_rings& rings)
      : writer_{&rings.requests, 0, 0}, reader_{&rings.responses, 0, 0} {}

  /// As many bytes as there is room for now, without handing them over; returns how many.
  std::size_t put(std::span<const std::byte> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const vgpu_ring_stretch room = vgpu_ring_room(&writer_);
      const std::size_t length = std::min(room.length, bytes.size() - done);
      if (length == 0) break;
      std::memcpy(room.bytes, bytes.data() + done, length);
      writer_.written += length;
      done += length;
    }
    return done;
  }

  /// Hands over what was put. True when the worker is to be woken.
  bool publish() { return vgpu_ring_publish(&writer_); }

  /// As many bytes as there are now; returns how many. `wake`: the worker is to be woken.
  std::size_t take(std::span<std::byte> bytes, bool& wake) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const vgpu_ring_stretch content = vgpu_ring_content(&reader_);
      const std::size_t length = std::min(content.length, bytes.size() - done);
      if (length == 0) break;
      std::memcpy(bytes.data() + done, content.bytes, length);
      reader_.read += length;
      done += length;
    }
    wake = vgpu_ring_release(&reader_);
    return done;
  }

 private:
  vgpu_ring_writer writer_;
  vgpu_ring_reader reader_;
};

}  // namespace vgpu::executor::test
