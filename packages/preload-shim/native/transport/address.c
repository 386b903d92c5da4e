#include "transport/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

// The text behind "scheme:", NULL for another scheme.
static const char* after(const char* url, const char* scheme) {
  const size_t length = strlen(scheme);
  return strncmp(url, scheme, length) == 0 ? url + length : NULL;
}

// strtoul depends on the locale, and newer headers turn it into a symbol that older libraries lack.
static bool parse_number(const char* text, uint32_t most, uint32_t* number) {
  uint64_t value = 0;
  if (*text == '\0') return false;
  for (; *text >= '0' && *text <= '9'; ++text) {
    value = value * 10 + (uint64_t)(*text - '0');
    if (value > most) return false;
  }
  *number = (uint32_t)value;
  return *text == '\0';
}

static int parse_unix(const char* path, struct vgpu_address* address) {
  struct sockaddr_un* socket = (struct sockaddr_un*)&address->socket;
  const size_t length = strnlen(path, sizeof(socket->sun_path));
  if (path[0] != '/') return -EINVAL;
  if (length == sizeof(socket->sun_path)) return -ENAMETOOLONG;
  socket->sun_family = AF_UNIX;
  memcpy(socket->sun_path, path, length);
  address->length = sizeof(*socket);
  return 0;
}

// Splits "host:port" at the last colon.
static int split(const char* text, char* host, size_t room, uint32_t most, uint32_t* port) {
  const char* colon = NULL;
  for (const char* at = text; *at != '\0'; ++at) {
    if (*at == ':') colon = at;
  }
  if (colon == NULL || !parse_number(colon + 1, most, port)) return -EINVAL;
  const size_t length = (size_t)(colon - text);
  if (length >= room) return -EDESTADDRREQ;
  memcpy(host, text, length);
  host[length] = '\0';
  return 0;
}

static int parse_tcp(const char* text, struct vgpu_address* address) {
  char host[INET6_ADDRSTRLEN + 2];
  uint32_t port = 0;
  const int status = split(text, host, sizeof(host), UINT16_MAX, &port);
  if (status != 0) return status;
  if (port == 0) return -EINVAL;
  struct sockaddr_in* four = (struct sockaddr_in*)&address->socket;
  if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    address->length = sizeof(*four);
    return 0;
  }
  struct sockaddr_in6* six = (struct sockaddr_in6*)&address->socket;
  const size_t length = strlen(host);
  if (length < 2 || host[0] != '[' || host[length - 1] != ']') return -EDESTADDRREQ;
  host[length - 1] = '\0';
  if (inet_pton(AF_INET6, host + 1, &six->sin6_addr) != 1) return -EINVAL;
  six->sin6_family = AF_INET6;
  six->sin6_port = htons((uint16_t)port);
  address->length = sizeof(*six);
  return 0;
}

static int parse_vsock(const char* text, struct vgpu_address* address) {
  char machine[16];
  uint32_t port = 0;
  uint32_t number = 0;
  if (split(text, machine, sizeof(machine), UINT32_MAX - 1, &port) != 0) return -EINVAL;
  if (!parse_number(machine, UINT32_MAX - 1, &number)) return -EINVAL;
  struct sockaddr_vm* socket = (struct sockaddr_vm*)&address->socket;
  socket->svm_family = AF_VSOCK;
  socket->svm_cid = number;
  socket->svm_port = port;
  address->length = sizeof(*socket);
  return 0;
}

int vgpu_address_parse(const char* url, struct vgpu_address* address) {
  *address = (struct vgpu_address){.length = 0};
  const char* rest = after(url, "unix:");
  if (rest != NULL) return parse_unix(rest, address);
  rest = after(url, "tcp:");
  if (rest != NULL) return parse_tcp(rest, address);
  rest = after(url, "vsock:");
  return rest != NULL ? parse_vsock(rest, address) : -EINVAL;
}

bool vgpu_address_is_local(const struct vgpu_address* address) {
  return address->socket.ss_family == AF_UNIX;
}
