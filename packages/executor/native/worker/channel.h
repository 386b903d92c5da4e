// The connection to the client, for one thread that answers and one that says "still working".
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <system_error>

#include "vgpu_protocol.h"

namespace vgpu::executor {

/// Where a frame's bytes come from; apart from the connection so that tests and the fuzzer need none.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Waits for at least one byte and returns how many there are, 0 at the end. Throws std::system_error.
  virtual std::size_t read(std::span<std::byte> buffer) = 0;

  /// The next bytes where they lie, at least one and at most `most`, none at the end; valid until the next
  /// call. Only for bytes that mean nothing to us: a client may write there meanwhile. Throws
  /// std::system_error.
  virtual std::span<const std::byte> borrow(std::size_t most);

  /// Whether the client owes the rest of a frame: read() then throws std::runtime_error when nothing comes
  /// for too long.
  virtual void expect_rest(bool /*owed*/) {}

 private:
  std::unique_ptr<std::byte[]> borrowed_;
};

class Channel : public ByteSource {
 public:
  /// Sends a response. False when the client is gone. Throws std::system_error.
  /// With a descriptor the client gets that file too; -1 for none.
  virtual bool send(const vgpu_frame& header, std::span<const std::byte> payload, int descriptor) = 0;

  /// Sends a sign of life unless the connection is busy or full; may be called by another thread. False when
  /// the client is gone.
  virtual bool send_alive() = 0;
};

}  // namespace vgpu::executor
