// Frames through memory that is shared with the client. The socket stays: a byte on it means "look again",
// its end is the client's end, and files travel on it.
#pragma once

#include "adaptive_spin.h"
#include "shared_ring.h"
#include "worker/channel.h"

namespace vgpu::executor {

/// Believes nothing that lies in the shared memory: a client that writes impossible positions there gets an
/// exception thrown here, and any other nonsense reads as bytes that no frame makes sense of.
class RingChannel final : public Channel {
 public:
  /// Socket and memory stay their owner's.
  RingChannel(int socket, vgpu_shared_rings& rings);

  std::size_t read(std::span<std::byte> buffer) override;
  std::span<const std::byte> borrow(std::size_t most) override;
  bool send(const vgpu_frame& header, std::span<const std::byte> payload, int descriptor) override;
  bool send_alive() override;
  void expect_rest(bool owed) override { rest_owed_ = owed; }

 private:
  bool rest_owed_ = false;
  [[nodiscard]] bool has_request();
  [[nodiscard]] bool has_room();
  template <typename Came>
  bool wait_until(std::uint32_t& sleeps, Came came);
  bool sleep_at_socket();
  bool wait_for_request();
  void release();
  bool put(std::span<const std::byte> bytes, std::size_t& unpublished);
  bool publish();
  bool ring_bell();

  int socket_;
  vgpu_ring_reader requests_;
  vgpu_ring_writer responses_;
  std::size_t borrowed_bytes_ = 0;
  vgpu_spin spin_;
};

}  // namespace vgpu::executor
