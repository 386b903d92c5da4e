// Where the executor listens, from its URL.

#ifndef VGPU_TRANSPORT_ADDRESS_H
#define VGPU_TRANSPORT_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct vgpu_address {
  struct sockaddr_storage socket;
  socklen_t length;
};

// "unix:/path", "tcp:127.0.0.1:4000", "tcp:[::1]:4000", "tcp:localhost:4000", "vsock:2:4000". Returns 0 or a
// negative errno: -EINVAL, -ENAMETOOLONG, -EDESTADDRREQ for a name, which is not looked up, since that may
// block and loads further libraries into the program.
int vgpu_address_parse(const char* url, struct vgpu_address* address);

bool vgpu_address_is_local(const struct vgpu_address* address);

#endif
