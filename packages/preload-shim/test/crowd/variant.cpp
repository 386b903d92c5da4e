#include "variant.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>
#include <system_error>

namespace vgpu::crowd {
namespace {

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

void limit(__rlimit_resource resource, rlim_t value) {
  const rlimit both{value, value};
  check(setrlimit(resource, &both), "setrlimit");
}

void no_new_privileges() {
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
}

void close_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) check(close(stream), "close");
}

/// Whoever opens a socket is killed.
void no_sockets() {
#if defined(__x86_64__)
  constexpr unsigned kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  constexpr unsigned kArchitecture = AUDIT_ARCH_AARCH64;
#endif
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof rules / sizeof *rules, rules};
  no_new_privileges();
  check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "PR_SET_SECCOMP");
}

void change_root() {
  const char* folder = getenv("VGPU_CROWD_ROOT");
  if (folder == nullptr) throw std::invalid_argument("VGPU_CROWD_ROOT is not set");
  check(chroot(folder), "chroot");
  check(chdir("/"), "chdir");
}

const std::map<std::string, std::function<void()>> kVariants = {
    {"plain", [] {}},
    {"user-namespace", [] { check(unshare(CLONE_NEWUSER), "unshare"); }},
    {"chroot", change_root},
    {"address-space", [] { limit(RLIMIT_AS, rlim_t{512} << 20); }},
    {"no-new-privileges", no_new_privileges},
    {"closed-streams", close_standard_streams},
    {"eight-descriptors", [] { limit(RLIMIT_NOFILE, 8); }},
    {"empty-environment", [] { clearenv(); }},
    {"no-sockets", no_sockets},
};

}  // namespace

void apply_variant(const std::string& name) {
  const auto found = kVariants.find(name);
  if (found == kVariants.end()) throw std::invalid_argument("no variant " + name);
  found->second();
}

}  // namespace vgpu::crowd
