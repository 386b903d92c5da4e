// Where somebody listens or connects from, as a URL.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace vgpu::executor {

/// The URL is none; what() says what would be one.
class AddressError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Address {
 public:
  /// "unix:/path", "tcp:127.0.0.1:4000", "tcp:[::1]:4000", "tcp:localhost:4000", "vsock:any:4000",
  /// "vsock:1:4000". Names are not looked up. Port 0 stands for one that is free. Throws AddressError.
  static Address parse(std::string_view url);
  /// Where a listening socket really is, once the system has chosen the port. Throws std::system_error.
  static Address of_socket(int socket);
  /// Who is connected to the socket. Throws std::system_error.
  static Address of_peer(int socket);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t length() const { return length_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }
  /// Of a unix socket; empty for others.
  [[nodiscard]] std::string path() const;
  /// In the form that parse() takes.
  [[nodiscard]] std::string url() const;
  /// Whether only processes of this machine can connect to it.
  [[nodiscard]] bool is_local() const;

 private:
  static Address parse_unix(std::string_view path);
  static Address parse_tcp(std::string_view rest);
  static Address parse_vsock(std::string_view rest);
  template <typename Native>
  static Address from(const Native& native);
  template <typename Native>
  [[nodiscard]] Native as() const;

  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace vgpu::executor
