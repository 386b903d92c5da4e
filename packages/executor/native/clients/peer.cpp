#include "clients/peer.h"

#include <sys/socket.h>

#include <fstream>
#include <system_error>

#include "support/address.h"

namespace vgpu::executor {

Peer peer_of(int socket) {
  Peer peer;
  try {
    const Address address = Address::of_peer(socket);
    if (address.family() != AF_UNIX) {
      peer.address = address.url();
      return peer;
    }
  } catch (const std::system_error&) {
    return peer;  // it has left already
  }
  ucred credentials{};
  socklen_t length = sizeof(credentials);
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
