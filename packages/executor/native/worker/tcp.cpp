#include "worker/tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace vgpu::executor {
namespace {

struct Option {
  int level;
  int name;
  int value;
};

// After 10 s of silence the peer is asked every 5 s, and after 3 questions without an answer it is given up;
// so it is when it does not acknowledge what was sent for 20 s.
constexpr std::array<Option, 6> kOptions = {{
    {.level = IPPROTO_TCP, .name = TCP_NODELAY, .value = 1},
    {.level = SOL_SOCKET, .name = SO_KEEPALIVE, .value = 1},
    {.level = IPPROTO_TCP, .name = TCP_KEEPIDLE, .value = 10},
    {.level = IPPROTO_TCP, .name = TCP_KEEPINTVL, .value = 5},
    {.level = IPPROTO_TCP, .name = TCP_KEEPCNT, .value = 3},
    {.level = IPPROTO_TCP, .name = TCP_USER_TIMEOUT, .value = 20'000},
}};

}  // namespace

void notice_silence(int socket) {
  int protocol = 0;
  socklen_t length = sizeof(protocol);
  if (getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0 || protocol != IPPROTO_TCP) return;
  for (const Option& option : kOptions) {
    if (setsockopt(socket, option.level, option.name, &option.value, sizeof(option.value)) != 0) {
      throw std::system_error(errno, std::generic_category(), "setsockopt");
    }
  }
}

}  // namespace vgpu::executor
