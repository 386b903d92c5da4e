#include "support/address.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

namespace vgpu::executor {
namespace {

constexpr std::string_view kAnyMachine = "any";

[[noreturn]] void fail(const std::string& message) {
  throw AddressError(message);
}

std::uint32_t parse_number(std::string_view text, std::uint32_t most, const char* what) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value <= most) return value;
  fail(std::string(what) + " is a number up to " + std::to_string(most) + ", not \"" + std::string(text) +
       "\"");
}

/// "host:port" at the last colon.
std::pair<std::string, std::string_view> split(std::string_view text) {
  const std::size_t colon = text.find_last_of(':');
  if (colon == std::string_view::npos) fail("\"" + std::string(text) + "\" has no port");
  return {std::string(text.substr(0, colon)), text.substr(colon + 1)};
}

template <int Family, typename Binary>
std::string numeric(const Binary& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* result = inet_ntop(Family, &address, text.data(), static_cast<socklen_t>(text.size()));
  return result == nullptr ? "?" : result;
}

}  // namespace

template <typename Native>
Address Address::from(const Native& native) {
  Address address;
  std::memcpy(&address.storage_, &native, sizeof(native));
  address.length_ = sizeof(native);
  return address;
}

template <typename Native>
Native Address::as() const {
  Native native{};
  std::memcpy(&native, &storage_, sizeof(native));
  return native;
}

Address Address::parse(std::string_view url) {
  const auto [scheme, rest] = [&] {
    const std::size_t colon = std::min(url.find(':'), url.size());
    return std::pair(url.substr(0, colon), url.substr(std::min(colon + 1, url.size())));
  }();
  if (scheme == "unix") return parse_unix(rest);
  if (scheme == "tcp") return parse_tcp(rest);
  if (scheme == "vsock") return parse_vsock(rest);
  fail("\"" + std::string(url) + "\" is neither unix:/path, tcp:host:port, nor vsock:cid:port");
}

Address Address::parse_unix(std::string_view path) {
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(native.sun_path)) {
    fail("a socket's path has 1 to " + std::to_string(sizeof(native.sun_path) - 1) + " bytes, \"" +
         std::string(path) + "\" has " + std::to_string(path.size()));
  }
  std::memcpy(native.sun_path, path.data(), path.size());
  return from(native);
}

Address Address::parse_tcp(std::string_view rest) {
  const auto [host, port_text] = split(rest);
  const auto port = htons(static_cast<std::uint16_t>(
      parse_number(port_text, std::numeric_limits<std::uint16_t>::max(), "a port")));
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = port;
  if (inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host.c_str(), &four.sin_addr) == 1) {
    return from(four);
  }
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = port;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed && inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &six.sin6_addr) == 1) {
    return from(six);
  }
  fail("\"" + host + "\" is no numeric address such as 127.0.0.1 or [::1]");
}

Address Address::parse_vsock(std::string_view rest) {
  const auto [machine, port] = split(rest);
  sockaddr_vm native{};
  native.svm_family = AF_VSOCK;
  native.svm_cid =
      machine == kAnyMachine ? VMADDR_CID_ANY : parse_number(machine, VMADDR_CID_ANY - 1, "a machine's CID");
  native.svm_port = parse_number(port, VMADDR_PORT_ANY - 1, "a port");
  return from(native);
}

Address Address::of_socket(int socket) {
  Address address;
  address.length_ = sizeof(address.storage_);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address.storage_), &address.length_) != 0) {
    throw std::system_error(errno, std::generic_category(), "getsockname");
  }
  return address;
}

Address Address::of_peer(int socket) {
  Address address;
  address.length_ = sizeof(address.storage_);
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address.storage_), &address.length_) != 0) {
    throw std::system_error(errno, std::generic_category(), "getpeername");
  }
  return address;
}

std::string Address::path() const {
  return family() == AF_UNIX ? as<sockaddr_un>().sun_path : "";
}

std::string Address::url() const {
  switch (family()) {
    case AF_INET: {
      const auto native = as<sockaddr_in>();
      return "tcp:" + numeric<AF_INET>(native.sin_addr) + ":" + std::to_string(ntohs(native.sin_port));
    }
    case AF_INET6: {
      const auto native = as<sockaddr_in6>();
      return "tcp:[" + numeric<AF_INET6>(native.sin6_addr) + "]:" + std::to_string(ntohs(native.sin6_port));
    }
    case AF_VSOCK: {
      const auto native = as<sockaddr_vm>();
      const std::string machine(native.svm_cid == VMADDR_CID_ANY ? std::string(kAnyMachine)
                                                                 : std::to_string(native.svm_cid));
      return "vsock:" + machine + ":" + std::to_string(native.svm_port);
    }
    default:
      return "unix:" + path();
  }
}

bool Address::is_local() const {
  switch (family()) {
    case AF_INET:
      return ntohl(as<sockaddr_in>().sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6: {
      const auto native = as<sockaddr_in6>();
      return IN6_IS_ADDR_LOOPBACK(&native.sin6_addr);
    }
    case AF_VSOCK:
      return as<sockaddr_vm>().svm_cid == VMADDR_CID_LOCAL;
    default:
      return true;
  }
}

}  // namespace vgpu::executor
