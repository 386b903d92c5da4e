// Frames through the client's socket.
#pragma once

#include <mutex>

#include "adaptive_spin.h"
#include "worker/channel.h"

namespace vgpu::executor {

class SocketChannel final : public Channel {
 public:
  /// The socket stays its owner's.
  explicit SocketChannel(int socket);

  std::size_t read(std::span<std::byte> buffer) override;
  bool send(const vgpu_frame& header, std::span<const std::byte> payload, int descriptor) override;
  bool send_alive() override;
  void expect_rest(bool owed) override { rest_owed_ = owed; }

 private:
  [[nodiscard]] bool has_bytes() const;

  bool rest_owed_ = false;
  int socket_;
  vgpu_spin spin_;
  std::mutex sending_;
};

}  // namespace vgpu::executor
