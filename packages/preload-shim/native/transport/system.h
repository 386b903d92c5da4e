// System calls that neither block without a limit, nor are cancellation points, nor need a libc newer
// than 2.17.
//
// A thread that is cancelled inside libc's poll or recv would die holding the connection's lock, and the
// others would wait for ever; syscall() is no cancellation point. Every function returns a negative errno on
// failure.

#ifndef VGPU_TRANSPORT_SYSTEM_H
#define VGPU_TRANSPORT_SYSTEM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

// Names a socket for as long as it exists: a descriptor number may be closed and given to another file.
struct vgpu_file_identity {
  uint64_t device;
  uint64_t inode;
};

int vgpu_socket(int domain, int type);
int vgpu_connect(int descriptor, const struct sockaddr* address, socklen_t length);
int vgpu_set_socket_option(int descriptor, int level, int option, int value);
// What became of a connection that was in progress: 0 or a negative errno.
int vgpu_socket_error(int descriptor);
int vgpu_open(const char* path, int flags, unsigned int mode);
int vgpu_close(int descriptor);
long vgpu_read(int descriptor, void* bytes, size_t length);
long vgpu_write(int descriptor, const void* bytes, size_t length);
// The same file under a number of at least `minimum`, closed by exec.
int vgpu_duplicate_above(int descriptor, int minimum);
int vgpu_identify(int descriptor, struct vgpu_file_identity* identity);
int64_t vgpu_file_bytes(int descriptor);
// Permission bits.
int vgpu_file_mode(int descriptor);
// Fills `bytes` with numbers that nobody can guess; at most 256. -EAGAIN before the machine has any.
int vgpu_random(void* bytes, size_t length);
// Whether nobody can make the file shorter any more.
bool vgpu_file_is_sealed(int descriptor);
// Whether the other end is on this machine, and files can be sent along.
bool vgpu_socket_is_local(int descriptor);

// Neither raises SIGPIPE.
long vgpu_send(int descriptor, const struct msghdr* message);
// A file that comes along goes to *passed, in place of one that nobody took.
long vgpu_receive(int descriptor, void* bytes, size_t length, int* passed);
// Waits for `events`; 0 when `milliseconds` have passed.
int vgpu_poll(struct pollfd* descriptors, unsigned int count, int64_t milliseconds);

// madvise.
int vgpu_advise(void* address, size_t length, int advice);
void vgpu_yield(void);
uint32_t vgpu_process_id(void);
uint32_t vgpu_parent_process_id(void);
// The highest number a descriptor may have, or a negative errno.
int vgpu_highest_descriptor(void);
// To a socket of datagrams, which is neither waited for nor kept.
int vgpu_send_datagram(const struct sockaddr* address, socklen_t length, const void* bytes, size_t count);
// Those that this thread may run on.
int vgpu_processor_count(void);
// Returns at once when *word is not `expected`; may also return for no reason.
void vgpu_futex_wait(_Atomic uint32_t* word, uint32_t expected);
// The same, for so many milliseconds at most.
void vgpu_futex_wait_for(_Atomic uint32_t* word, uint32_t expected, int64_t milliseconds);
void vgpu_futex_wake(_Atomic uint32_t* word, int waiters);

// Microseconds since 1970.
int64_t vgpu_wall_clock_microseconds(void);

// Milliseconds of a clock that nobody sets.
int64_t vgpu_now(void);
int64_t vgpu_nanoseconds(void);

#endif
