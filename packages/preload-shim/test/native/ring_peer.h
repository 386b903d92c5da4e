// The worker's end of the shared memory, played by the test itself.
#pragma once

#include <chrono>
#include <cstddef>

#include "peer.h"
#include "shared_ring.h"

namespace vgpu::test {

/// A file for the rings as the executor makes it.
struct RingFile {
  /// `bytes` and `sealed` as they should not be, for tests.
  explicit RingFile(std::size_t bytes = sizeof(vgpu_shared_rings), bool sealed = true);
  ~RingFile();
  RingFile(const RingFile&) = delete;
  RingFile& operator=(const RingFile&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// One guest that talks through rings. Every wait gives up after 30 s.
class RingConnection {
 public:
  /// Accepts the guest, greets it, and hands it the rings.
  explicit RingConnection(Peer& peer);
  ~RingConnection();
  RingConnection(const RingConnection&) = delete;
  RingConnection& operator=(const RingConnection&) = delete;

  /// False when the guest has closed the connection.
  bool read_request(Request& request);
  /// `wake` false: without the byte that wakes a sleeper.
  void answer(const Request& request, const Answer& answer = {}, bool wake = true);
  void put(std::span<const std::byte> bytes);
  void publish(bool wake = true);
  /// What says that this end is alive and, to a sleeper, that it should look.
  void ring_bell();
  void close() { connection_.close(); }

  [[nodiscard]] vgpu_shared_rings& rings() { return *rings_; }
  /// False when the guest does not go to sleep, waiting for an answer, within `limit`.
  [[nodiscard]] bool guest_sleeps(std::chrono::milliseconds limit) const;

 private:
  bool receive(void* bytes, std::size_t length);
  bool has_left();

  Connection connection_;
  vgpu_shared_rings* rings_ = nullptr;
  vgpu_ring_reader requests_{};
  vgpu_ring_writer responses_{};
};

/// Answers as `executor` does until the guest leaves.
void serve(FakeExecutor& executor, RingConnection& connection);

}  // namespace vgpu::test
