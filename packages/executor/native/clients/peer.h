// Who is at the other end of a connection.
#pragma once

#include <cstdint>
#include <string>

namespace vgpu::executor {

struct Peer {
  bool local = false;            // a process of this machine, by a unix socket: the kernel vouches for it
  std::uint32_t process_id = 0;  // 0 when it is not known
  std::uint32_t user_id = 0;     // where `local`
  std::string address;           // "tcp:192.0.2.1:40000" or "vsock:3:1024", where not `local`
};

Peer peer_of(int socket);

/// "vector_add (process 4711)" or "tcp:192.0.2.1:40000".
std::string describe(const Peer& peer);

}  // namespace vgpu::executor
