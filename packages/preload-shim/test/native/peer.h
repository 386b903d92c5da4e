// The other end of the connection, played by the test itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "guest.h"
#include "guest_api.hpp"

namespace vgpu::test {

using Bytes = std::vector<std::byte>;

/// Values one after the other without gaps, as they lie in a payload.
template <typename... T>
Bytes packed(const T&... values) {
  static_assert(((std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>)&&...));
  Bytes bytes((sizeof(T) + ... + 0));
  std::size_t offset = 0;
  ((std::memcpy(bytes.data() + offset, &values, sizeof(T)), offset += sizeof(T)), ...);
  return bytes;
}

struct Request {
  vgpu_frame frame{};
  Bytes payload;

  template <typename T>
  [[nodiscard]] T at(std::size_t offset) const {
    T value{};
    if (offset + sizeof value <= payload.size()) std::memcpy(&value, payload.data() + offset, sizeof value);
    return value;
  }
};

struct Answer {
  std::int32_t status = CUDA_SUCCESS;
  Bytes payload;
};

inline Answer failure(CUresult status) {
  return Answer{status, {}};
}

/// What the handshake says, to be changed by tests.
struct Introduction {
  vgpu_welcome welcome{};
  std::vector<vgpu_device> devices;
  Introduction();
};

/// One accepted connection. Every function gives up after 30 s.
class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}
  ~Connection() { close(); }
  Connection(Connection&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Connection& operator=(Connection&&) = delete;

  vgpu_hello read_hello();
  void introduce(const Introduction& introduction = {});
  /// Reads the hello and answers it.
  void greet(const Introduction& introduction = {});

  /// False when the guest has closed the connection.
  bool read_request(Request& request);
  void answer(const Request& request, const Answer& answer = {});
  void alive();
  /// With `file`, unless that is negative.
  void send(std::span<const std::byte> bytes, int file = -1);
  void close();
  [[nodiscard]] int descriptor() const { return descriptor_; }

  /// False when the guest has closed the connection.
  bool receive(void* bytes, std::size_t length);

 private:
  int descriptor_;
};

using Handler = std::function<Answer(const Request&)>;

class Peer {
 public:
  /// Listens at a path of its own, for `queue` callers at a time.
  explicit Peer(int queue = 64);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// VGPU_EXECUTOR, and timeouts that keep the tests short.
  [[nodiscard]] Environment environment() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Nothing when nobody connects within `limit`.
  [[nodiscard]] bool has_caller(std::chrono::milliseconds limit) const;
  Connection accept();
  /// From now on connecting is refused.
  void stop();

 private:
  TemporaryFolder folder_;
  std::string path_;
  int descriptor_ = -1;
};

/// A device of a fake executor that answers what `handlers` say and for other calls success where that needs
/// no values. Serves one connection until the guest closes it, and keeps the requests.
struct FakeExecutor {
  std::map<std::uint32_t, Handler> handlers;
  std::vector<Request> requests;

  FakeExecutor();
  void serve(Connection& connection);
  [[nodiscard]] std::vector<Request> of(std::uint32_t call) const;
};

inline constexpr CUdeviceptr kAddressBase = 0x7000'0000'0000;
inline constexpr std::uint64_t kContext = 0x1001;

/// Starts a guest and serves it to its end.
Outcome run_with(FakeExecutor& executor, const std::function<Values()>& code, const Environment& extra = {});

/// In the guest: cuInit and the primary context of device 0.
CUresult start_context();

}  // namespace vgpu::test
