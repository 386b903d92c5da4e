#include "clients/peer.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <fstream>

namespace vgpu::executor {
namespace {

template <typename Address>
Address as(const sockaddr_storage& storage) {
  Address address{};
  std::memcpy(&address, &storage, sizeof(address));
  return address;
}

template <int Family, typename Address>
std::string numeric(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* result = inet_ntop(Family, &address, text.data(), static_cast<socklen_t>(text.size()));
  return result == nullptr ? "?" : result;
}

std::string address_of(const sockaddr_storage& storage) {
  switch (storage.ss_family) {
    case AF_INET: {
      const auto address = as<sockaddr_in>(storage);
      return numeric<AF_INET>(address.sin_addr) + ":" + std::to_string(ntohs(address.sin_port));
    }
    case AF_INET6: {
      const auto address = as<sockaddr_in6>(storage);
      return "[" + numeric<AF_INET6>(address.sin6_addr) + "]:" + std::to_string(ntohs(address.sin6_port));
    }
    case AF_VSOCK: {
      const auto address = as<sockaddr_vm>(storage);
      return "vsock:" + std::to_string(address.svm_cid) + ":" + std::to_string(address.svm_port);
    }
    default:
      return "";
  }
}

}  // namespace

Peer peer_of(int socket) {
  Peer peer;
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  // A peer that has left already has no address.
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return peer;
  peer.local = storage.ss_family == AF_UNIX;
  if (!peer.local) {
    peer.address = address_of(storage);
    return peer;
  }
  ucred credentials{};
  length = sizeof(credentials);
  peer.local = getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0;
  if (!peer.local) return peer;
  peer.process_id = static_cast<std::uint32_t>(credentials.pid);
  peer.user_id = credentials.uid;
  return peer;
}

std::string describe(const Peer& peer) {
  if (!peer.address.empty()) return peer.address;
  if (peer.process_id == 0) return "unknown client";
  std::ifstream file("/proc/" + std::to_string(peer.process_id) + "/comm");
  std::string name;
  std::getline(file, name);
  return (name.empty() ? "client" : name) + " (process " + std::to_string(peer.process_id) + ")";
}

}  // namespace vgpu::executor
