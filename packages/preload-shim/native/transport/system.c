#include "transport/system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/random.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long checked(long result) {
  return result == -1 ? -errno : result;
}

int vgpu_socket(int domain, int type) {
  return (int)checked(syscall(SYS_socket, domain, type, 0));
}

int vgpu_connect(int descriptor, const struct sockaddr* address, socklen_t length) {
  return (int)checked(syscall(SYS_connect, descriptor, address, length));
}

int vgpu_set_socket_option(int descriptor, int level, int option, int value) {
  return (int)checked(syscall(SYS_setsockopt, descriptor, level, option, &value, sizeof(value)));
}

int vgpu_socket_error(int descriptor) {
  int error = 0;
  socklen_t length = sizeof(error);
  const long result = checked(syscall(SYS_getsockopt, descriptor, SOL_SOCKET, SO_ERROR, &error, &length));
  return result < 0 ? (int)result : -error;
}

int vgpu_open(const char* path, int flags, unsigned int mode) {
  return (int)checked(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int vgpu_close(int descriptor) {
  return (int)checked(syscall(SYS_close, descriptor));
}

long vgpu_read(int descriptor, void* bytes, size_t length) {
  return checked(syscall(SYS_read, descriptor, bytes, length));
}

long vgpu_write(int descriptor, const void* bytes, size_t length) {
  return checked(syscall(SYS_write, descriptor, bytes, length));
}

int vgpu_duplicate_above(int descriptor, int minimum) {
  return (int)checked(syscall(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, minimum));
}

// Since Linux 3.17; older headers lack them.
#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#define F_SEAL_SHRINK 2
#endif

// libc's fstat has a symbol version of 2.33; the kernel's structure is the same on 64-bit machines.
_Static_assert(sizeof(void*) == 8, "struct stat is the kernel's on 64-bit machines only");

int vgpu_identify(int descriptor, struct vgpu_file_identity* identity) {
  struct stat status;
  const long result = checked(syscall(SYS_fstat, descriptor, &status));
  if (result < 0) return (int)result;
  *identity = (struct vgpu_file_identity){.device = status.st_dev, .inode = status.st_ino};
  return 0;
}

int64_t vgpu_file_bytes(int descriptor) {
  struct stat status;
  const long result = checked(syscall(SYS_fstat, descriptor, &status));
  if (result < 0) return result;
  return S_ISREG(status.st_mode) ? status.st_size : -EINVAL;
}

bool vgpu_file_is_sealed(int descriptor) {
  const long seals = checked(syscall(SYS_fcntl, descriptor, F_GET_SEALS));
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

bool vgpu_socket_is_local(int descriptor) {
  int domain = 0;
  socklen_t length = sizeof(domain);
  return syscall(SYS_getsockopt, descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
         domain == AF_UNIX;
}

int vgpu_file_mode(int descriptor) {
  struct stat status;
  const long result = checked(syscall(SYS_fstat, descriptor, &status));
  return result < 0 ? (int)result : (int)(status.st_mode & 0777);
}

int vgpu_random(void* bytes, size_t length) {
  const long count = checked(syscall(SYS_getrandom, bytes, length, GRND_NONBLOCK));
  if (count < 0) return (int)count;
  return (size_t)count == length ? 0 : -EAGAIN;
}

long vgpu_send(int descriptor, const struct msghdr* message) {
  return checked(syscall(SYS_sendmsg, descriptor, message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

long vgpu_receive(int descriptor, void* bytes, size_t length, int* passed) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {.iov_base = bytes, .iov_len = length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
  const long received = checked(syscall(SYS_recvmsg, descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  const struct cmsghdr* header = received < 0 ? NULL : CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof(int))) {
    if (*passed >= 0) vgpu_close(*passed);
    memcpy(passed, CMSG_DATA(header), sizeof(int));
  }
  return received;
}

int vgpu_poll(struct pollfd* descriptors, unsigned int count, int64_t milliseconds) {
  struct timespec limit = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
  return (int)checked(syscall(SYS_ppoll, descriptors, count, &limit, NULL, 0));
}

int vgpu_advise(void* address, size_t length, int advice) {
  return (int)checked(syscall(SYS_madvise, address, length, advice));
}

void vgpu_yield(void) {
  syscall(SYS_sched_yield);
}

uint32_t vgpu_process_id(void) {
  return (uint32_t)syscall(SYS_getpid);
}

uint32_t vgpu_parent_process_id(void) {
  return (uint32_t)syscall(SYS_getppid);
}

int vgpu_highest_descriptor(void) {
  enum { MOST = 1 << 20 };
  struct rlimit limit;
  const int status = (int)checked(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit));
  if (status < 0) return status;
  return limit.rlim_cur > MOST ? MOST : (int)limit.rlim_cur - 1;
}

int vgpu_send_datagram(const struct sockaddr* address, socklen_t length, const void* bytes, size_t count) {
  const int descriptor = vgpu_socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return descriptor;
  const long sent =
      checked(syscall(SYS_sendto, descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, address, length));
  vgpu_close(descriptor);
  return sent < 0 ? (int)sent : 0;
}

int vgpu_processor_count(void) {
  enum { WORDS = 1024 };
  unsigned long mask[WORDS] = {0};
  // The kernel tells how many bytes it has written.
  const long bytes = checked(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask));
  int count = 0;
  for (long i = 0; i < bytes / (long)sizeof(mask[0]); ++i) count += __builtin_popcountl(mask[i]);
  return count;
}

void vgpu_futex_wait(_Atomic uint32_t* word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void vgpu_futex_wait_for(_Atomic uint32_t* word, uint32_t expected, int64_t milliseconds) {
  const struct timespec limit = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &limit, NULL, 0);
}

void vgpu_futex_wake(_Atomic uint32_t* word, int waiters) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, waiters, NULL, NULL, 0);
}

int64_t vgpu_nanoseconds(void) {
  struct timespec now;
  // Cannot fail: the clock exists and the address is ours.
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t vgpu_now(void) {
  return vgpu_nanoseconds() / 1000000;
}

int64_t vgpu_wall_clock_microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
