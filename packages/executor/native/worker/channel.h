// The client's socket, for one thread that answers and one that says "still working".
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <system_error>

#include "vgpu_protocol.h"

namespace vgpu::executor {

/// Where a frame's bytes come from; apart from the socket so that tests and the fuzzer need none.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Waits for at least one byte and returns how many there are, 0 at the end. Throws std::system_error.
  virtual std::size_t read(std::span<std::byte> buffer) = 0;
};

class Channel final : public ByteSource {
 public:
  /// The socket stays its owner's.
  explicit Channel(int socket) : socket_(socket) {}

  std::size_t read(std::span<std::byte> buffer) override;

  /// Sends a response. False when the client is gone. Throws std::system_error.
  /// With a descriptor the client gets that file too; -1 for none.
  bool send(const vgpu_frame& header, std::span<const std::byte> payload, int descriptor = -1);

  /// Sends a sign of life unless the socket is busy or full. False when the client is gone.
  bool send_alive();

 private:
  int socket_;
  std::mutex sending_;
};

}  // namespace vgpu::executor
