#include "transport/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>

#include "transport/system.h"

// Shells, select() and daemons that close "all" descriptors up to some number stay below this.
enum { LOWEST_DESCRIPTOR = 512, RETRY_PAUSE = 5 };

// A peer whose machine is gone says nothing more: after so many seconds of silence it is asked, and after so
// many questions without an answer it is given up. The time for bytes that nobody acknowledges is in
// milliseconds.
enum { KEEP_ALIVE_IDLE = 10, KEEP_ALIVE_PAUSE = 5, KEEP_ALIVE_COUNT = 3, UNACKNOWLEDGED = 20000 };

static int wait_until_connected(int descriptor, int64_t deadline) {
  for (;;) {
    const int64_t now = vgpu_now();
    if (now >= deadline) return -ETIMEDOUT;
    struct pollfd writable = {.fd = descriptor, .events = POLLOUT};
    const int ready = vgpu_poll(&writable, 1, deadline - now);
    if (ready < 0 && ready != -EINTR) return ready;
    if (ready > 0) return vgpu_socket_error(descriptor);
  }
}

static int connect_until(int descriptor, const struct vgpu_address* address, int64_t deadline) {
  for (;;) {
    const int status = vgpu_connect(descriptor, (const struct sockaddr*)&address->socket, address->length);
    if (status == -EINPROGRESS) return wait_until_connected(descriptor, deadline);
    // A unix socket whose queue is full says EAGAIN, and poll cannot tell when there is room.
    if (status != -EAGAIN && status != -EINTR) return status;
    if (vgpu_now() >= deadline) return -ETIMEDOUT;
    vgpu_poll(NULL, 0, RETRY_PAUSE);
  }
}

static int prepare_tcp(int descriptor) {
  static const struct {
    int level;
    int option;
    int value;
  } OPTIONS[] = {
      {IPPROTO_TCP, TCP_NODELAY, 1},
      {SOL_SOCKET, SO_KEEPALIVE, 1},
      {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_ALIVE_IDLE},
      {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_ALIVE_PAUSE},
      {IPPROTO_TCP, TCP_KEEPCNT, KEEP_ALIVE_COUNT},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED},
  };
  int status = 0;
  for (size_t i = 0; status == 0 && i < sizeof(OPTIONS) / sizeof(*OPTIONS); ++i) {
    status = vgpu_set_socket_option(descriptor, OPTIONS[i].level, OPTIONS[i].option, OPTIONS[i].value);
  }
  return status;
}

// The same socket under a number that nobody expects: at least LOWEST_DESCRIPTOR, or else the highest that
// the limit allows and that is free.
static int move_high(int descriptor) {
  int high = vgpu_duplicate_above(descriptor, LOWEST_DESCRIPTOR);
  if (high < 0) {
    const int highest = vgpu_highest_descriptor();
    const int last = highest < LOWEST_DESCRIPTOR ? highest : LOWEST_DESCRIPTOR;
    for (int number = last; high < 0 && number > descriptor; --number)
      high = vgpu_duplicate_above(descriptor, number);
  }
  // Where no other number is free this one serves: before each use it is looked at anyway.
  if (high < 0) return descriptor;
  vgpu_close(descriptor);
  return high;
}

int vgpu_dial(const struct vgpu_address* address, int64_t deadline) {
  const int family = address->socket.ss_family;
  const int descriptor = vgpu_socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return descriptor;
  int status = connect_until(descriptor, address, deadline);
  if (status == 0 && (family == AF_INET || family == AF_INET6)) status = prepare_tcp(descriptor);
  if (status < 0) {
    vgpu_close(descriptor);
    return status;
  }
  return move_high(descriptor);
}
